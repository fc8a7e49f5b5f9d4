package dataplane_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// stream is traffic from pod to pod that goes on until the test looks at it.
func (c overlay) stream(from, to string, f family.Family, port uint16) *netlab.Stream {
	c.t.Helper()
	s, err := netlab.Start(context.Background(), netlab.Traffic{
		Protocol: netlab.UDP, From: c.Pod(from).Space, Receiver: c.Pod(to).Space,
		To: netip.AddrPortFrom(c.Address(to, f), port),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// streams are one of each family from a to b and from a to c.
func (c overlay) streams(fs family.Set) map[string]*netlab.Stream {
	out := map[string]*netlab.Stream{}
	port := uint16(9000)
	for _, f := range fs.Families() {
		for _, to := range []string{"b", nodetest.Far} {
			out[fmt.Sprintf("%v to %s", f, to)] = c.stream("a", to, f, port)
			port++
		}
	}
	return out
}

// unharmed ends the streams; none but those of which may says so has lost anything.
func (c overlay) unharmed(streams map[string]*netlab.Stream, may func(name string) bool) {
	c.t.Helper()
	for name, s := range streams {
		s.Stop()
		if r := s.Report(); len(r.Lost()) > 0 && (may == nil || !may(name)) {
			c.t.Errorf("%s: %s", name, r)
		}
	}
}

func vxlanPools(v4, v6 string) string {
	return nodetest.Pools(family.NewSet(family.V4), "vxlanMode: "+v4) + nodetest.Pools(family.NewSet(family.V6), "vxlanMode: "+v6)
}

func TestOverlayRestart(t *testing.T) {
	t.Parallel()
	c := startOverlay(t, nodetest.ClusterOptions{Manifests: map[string]string{"pools.yaml": vxlanPools("Always", "Always")}})
	streams := c.streams(family.Both)
	for _, name := range nodetest.ClusterNodes() {
		before := c.device(name, family.V4) + c.device(name, family.V6)
		c.Nodes[name].Restart()
		c.Nodes[name].Settled()
		if after := c.device(name, family.V4) + c.device(name, family.V6); after != before {
			t.Errorf("%s: devices were\n%s\nand are\n%s", name, before, after)
		}
	}
	c.unharmed(streams, nil)
}

// device is the node's VXLAN device over a family, as ip shows it; with its index, so that
// another of the name shows.
func (c overlay) device(node string, f family.Family) string {
	c.t.Helper()
	name := family.PairOf("vxlan.calico", "vxlan-v6.calico")
	out, err := c.Nodes[node].Command("ip", "-d", "link", "show", "dev", name.Get(f)).CombinedOutput()
	if err != nil {
		return ""
	}
	return string(out)
}

// What changes in one family, pool or mode leaves all others' packets alone, with no restart.
func TestOverlayChanges(t *testing.T) {
	t.Parallel()
	ofV4 := func(name string) bool { return strings.HasPrefix(name, "IPv4") }
	tunnelled := func(name string) bool { return strings.HasSuffix(name, " to "+nodetest.Far) }
	for _, change := range []struct {
		name   string
		pools  [2]string // before, after: of IPv4; IPv6 stays as it is
		felix  string    // settings after
		harmed func(name string) bool
		want   string // in the device over IPv4, after
	}{
		{"CrossSubnet to Always", [2]string{"CrossSubnet", "Always"}, "", nil, "id 4096"},
		{"Always to CrossSubnet", [2]string{"Always", "CrossSubnet"}, "", nil, "id 4096"},
		{"to Never, which takes the device away", [2]string{"Always", "Never"}, "", ofV4, ""},
		{"MTU", [2]string{"Always", "Always"}, "vxlanMTU: 1400, vxlanMTUV6: 1400", nil, "mtu 1400"},
		{"checksums in software", [2]string{"Always", "Always"}, "featureDetectOverride: 'ChecksumOffloadBroken=true'", nil, "id 4096"},
		{"VNI, of both devices", [2]string{"CrossSubnet", "CrossSubnet"}, "vxlanVNI: 77", tunnelled, "id 77"},
		{"port, of both devices", [2]string{"CrossSubnet", "CrossSubnet"}, "vxlanPort: 8472", tunnelled, "dstport 8472"},
	} {
		t.Run(change.name, func(t *testing.T) {
			c := startOverlay(t, nodetest.ClusterOptions{Manifests: map[string]string{
				"pools.yaml": vxlanPools(change.pools[0], "CrossSubnet"), "felix.yaml": felixConfiguration(""),
			}})
			streams := c.streams(family.Both)
			if change.felix == "" {
				c.Write("pools.yaml", vxlanPools(change.pools[1], "CrossSubnet"))
			} else {
				c.Write("felix.yaml", felixConfiguration(change.felix))
			}
			c.Settled()
			for _, name := range nodetest.ClusterNodes() {
				c.awaitWhole(name)
				if got := c.device(name, family.V4); change.want == "" && got != "" || !strings.Contains(got, change.want) {
					t.Errorf("%s has %q, want %q", name, got, change.want)
				}
			}
			for _, s := range streams {
				awaitNext(t, s, change.want == "")
			}
			c.unharmed(streams, change.harmed)
		})
	}
}

// awaitNext waits for a stream to go on, unless it may have ended.
func awaitNext(t *testing.T, s *netlab.Stream, ended bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), netlab.Patience)
	defer cancel()
	if ended {
		return
	}
	for range 20 {
		if _, err := s.Next(ctx); err != nil {
			t.Errorf("nothing arrives any more: %v", err)
			return
		}
	}
}

func felixConfiguration(settings string) string {
	return nodetest.FelixConfiguration(strings.Join(append([]string{"programClusterRoutes: Enabled"}, settings), ", "))
}

// A setting may say that there is no IPv4 tunnel, whatever the pools ask for, and take it back.
func TestOverlaySwitchedOff(t *testing.T) {
	t.Parallel()
	c := startOverlay(t, nodetest.ClusterOptions{Manifests: map[string]string{
		"pools.yaml": vxlanPools("Always", "Always"), "felix.yaml": felixConfiguration(""),
	}})
	other := map[string]*netlab.Stream{"IPv6": c.stream("a", "b", family.V6, 9200)}
	for _, on := range []bool{false, true} {
		c.Write("felix.yaml", felixConfiguration(fmt.Sprintf("vxlanEnabled: %v", on)))
		c.Settled()
		c.Nodes["a"].Await(func() string {
			c.Nodes["a"].Pass()
			if is := c.device("a", family.V4) != ""; is != on {
				return fmt.Sprintf("on %v, and there is a device: %v", on, is)
			}
			return ""
		})
	}
	for _, name := range nodetest.ClusterNodes() {
		c.awaitWhole(name)
	}
	c.reaches("a", "b", family.V4)
	c.unharmed(other, nil)
}

// Damage by hand is undone, as packets see it, and disturbs no others.
func TestOverlayHeals(t *testing.T) {
	t.Parallel()
	c := startOverlay(t, nodetest.ClusterOptions{Manifests: map[string]string{"pools.yaml": vxlanPools("Always", "Always")}})
	b := nodetest.ClusterTunnel(family.V4, 1)
	for _, damage := range []string{
		"ip link delete vxlan.calico",
		"ip link set vxlan.calico down",
		"ip addr flush dev vxlan.calico",
		"ip neigh del " + b.String() + " dev vxlan.calico",
		"ip route flush dev vxlan.calico",
		"ip route del " + nodetest.ClusterPods(family.V4, 1).String(),
	} {
		others := map[string]*netlab.Stream{
			"IPv6 to b": c.stream("a", "b", family.V6, 9100), "IPv6 to c": c.stream("a", "c", family.V6, 9101),
		}
		hurt := c.stream("a", "b", family.V4, 9102)
		words := strings.Fields(damage)
		if out, err := c.Nodes["a"].Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", damage, err, out)
		}
		at := time.Now()
		c.awaitWhole("a")
		awaitNext(t, hurt, false)
		hurt.Stop()
		if back := hurt.Report().Turn(at, true); back.IsZero() {
			t.Errorf("%s: not healed", damage)
		} else {
			t.Logf("%s: healed after %v", damage, back.Sub(at).Round(time.Millisecond))
		}
		c.unharmed(others, nil)
	}
}

