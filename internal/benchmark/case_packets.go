package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/workload"
)

// packets names the policies of the packet measurements where changes have names.
const packets = "packets"

// path is a node with two pods that talk, and what stands between them.
type path struct {
	name   string
	lab    *netlab.Lab
	agent  *agentProcess
	server *process
	// verdict is what becomes of packets to another port of the server's pod.
	verdict netlab.Verdict
	rates   map[string]sample // operations per second of CPU, by mode and family
}

// packetPort is the one that the workload's probe policy lets pod 0 reach on pod 1.
const packetPort = 9999

// pair is a cluster of two local pods and a remote one, and no policy but the probe's.
func pair() workload.Size {
	return workload.Size{Nodes: 2, Local: 2, Remote: 1, Namespaces: 1, Families: family.Both, Seed: 1}
}

// measurePackets measures what policy costs the packets of two local pods: TCP, client and
// server on one core. The machine is shared, so what counts is the CPU time of both, which
// the whole path between them is part of; and the ways are gone round again and again, so
// that each meets the same weather.
func measurePackets(b *bench, _ preset) error {
	paths := []*path{
		{name: "no agent, no rules", verdict: netlab.Refused},
		{name: "a hand-written ruleset", verdict: netlab.Silent},
		{name: "Margay, 1 policy", verdict: netlab.Silent},
		{name: "Margay, 200 policies before it", verdict: netlab.Silent},
	}
	for i, prepare := range []func(*path) error{
		func(p *path) error { return p.lab.Node(workload.LocalNode).RouteByHand() },
		(*path).byHand,
		func(p *path) error { return p.withAgent(0) },
		func(p *path) error { return p.withAgent(200) },
	} {
		p := paths[i]
		if err := p.open(b.core, prepare); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		defer p.close()
	}
	for range b.repeat(10) {
		for _, p := range paths {
			if err := p.round(b); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	for _, how := range []mode{exchange, connection} {
		for _, f := range family.All() {
			key := string(how) + ", " + f.String()
			for _, p := range paths {
				b.report.add(result{"", key + ": " + p.name, "op/s", p.rates[key], paths[0].rates[key], ""})
			}
		}
	}
	return nil
}

// open makes the node and its pods, prepares what stands between them, and starts the
// server.
func (p *path) open(core int, prepare func(*path) error) error {
	p.rates = map[string]sample{}
	spec := netlab.NodeSpec{Name: workload.LocalNode}
	for _, f := range family.All() {
		spec.Addresses = append(spec.Addresses, workload.NodeAddress(f, 0))
	}
	for i, pod := range workload.New(pair()).LocalPods() {
		of := podOf(workload.Event(pod))
		spec.Pods = append(spec.Pods, netlab.PodSpec{Name: fmt.Sprint(i), Interface: of.Interface, Addresses: of.Claims.Status})
	}
	var err error
	if p.lab, err = netlab.New(netlab.Options{Nodes: []netlab.NodeSpec{spec}}); err != nil {
		return err
	}
	if err := prepare(p); err != nil {
		return err
	}
	p.server, err = startRole(p.lab.Pod("1").Space, roleServer, strconv.Itoa(core), strconv.Itoa(packetPort))
	if err != nil {
		return err
	}
	if _, err := bufio.NewReader(p.server.out).ReadString('\n'); err != nil {
		return err
	}
	return p.check()
}

// check asks another port than the one that policy allows: what is measured must be
// closed where it ought to be.
func (p *path) check() error {
	for _, f := range family.All() {
		to := netip.AddrPortFrom(p.lab.Pod("1").Address(f), packetPort+1)
		answer, err := p.lab.Pod("0").Probe(context.Background(), netlab.Probe{Protocol: netlab.TCP, To: to})
		if err != nil {
			return err
		}
		if answer.Verdict != p.verdict {
			return fmt.Errorf("a port that no policy allows is %s, not %s, over %v", answer.Verdict, p.verdict, f)
		}
	}
	return nil
}

func (p *path) close() {
	if p.server != nil {
		p.server.stop()
	}
	if p.agent != nil {
		p.agent.stop()
	}
	if p.lab != nil {
		_ = p.lab.Close() // the process ends next, and takes all of it along
	}
}

// withAgent lets an agent do the work, with a number of policies that do not match before
// the one that does.
func (p *path) withAgent(policies int) error {
	node := p.lab.Node(workload.LocalNode).Space
	heard, err := listen(node, true)
	if err != nil {
		return err
	}
	defer heard.close()
	if p.agent, err = startAgent(node, pair()); err != nil {
		return err
	}
	if _, err := p.agent.ask(request{Op: opSync}); err != nil {
		return err
	}
	cluster := workload.New(pair())
	if _, err := heard.await(settle, func(o *observation) bool { return allRouted(cluster, o) }); err != nil {
		return err
	}
	if _, err := p.agent.ask(request{Op: opPrepare, Change: packets, Index: policies}); err != nil {
		return err
	}
	if _, err := p.agent.ask(request{Op: opFeed}); err != nil {
		return err
	}
	_, err = heard.await(settle, func(o *observation) bool { return o.mentionsChain("bench-packet-egress") })
	return err
}

// round measures each mode in each family once.
func (p *path) round(b *bench) error {
	for _, how := range []mode{exchange, connection} {
		for _, f := range family.All() {
			rate, err := p.rate(b, how, f)
			if err != nil {
				return fmt.Errorf("%s, %v: %w", how, f, err)
			}
			key := string(how) + ", " + f.String()
			p.rates[key] = append(p.rates[key], rate)
		}
	}
	return nil
}

// rate is how many operations a second of CPU time is good for, of client and server
// together.
func (p *path) rate(b *bench, how mode, f family.Family) (float64, error) {
	before, err := consumed(p.server.pid())
	if err != nil {
		return 0, err
	}
	address := net.JoinHostPort(p.lab.Pod("1").Address(f).String(), strconv.Itoa(packetPort))
	client, err := startRole(p.lab.Pod("0").Space, roleClient, strconv.Itoa(b.core), address, string(how), b.short(time.Second).String())
	if err != nil {
		return 0, err
	}
	var t traffic
	decoded := json.NewDecoder(client.out).Decode(&t)
	if err := errors.Join(decoded, client.cmd.Wait()); err != nil {
		return 0, err
	}
	if t.Errors > 0 || t.Operations == 0 {
		return 0, fmt.Errorf("%d operations, %d failed", t.Operations, t.Errors)
	}
	after, err := consumed(p.server.pid())
	if err != nil {
		return 0, err
	}
	used := t.CPU + after.since(before).cpu
	return float64(t.Operations) / used.Seconds(), nil
}
