package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
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
	rates  map[string]sample // operations per second of CPU, by mode and family
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
	paths := []*path{{name: "no agent, no rules"}, {name: "a hand-written ruleset"}, {name: "Margay, 1 policy"}, {name: "Margay, 200 policies before the match"}}
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
	_, err = bufio.NewReader(p.server.out).ReadString('\n')
	return err
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

// byHand loads a ruleset that does what an agent's must do for these two pods, and no
// more: it is what the best of agents could come to.
func (p *path) byHand() error {
	node := p.lab.Node(workload.LocalNode)
	if err := node.RouteByHand(); err != nil {
		return err
	}
	nft := node.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(handWritten(p.lab.Pod("0"), p.lab.Pod("1")))
	if out, err := nft.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, out)
	}
	return nil
}

func handWritten(from, to *netlab.Pod) string {
	return strings.NewReplacer(
		"FROM4", from.Address(family.V4).String(), "FROM6", from.Address(family.V6).String(), "FROM", from.Interface(),
		"TO4", to.Address(family.V4).String(), "TO6", to.Address(family.V6).String(), "TO", to.Interface(),
	).Replace(`table inet hand {
	set sources4 { type ifname . ipv4_addr; elements = { "FROM" . FROM4, "TO" . TO4 } }
	set sources6 { type ifname . ipv6_addr; elements = { "FROM" . FROM6, "TO" . TO6 } }
	set members4 { type ipv4_addr; elements = { FROM4 } }
	set members6 { type ipv6_addr; elements = { FROM6 } }
	chain to-pod {
		ip saddr @members4 tcp dport 9999 accept
		ip6 saddr @members6 tcp dport 9999 accept
		drop
	}
	map to { type ifname : verdict; elements = { "FROM" : goto to-pod, "TO" : goto to-pod } }
	chain last {
		oifname vmap @to
		oifname "cali*" drop
	}
	chain from-pod { goto last; }
	map from { type ifname : verdict; elements = { "FROM" : goto from-pod, "TO" : goto from-pod } }
	chain forward {
		type filter hook forward priority 0; policy accept;
		iifname "cali*" meta nfproto ipv4 iifname . ip saddr != @sources4 drop
		iifname "cali*" meta nfproto ipv6 iifname . ip6 saddr != @sources6 drop
		ct state vmap { established : accept, related : accept, invalid : drop }
		iifname vmap @from
		iifname "cali*" drop
		goto last
	}
	chain nat {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.240.0.0/12 ip daddr != 10.240.0.0/12 masquerade
		ip6 saddr fd00:10:240::/48 ip6 daddr != fd00:10:240::/48 masquerade
	}
}
`)
}
