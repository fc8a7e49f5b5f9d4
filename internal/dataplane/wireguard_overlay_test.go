package dataplane_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// encryptedMTU is what an underlay of 1500 leaves over IPv6, and so over both families.
const encryptedMTU = 1420

// switches are the settings that switch WireGuard on.
func switches(fs family.Set) map[string]string {
	names := family.PairOf("WireguardEnabled", "WireguardEnabledV6")
	out := map[string]string{}
	for _, f := range fs.Families() {
		out[names.Get(f)] = "true"
	}
	return out
}

// encryptedCluster is a cluster of the families fs, of which those of on are encrypted, and nothing else
// may leave a node: keys are kept, and required. Settings may say otherwise.
func encryptedCluster(fs, on family.Set, settings map[string]string) nodetest.ClusterOptions {
	all := switches(on)
	all["ProgramClusterRoutes"] = "Enabled"
	all["WireguardRequired"] = "true"
	all["WireguardStateDirectory"] = "/var/lib/calico/wireguard"
	maps.Copy(all, settings)
	return nodetest.ClusterOptions{
		Families: fs, Settings: all, PodMTU: encryptedMTU, Wireguard: true,
		Manifests: map[string]string{"pools.yaml": nodetest.Pools(fs, "vxlanMode: Never")},
	}
}

// whole waits until all nodes know each other's keys, and have what follows.
func (c overlay) whole() {
	c.t.Helper()
	c.Settled() // every node has published
	c.Settled() // and every other one has read it
	for _, name := range nodetest.ClusterNodes() {
		c.awaitWhole(name)
	}
}

// sessions waits until nodes have one with every peer, of which there is no event. A packet that is sent
// before may be lost.
func (c overlay) sessions(nodes ...string) {
	c.t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for _, name := range nodes {
		for end := time.Now().Add(2 * netlab.Patience); strings.Contains(c.Nodes[name].Dump("status"), "no handshake"); <-look.C {
			if time.Now().After(end) {
				c.t.Fatalf("%s: not all sessions have begun:\n%s", name, c.Nodes[name].Dump("status"))
			}
		}
	}
}

// eavesdropper hears all that arrives at the nodes.
type eavesdropper struct {
	taps  []*netlab.Tap
	ended []chan struct{}
}

func (c overlay) eavesdrop() *eavesdropper {
	c.t.Helper()
	e := &eavesdropper{}
	for _, name := range nodetest.ClusterNodes() {
		tap, err := c.Lab.Node(name).TapWire(netlab.Uplink)
		if err != nil {
			c.t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { // the kernel keeps few packets for those who do not read
			defer close(ended)
			_, _ = tap.Hears([]byte("nobody says so"), time.Hour)
		}()
		e.taps, e.ended = append(e.taps, tap), append(e.ended, ended)
	}
	return e
}

// heard ends the listening and returns what was on the wire.
func (e *eavesdropper) heard() (all []netlab.Capture) {
	for i, tap := range e.taps {
		tap.Close()
		<-e.ended[i]
		all = append(all, tap.Seen()...)
	}
	return all
}

// ofPods says whether a packet of one of the families is from pod to pod, in an encapsulation or not.
func ofPods(p netlab.Capture, fs family.Set) bool {
	pods := family.PairOf(netip.MustParsePrefix("10.65.0.0/16"), netip.MustParsePrefix("fd00:65::/32"))
	return slices.ContainsFunc(fs.Families(), func(f family.Family) bool {
		inside := func(h netlab.Header) bool { return pods.Get(f).Contains(h.From) && pods.Get(f).Contains(h.To) }
		return inside(p.Header) || inside(p.Inner)
	})
}

// onlyEncrypted holds what was heard against what should be: packets of the tunnels of these
// families, and none of pods of them that can be read.
func (c overlay) onlyEncrypted(e *eavesdropper, fs family.Set) {
	c.t.Helper()
	ports := family.PairOf[uint16](51820, 51821)
	tunnelled := map[uint16]int{}
	for _, p := range e.heard() {
		if ofPods(p, fs) {
			c.t.Errorf("in the clear: %v", p)
		}
		tunnelled[p.Port]++
	}
	for _, f := range family.All() {
		if n := tunnelled[ports.Get(f)]; (n > 0) != fs.Has(f) {
			c.t.Errorf("%d packets of the tunnel of %v", n, f)
		}
	}
}

// Pods of all nodes reach each other, and nobody on the wire can read what they say. A family that
// is not encrypted goes as it is.
func TestWireguard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pods, on family.Set }{
		{family.NewSet(family.V4), family.NewSet(family.V4)},
		{family.NewSet(family.V6), family.NewSet(family.V6)},
		{family.Both, family.Both},
		{family.Both, family.NewSet(family.V4)},
		{family.Both, family.NewSet(family.V6)},
	} {
		t.Run(fmt.Sprintf("%v of %v", c.on, c.pods), func(t *testing.T) {
			cluster := startOverlay(t, encryptedCluster(c.pods, c.on, nil))
			cluster.whole()
			cluster.sessions(nodetest.ClusterNodes()...)
			want := "pods: MTU 1440" // 60 less than the underlay's
			if c.on.Has(family.V6) {
				want = "pods: MTU 1420"
			}
			if text := cluster.Nodes["a"].Dump("status"); !strings.Contains(text, want) {
				t.Errorf("want %s, status:\n%s", want, text)
			}
			e := cluster.eavesdrop()
			for _, f := range c.on.Families() {
				for _, pair := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}} {
					cluster.reaches(pair[0], pair[1], f)
				}
			}
			cluster.onlyEncrypted(e, c.on)
			for _, f := range c.pods.Families() {
				if !c.on.Has(f) {
					if seen := cluster.sees("a", "b", f); !ofPods(seen, c.pods) {
						t.Errorf("%v is not encrypted, and on the wire is %v", f, seen)
					}
				}
			}
		})
	}
}