// One tunnel for both families: IPv4 pods reach each other over nodes that have IPv6 only, and
// the other way round.
func TestOverlayOneTunnel(t *testing.T) {
	t.Parallel()
	for _, underlay := range family.All() {
		for _, fs := range nodetest.Families() {
			for _, mode := range flavours()[1:] {
				t.Run(fmt.Sprintf("%v over %v/%s", fs, underlay, mode.name), func(t *testing.T) {
					c := startOverlay(t, nodetest.ClusterOptions{
						Families: fs, Underlay: family.NewSet(underlay), PodMTU: 1430,
						Settings:  map[string]string{"VXLANUnderlay": underlay.String()},
						Manifests: map[string]string{"pools.yaml": nodetest.Pools(fs, mode.spec)},
					})
					for _, f := range fs.Families() {
						for _, pair := range [][2]string{{"a", "b"}, {"a", "c"}} {
							// Without an underlay of its own, a family has no other way.
							encapsulated := mode.near || pair[1] == nodetest.Far || f != underlay
							if got, want := c.sees(pair[0], pair[1], f).String(), c.wire(pair[0], pair[1], f, underlay, encapsulated); got != want {
								t.Errorf("%v from %s to %s: %s, want %s", f, pair[0], pair[1], got, want)
							}
							c.reaches(pair[0], pair[1], f)
						}
					}
					if got := c.device("a", underlay.Other()); got != "" {
						t.Errorf("a second device: %s", got)
					}
				})
			}
		}
	}
}

