package dataplane_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/wireguard"
)

// goOn says how much of streams was lost, and fails the test if nothing arrives any more.
func (c overlay) goOn(t *testing.T, what string, streams map[string]*netlab.Stream) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(streams)) {
		s := streams[name]
		awaitNext(t, s, false)
		s.Stop()
		t.Logf("%s, %s: lost %d of %d", what, name, len(s.Report().Lost()), len(s.Report().Sent))
		if t.Failed() {
			t.Logf("a:\n%s\nb:\n%s", c.Nodes["a"].Dump("status"), c.Nodes["b"].Dump("status"))
		}
	}
}

// A restart keeps the key and costs a device in user space its sessions; both ends begin a new one at
// once, and nothing leaves in the clear meanwhile.
func TestWireguardRestart(t *testing.T) {
	t.Parallel()
	c := startOverlay(t, encryptedCluster(family.Both, family.Both, nil))
	c.whole()
	c.sessions(nodetest.ClusterNodes()...)
	e := c.eavesdrop()
	for _, name := range nodetest.ClusterNodes() {
		streams := c.streams(family.Both)
		before := c.publicKeys(name)
		c.Nodes[name].Restart()
		c.whole()
		if after := c.publicKeys(name); after != before {
			t.Errorf("%s had the keys %v, and has %v", name, before, after)
		}
		c.goOn(t, "restart of "+name, streams)
	}
	c.onlyEncrypted(e, family.Both)
}

func (c overlay) publicKeys(node string) family.Pair[wireguard.Key] {
	d := c.Nodes[node].Dataplane()
	return family.PairOf(d.PublicKey(family.V4), d.PublicKey(family.V6))
}

// A node whose key files are gone comes back with new keys, which the others take over.
func TestWireguardKeyChange(t *testing.T) {
	t.Parallel()
	c := startOverlay(t, encryptedCluster(family.Both, family.Both, nil))
	c.whole()
	c.sessions(nodetest.ClusterNodes()...)
	e := c.eavesdrop()
	streams := c.streams(family.Both)
	b, before := c.Nodes["b"], c.publicKeys("b")
	b.Stop()
	if err := b.Do(func() error { return os.RemoveAll("/var/lib/calico/wireguard") }); err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{"wireguard.cali", "wg-v6.cali"} { // the kernel's own has kept its key
		if out, err := b.Command("ip", "link", "delete", device).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", device, err, out)
		}
	}
	b.Run()
	c.whole()
	c.sessions(nodetest.ClusterNodes()...)
	if after := c.publicKeys("b"); after.Get(family.V4) == before.Get(family.V4) || after.Get(family.V6) == before.Get(family.V6) {
		t.Error("the keys are the same")
	}
	c.goOn(t, "new keys of b", streams)
	c.onlyEncrypted(e, family.Both)
}

// Encryption is switched on and off for all nodes while pods talk. Where it is not required, what is lost is
// what is under way between two nodes of which one has heard of it and the other one has not. Between subnets
// the way in the clear is VXLAN, which encryption goes before.
func TestWireguardOnAndOff(t *testing.T) {
	t.Parallel()
	for _, fs := range nodetest.Families() {
		t.Run(fs.String(), func(t *testing.T) {
			o := encryptedCluster(family.Both, 0, map[string]string{"WireguardRequired": "false"})
			o.Manifests["felix.yaml"] = felixConfiguration("")
			o.Manifests["pools.yaml"] = nodetest.Pools(family.Both, "vxlanMode: CrossSubnet")
			c := startOverlay(t, o)
			var on []string
			for name, value := range switches(fs) {
				on = append(on, strings.ToLower(name[:1])+name[1:]+": "+value)
			}
			for _, step := range []string{strings.Join(on, ", "), ""} {
				streams := c.streams(family.Both)
				c.Write("felix.yaml", felixConfiguration(step))
				c.whole()
				unchanged := map[string]*netlab.Stream{}
				for name, s := range streams {
					if f := name[:4]; (f == "IPv4") != fs.Has(family.V4) && (f == "IPv6") != fs.Has(family.V6) {
						unchanged[name] = s
						delete(streams, name)
					}
				}
				c.goOn(t, fmt.Sprintf("with {%s}", step), streams)
				c.unharmed(unchanged, nil)
				c.sessions(nodetest.ClusterNodes()...)
				for _, f := range family.All() {
					e := c.eavesdrop()
					c.reaches("a", "b", f)
					clear := slices.ContainsFunc(e.heard(), func(p netlab.Capture) bool { return ofPods(p, family.NewSet(f)) })
					if want := step == "" || !fs.Has(f); clear != want {
						t.Errorf("with {%s}: %v in the clear: %v, want %v", step, f, clear, want)
					}
				}
			}
			if left := c.left("a"); left != "" {
				t.Errorf("switched off, there is left:\n%s", left)
			}
		})
	}
}