// While agents start one after another, nothing leaves in the clear: not before keys are known, nor
// before there are routes.
func TestWireguardStart(t *testing.T) {
	t.Parallel()
	for _, fs := range nodetest.Families() {
		t.Run(fs.String(), func(t *testing.T) {
			o := encryptedCluster(fs, fs, nil)
			o.NoAgents = true
			c := overlay{nodetest.StartCluster(t, o), t}
			e := c.eavesdrop()
			var streams []*netlab.Stream
			for i, f := range fs.Families() {
				for j, to := range []string{"b", nodetest.Far} {
					streams = append(streams, c.blocked("a", to, f, uint16(9000+2*i+j)))
				}
			}
			for _, name := range nodetest.ClusterNodes() {
				c.Nodes[name].Run()
				c.Nodes[name].Settled()
			}
			c.whole()
			for _, s := range streams {
				awaitNext(t, s, false)
				s.Stop()
			}
			c.onlyEncrypted(e, fs)
		})
	}
}

// blocked is a stream that nobody expects to arrive yet.
func (c overlay) blocked(from, to string, f family.Family, port uint16) *netlab.Stream {
	c.t.Helper()
	s, err := netlab.StartBlocked(netlab.Traffic{
		Protocol: netlab.UDP, From: c.Pod(from).Space, Receiver: c.Pod(to).Space,
		To: netip.AddrPortFrom(c.Address(to, f), port),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// A node without a key is not talked to in the clear where encryption is required, and comes in
// when it has one.
func TestWireguardPeerWithoutKey(t *testing.T) {
	t.Parallel()
	for _, fs := range nodetest.Families() {
		t.Run(fs.String(), func(t *testing.T) {
			o := encryptedCluster(fs, fs, nil)
			o.NoAgents = true
			c := overlay{nodetest.StartCluster(t, o), t}
			c.Nodes["b"].Silence(true)
			for _, name := range nodetest.ClusterNodes() {
				c.Nodes[name].Run()
			}
			e := c.eavesdrop()
			c.whole()
			var streams []*netlab.Stream
			for i, f := range fs.Families() {
				streams = append(streams, c.blocked("a", "b", f, uint16(9000+i)))
				c.sessions("a") // with c, which has a key
				c.reaches("a", "c", f)
			}
			for _, s := range streams {
				if got := len(s.Report().Sent) - len(s.Report().Lost()); got > 0 {
					t.Errorf("%d packets arrive at a node without a key", got)
				}
			}
			c.Nodes["b"].Silence(false)
			c.Nodes["b"].Restart()
			c.whole()
			for _, s := range streams {
				awaitNext(t, s, false)
				s.Stop()
			}
			c.onlyEncrypted(e, fs)
			if text := c.Nodes["a"].Dump("status"); !strings.Contains(text, "peer b: last handshake") {
				t.Errorf("no handshake is told of in\n%s", text)
			}
		})
	}
}