// The CNI plugin is told what fits, and again when the underlay changes.
func TestPodMTU(t *testing.T) {
	t.Parallel()
	c := startOverlay(t, nodetest.ClusterOptions{Manifests: map[string]string{"pools.yaml": vxlanPools("Always", "CrossSubnet")}})
	a := c.Nodes["a"]
	read := func() string {
		var text []byte
		if err := a.Do(func() (err error) { text, err = os.ReadFile("/var/lib/calico/mtu"); return err }); err != nil {
			return err.Error()
		}
		return string(text)
	}
	for _, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, "1430"},
		{func() { c.Write("pools.yaml", vxlanPools("Always", "Never")) }, "1450"},
		{func() { c.Write("pools.yaml", vxlanPools("Never", "Never")) }, "1500"},
		{func() { c.Write("pools.yaml", vxlanPools("Always", "Always")) }, "1430"},
		{func() { setMTU(t, a, "1400") }, "1330"},
		{func() { setMTU(t, a, "1300") }, "1230"},
		{func() { setMTU(t, a, "9000") }, "8930"},
	} {
		step.change()
		c.Settled()
		a.Await(func() string {
			a.Pass()
			if got := read(); got != step.want {
				return fmt.Sprintf("the file says %q, want %s\n%s", got, step.want, a.Dump("status"))
			}
			return ""
		})
		told := false
		for _, condition := range a.Readiness().Conditions {
			told = told || condition.Name == "PodMTU" && strings.Contains(condition.Message, "IPv6 needs 1280")
		}
		if want := step.want == "1230"; told != want {
			t.Errorf("MTU %s: a word on IPv6: %v, want %v", step.want, told, want)
		}
	}
}

func setMTU(t *testing.T, n *nodetest.Node, mtu string) {
	t.Helper()
	if out, err := n.Command("ip", "link", "set", "dev", netlab.Uplink, "mtu", mtu).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