// left is what there is of WireGuard in a node's kernel, as ip shows it.
func (c overlay) left(node string) string {
	c.t.Helper()
	var out strings.Builder
	for _, command := range []string{
		"ip -br link show type tun", "ip rule list priority 99", "ip -6 rule list priority 99",
		"ip route show table 1", "ip -6 route show table 2",
	} {
		words := strings.Fields(command)
		text, _ := c.Nodes[node].Command(words[0], words[1:]...).Output() // fails for a table that there is not
		out.Write(text)
	}
	return out.String()
}

// A family whose device's name is taken is closed and said to be; the other is as well off as ever.
func TestWireguardOneFamilyFails(t *testing.T) {
	t.Parallel()
	names := family.PairOf("wireguard.cali", "wg-v6.cali")
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			o := encryptedCluster(family.Both, family.Both, nil)
			o.NoAgents = true
			c := overlay{nodetest.StartCluster(t, o), t}
			a := c.Nodes["a"]
			if out, err := a.Command("ip", "link", "add", names.Get(f), "type", "bridge").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			e := c.eavesdrop()
			for _, name := range nodetest.ClusterNodes() {
				c.Nodes[name].Run()
			}
			c.Settled()
			c.Settled()
			c.sessions("a")
			c.reaches("a", "b", f.Other())
			closed := c.blocked("a", "b", f, 9000)
			told := ""
			for _, condition := range a.Readiness().Conditions {
				if condition.Name == "WireguardUsable" && condition.Family == f.String() {
					told = condition.Message
				}
			}
			if !strings.Contains(told, names.Get(f)) || !strings.Contains(told, "bridge") {
				t.Errorf("told is %q", told)
			}
			if out, err := a.Command("ip", "link", "delete", names.Get(f)).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			awaitNext(t, closed, false) // the name is free
			closed.Stop()
			c.onlyEncrypted(e, family.Both)
		})
	}
}

// Damage by hand is undone, as packets see it, and the other family takes no notice.
func TestWireguardHeals(t *testing.T) {
	t.Parallel()
	c := startOverlay(t, encryptedCluster(family.Both, family.Both, nil))
	c.whole()
	c.sessions(nodetest.ClusterNodes()...)
	a := c.Nodes["a"]
	byHand := func(command string) func() {
		return func() {
			words := strings.Fields(command)
			if out, err := a.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", command, err, out)
			}
		}
	}
	tunnel := func(change func(wireguard.Device) wireguard.Change) func() {
		return func() {
			if err := a.Dataplane().ChangeTunnel(family.V4, change); err != nil {
				t.Fatal(err)
			}
			a.Dataplane().AuditEncryption()
		}
	}
	for _, damage := range []struct {
		name string
		do   func()
		// open: the packets of a moment may have left in the clear.
		open bool
	}{
		{"the device is deleted", byHand("ip link delete wireguard.cali"), false},
		{"the device is down", byHand("ip link set wireguard.cali down"), false},
		{"its addresses are gone", byHand("ip addr flush dev wireguard.cali"), false},
		{"a route is gone", byHand("ip route del " + nodetest.ClusterPods(family.V4, 1).String() + " dev wireguard.cali table 1"), false},
		{"the rule is gone", byHand("ip rule del priority 99"), true},
		{"the peers are gone", tunnel(func(d wireguard.Device) wireguard.Change {
			return wireguard.Change{Gone: slices.Collect(maps.Keys(d.Peers))}
		}), false},
		{"another key", tunnel(func(wireguard.Device) wireguard.Change {
			k, _ := wireguard.NewPrivateKey()
			return wireguard.Change{Key: &k}
		}), false},
	} {
		e := c.eavesdrop()
		other := map[string]*netlab.Stream{"IPv6 to b": c.stream("a", "b", family.V6, 9100)}
		hurt := c.stream("a", "b", family.V4, 9102)
		at := time.Now()
		damage.do()
		c.awaitWhole("a")
		awaitNext(t, hurt, false)
		hurt.Stop()
		if back := hurt.Report().Turn(at, true); back.IsZero() {
			t.Errorf("%s: not healed", damage.name)
		} else {
			t.Logf("%s: healed after %v, lost %d", damage.name, back.Sub(at).Round(time.Millisecond), len(hurt.Report().Lost()))
		}
		c.unharmed(other, nil)
		if damage.open {
			e.heard()
		} else {
			c.onlyEncrypted(e, family.Both)
		}
	}
}
