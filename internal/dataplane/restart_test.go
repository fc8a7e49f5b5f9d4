package dataplane_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// streams are traffic that policy allows, and traffic that it denies, in each family.
type streams struct {
	allowed, denied map[string]*netlab.Stream
}

// startStreams starts them for udpToAPI(9000): established flows, and new ones all the time.
func startStreams(t *testing.T, n *nodetest.Node, on family.Set) *streams {
	t.Helper()
	s := &streams{map[string]*netlab.Stream{}, map[string]*netlab.Stream{}}
	for i, f := range on.Families() {
		s.allowed[f.String()+" established"] = stream(t, n, web, api, f, uint16(9000+2*i), false)
		s.allowed[f.String()+" new"] = stream(t, n, till, api, f, uint16(9001+2*i), true)
		s.denied[f.String()] = blocked(t, n, web, api, f, uint16(9010+i))
	}
	return s
}

// check wants nothing of what is allowed to have been lost, and nothing else to have passed.
func (s *streams) check(t *testing.T) {
	t.Helper()
	for name, allowed := range s.allowed {
		next(t, allowed)
		lossless(t, name, allowed)
	}
	for name, denied := range s.denied {
		if r := denied.Stop(); len(r.Lost()) != len(r.Sent) {
			t.Errorf("%s, denied: %v", name, r)
		}
	}
}

// A restart that finds everything as it should be writes nothing at all.
func TestRestartChangesNothing(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", udpToAPI(9000)+onlyIfBackOn+onlyOut)
			n.Write("pools.yaml", pools(on))
			n.Settled()
			k := n.Listen()
			for range 2 {
				n.Restart()
				n.Settled()
				if heard := k.Heard(); len(heard) > 0 {
					t.Errorf("the kernel announces: %v", heard)
				}
			}
		})
	}
}

// No packet of an allowed flow is lost over a restart, and none of a denied one passes: not
// while no agent runs, not while a new one reads, not when policy has changed meanwhile.
func TestRestartUnderTraffic(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", udpToAPI(9000))
			n.Settled()
			s := startStreams(t, n, on)
			n.Restart()
			n.Settled()
			n.Stop()
			for _, allowed := range s.allowed {
				next(t, allowed) // while nobody is there
			}
			n.Write("policy.yaml", udpToAPI(9000)+onlyIfBackOn)
			n.Run()
			n.Settled()
			s.check(t)
			probeAll(t, n, []asked{{nodetest.Name, netlab.ICMP, api, on.Families()[0], 0, true}})
		})
	}
}

// What has changed while no agent ran is put right, and only that.
func TestChangesWhileTheAgentWasAway(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", portPolicy)
	n.Settled()
	serve(t, n, 80, api, db)
	serve(t, n, 81, api)
	n.Stop()
	n.Write("cluster.yaml", strings.Replace(clusterManifests(), podOf(clusterPods()[2]), "", 1)) // db is gone
	n.Write("policy.yaml", strings.ReplaceAll(portPolicy, "port: 80", "port: 81"))
	n.Run()
	n.Settled()
	for _, f := range family.All() {
		wantRoute(t, n, address(n, api, f), api)
		// The route of a pod that is gone might be the CNI plugin's, for a pod to come: it
		// stays with its interface, and leads nowhere.
		wantRoute(t, n, address(n, db, f), db)
		probeAll(t, n, []asked{
			{web, netlab.TCP, api, f, 80, false},
			{web, netlab.TCP, api, f, 81, true},
			{nodetest.Name, netlab.TCP, api, f, 80, true},
			{nodetest.Name, netlab.TCP, db, f, 80, false},
			{web, netlab.TCP, db, f, 80, false},
		})
	}
}

