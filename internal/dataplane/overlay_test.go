package dataplane_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// overlay is a cluster of three nodes, the pods of which try to reach each other.
type overlay struct {
	*nodetest.Cluster
	t testing.TB
}

func startOverlay(t testing.TB, o nodetest.ClusterOptions) overlay {
	t.Helper()
	if o.Settings == nil {
		o.Settings = map[string]string{}
	}
	o.Settings["ProgramClusterRoutes"] = "Enabled"
	c := overlay{nodetest.StartCluster(t, o), t}
	c.Settled()
	for _, name := range nodetest.ClusterNodes() {
		c.awaitWhole(name)
	}
	return c
}

// awaitWhole waits until nothing is left to be done on a node: routes follow devices by the
// kernel's events.
func (c overlay) awaitWhole(node string) {
	c.t.Helper()
	n := c.Nodes[node]
	n.Await(func() string {
		n.Pass()
		for line := range strings.Lines(n.Dump("status")) {
			if strings.Contains(line, "failed=") && !strings.Contains(line, "pending=0 failed=0") {
				return line
			}
		}
		for line := range strings.Lines(n.Dump("desired")) {
			if strings.Contains(line, "is reached through") {
				return line // a route that waits for a device
			}
		}
		return ""
	})
}

// sees sends a marked datagram from one node's pod to another's, and returns how it looked on the
// wire when it got to the other node.
func (c overlay) sees(from, to string, f family.Family) netlab.Capture {
	c.t.Helper()
	tap, err := c.Nodes[to].TapWire(netlab.Uplink)
	if err != nil {
		c.t.Fatal(err)
	}
	defer tap.Close()
	token := netlab.Token()
	p := netlab.Packet{From: c.Address(from, f), To: c.Address(to, f), Payload: netlab.Datagram(7, 9, token)}
	if err := c.Pod(from).Transmit(p.Bytes()); err != nil {
		c.t.Fatal(err)
	}
	seen, heard, err := tap.Captures(token, netlab.Patience)
	if err != nil || !heard {
		c.t.Fatalf("%v from %s to %s: nothing on the wire: %v\n%s", f, from, to, err, c.Nodes[from].Dump("status"))
	}
	return seen
}

// reaches probes from pod to pod, with every protocol, in sizes up to and over the path's MTU.
func (c overlay) reaches(from, to string, f family.Family) {
	c.t.Helper()
	const port = 8080
	server, err := c.Pod(to).Serve(port)
	if err != nil {
		c.t.Fatal(err)
	}
	defer server.Close()
	for _, protocol := range []netlab.Protocol{netlab.ICMP, netlab.TCP, netlab.UDP} {
		for _, size := range []int{0, 1200, 1400, 4000} {
			to := netip.AddrPortFrom(c.Address(to, f), port)
			if protocol == netlab.ICMP {
				to = netip.AddrPortFrom(to.Addr(), 0)
			}
			a, err := c.Pod(from).Probe(context.Background(), netlab.Probe{Protocol: protocol, To: to, Size: size, Wait: netlab.Patience})
			if err != nil || a.Verdict != netlab.Answered {
				c.t.Errorf("%v %s of %d octets from %s to %v: %v %v %v", f, protocol, size, from, to, a.Verdict, a.Err, err)
			}
		}
	}
}

// flavour is an encapsulation as a pool asks for it.
type flavour struct {
	name string
	spec string
	// near and far say whether packets within a subnet, and between subnets, are encapsulated.
	near, far bool
}

func flavours() []flavour {
	return []flavour{
		{"Never", "vxlanMode: Never", false, false},
		{"CrossSubnet", "vxlanMode: CrossSubnet", false, true},
		{"Always", "vxlanMode: Always", true, true},
	}
}

// wire is how a packet between two pods ought to look when it arrives at the other node.
func (c overlay) wire(from, to string, f, underlay family.Family, encapsulated bool) string {
	hops := 64
	if to == nodetest.Far || from == nodetest.Far {
		hops-- // the router
	}
	if !encapsulated {
		return fmt.Sprintf("%v > %v ttl %d", c.Address(from, f), c.Address(to, f), hops-1)
	}
	return fmt.Sprintf("%v > %v ttl %d, VXLAN network 4096 to port 4789: %v > %v ttl 63",
		c.Nodes[from].Address(underlay), c.Nodes[to].Address(underlay), hops, c.Address(from, f), c.Address(to, f))
}

// pairs are those of pods that reach each other: without a tunnel the router would have to know
// the pods' ranges.
func pairs(mode flavour) [][2]string {
	if mode.far {
		return [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}}
	}
	return [][2]string{{"a", "b"}, {"b", "a"}}
}

// Pods on three nodes reach each other over every way that a pool can ask for, and packets are
// encapsulated where they should be, and nowhere else.
func TestOverlay(t *testing.T) {
	t.Parallel()
	for _, fs := range nodetest.Families() {
		for _, mode := range flavours() {
			for _, source := range []string{"blocks", "podCIDRs"} {
				t.Run(fmt.Sprintf("%v/%s/%s", fs, mode.name, source), func(t *testing.T) {
					manifests := map[string]string{"pools.yaml": nodetest.Pools(fs, mode.spec)}
					if source == "blocks" {
						manifests["blocks.yaml"] = nodetest.Blocks(fs)
					}
					c := startOverlay(t, nodetest.ClusterOptions{Families: fs, Manifests: manifests, PodMTU: 1430})
					for _, f := range fs.Families() {
						for _, pair := range pairs(mode) {
							encapsulated := mode.near
							if pair[0] == nodetest.Far || pair[1] == nodetest.Far {
								encapsulated = mode.far
							}
							if got, want := c.sees(pair[0], pair[1], f).String(), c.wire(pair[0], pair[1], f, f, encapsulated); got != want {
								t.Errorf("%v from %s to %s: %s, want %s", f, pair[0], pair[1], got, want)
							}
							c.reaches(pair[0], pair[1], f)
						}
					}
				})
			}
		}
	}
}