// On a node that has just started, everything of pods is closed from the agent's first
// moment on, for as long as it has not read everything that there is.
func TestFreshBoot(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := nodetest.Start(t, nodetest.Options{
				NoAgent: true, Families: on, Pods: clusterPods(), Settings: map[string]string{"DefaultEndpointToHostAction": "ACCEPT"},
				Manifests: map[string]string{"cluster.yaml": clusterManifests(), "policy.yaml": "kind: {"},
			})
			for _, f := range family.All() {
				wayAround(t, n, api, f)
			}
			closed := func(when string) {
				t.Helper()
				for _, f := range family.All() {
					if got := n.Volley(shotsEverywhere(n, f, false)); slices.Contains(got, true) {
						t.Errorf("%v %s: passes: %v", f, when, got)
					}
				}
			}
			n.Run()
			closed("when the agent has just started")
			if reasons := n.AwaitSync(false); !strings.Contains(strings.Join(reasons, "\n"), "policy.yaml") {
				t.Errorf("the file that cannot be read is not named: %v", reasons)
			}
			closed("when not everything has been read")
			if ready := n.Readiness(); ready.Ready || !strings.Contains(strings.Join(ready.Reasons, "\n"), "read in full") {
				t.Errorf("readiness: %v, %v", ready.Ready, ready.Reasons)
			}
			n.Write("policy.yaml", udpToAPI(9001))
			n.Settled()
			for _, f := range family.All() {
				got := n.Volley(shotsEverywhere(n, f, on.Has(f)))
				if slices.Contains(got, !on.Has(f)) {
					t.Errorf("%v in the end: passes: %v", f, got)
				}
			}
			if ready := n.Readiness(); !ready.Ready {
				t.Errorf("not ready: %v", ready.Reasons)
			}
		})
	}
}

// shotsEverywhere are packets on every kind of way that a pod is at an end of.
func shotsEverywhere(n *nodetest.Node, f family.Family, expected bool) (shots []nodetest.Shot) {
	for i, way := range [][2]string{{web, api}, {web, partner}, {partner, api}, {web, nodetest.Name}} {
		fl := flow{from: way[0], to: way[1], packet: rules.Packet{
			Source: address(n, way[0], f), Destination: address(n, way[1], f), Protocol: model.UDP,
			SourcePort: uint16(600 + i), DestinationPort: 9001, HopLimit: 64,
		}}
		shots = append(shots, fl.shot(expected))
	}
	return shots
}

// An agent that starts and cannot read everything leaves what stands as it is: it removes
// nothing and opens nothing. Routes of new pods are made; they open nothing.
func TestStartWithABrokenManifest(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", udpToAPI(9000))
	n.Settled()
	s := startStreams(t, n, family.Both)
	n.Stop()
	n.Write("policy.yaml", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: api")
	n.Write("cluster.yaml", strings.Replace(clusterManifests(), podOf(clusterPods()[2]), "", 1)) // db is gone
	k := n.Listen()
	n.Run()
	n.AwaitSync(false)
	if heard := k.Heard(); len(heard) > 0 {
		t.Errorf("the kernel announces: %v", heard)
	}
	n.Restart()
	n.AwaitSync(false)
	if heard := k.Heard(); len(heard) > 0 {
		t.Errorf("the kernel announces: %v", heard)
	}
	s.check(t)
	n.Write("policy.yaml", udpToAPI(9000))
	n.Settled()
	serve(t, n, 80, db)
	for _, f := range family.All() {
		probeAll(t, n, []asked{{nodetest.Name, netlab.TCP, db, f, 80, false}})
	}
}

// Whatever happens to a file that was good, what it said stays in force, and nothing at all
// is written to the kernel.
func TestFileTurnsBad(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	good := udpToAPI(9000)
	n.Write("policy.yaml", good)
	n.Settled()
	policy := filepath.Join(n.Directory, "policy.yaml")
	for _, c := range []struct {
		name string
		do   func() error
		undo func() error
	}{
		{"empty", func() error { return os.Truncate(policy, 0) }, nil},
		{"cut off", func() error { n.Write("policy.yaml", good[:len(good)-20]); return nil }, nil},
		{"no YAML", func() error { n.Write("policy.yaml", "\x00\x01"); return nil }, nil},
		{"a kind that is a list", func() error { n.Write("policy.yaml", "kind: [a]\n"); return nil }, nil},
		{"the directory is gone", func() error { return os.Rename(n.Directory, n.Directory+".away") },
			func() error { return os.Rename(n.Directory+".away", n.Directory) }},
	} {
		k := n.Listen()
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if reasons := n.AwaitSync(false); len(reasons) == 0 {
			t.Errorf("%s: no reason given", c.name)
		}
		if c.undo != nil {
			if err := c.undo(); err != nil {
				t.Fatal(err)
			}
		}
		n.Write("policy.yaml", good)
		n.AwaitSync(true)
		if heard := k.Heard(); len(heard) > 0 {
			t.Errorf("%s: the kernel announces: %v", c.name, heard)
		}
	}
}
