package routes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/routes"
)

func tunnelSettings() routes.Settings {
	return routes.Settings{
		ClusterRoutes: true, IPIPRoutes: true,
		VXLAN: family.PairOf("vxlan.calico", "vxlan-v6.calico"), IPIP: "tunl0",
	}
}

// tunnelled is the route to a node's block through VXLAN, over the underlay of its own family.
// Its gateway is the first address of the block.
func tunnelled(f family.Family, number int) model.Route {
	r := remote(f, number)
	r.Encapsulation, r.Pool, r.Underlay, r.SameSubnet = model.VXLAN, model.VXLAN, f, false
	r.Gateway = r.Destination.Addr()
	return r
}

// second is that to another block of the node, which has the same gateway.
func second(f family.Family, number int) model.Route {
	r := tunnelled(f, number)
	r.Destination = prefix(f, fmt.Sprintf("10.245.%d.0/24", number), fmt.Sprintf("fd00:245:%d::/64", number))
	return r
}

// vxlan is the name of the device over a family.
func vxlan(f family.Family) string { s := tunnelSettings().VXLAN; return s.Get(f) }

// onTunnels is a node that has its tunnels' devices.
func onTunnels(t *testing.T, scenario func(*node)) {
	onEachNode(t, func(n *node) {
		n.start(tunnelSettings())
		n.uplink()
		n.each(func(f family.Family, _ *routes.Driver) { n.link(vxlan(f)) })
		n.inSync()
		scenario(n)
	})
}

func (n *node) want(route func(family.Family, int) model.Route, numbers ...int) {
	n.each(func(f family.Family, d *routes.Driver) {
		for _, number := range numbers {
			d.Want(route(f, number))
		}
	})
}

// verbs are the writes since they were last asked for.
func (n *node) verbs() (out []string) {
	for _, w := range n.counting.writes {
		out = append(out, w.Verb.String())
	}
	n.counting.writes = nil
	return out
}

func TestRoutesThroughVXLAN(t *testing.T) {
	onTunnels(t, func(n *node) {
		n.want(tunnelled, 2)
		n.want(second, 2)
		n.step()
		n.shows("two blocks of a node",
			[]string{
				"10.244.2.0/24 via 10.244.2.0 dev vxlan.calico proto 80 onlink",
				"10.245.2.0/24 via 10.244.2.0 dev vxlan.calico proto 80 onlink",
			}, []string{
				"fd00:244:2::/128 dev vxlan-v6.calico proto 80 metric 1024",
				"fd00:244:2::/64 via fd00:244:2:: dev vxlan-v6.calico proto 80 metric 1024 onlink",
				"fd00:245:2::/64 via fd00:244:2:: dev vxlan-v6.calico proto 80 metric 1024 onlink",
			})
		n.allDone("two blocks")
		n.each(func(f family.Family, d *routes.Driver) { d.Unwant(tunnelled(f, 2).Destination) })
		n.step()
		n.shows("the block with the gateway is given up",
			[]string{"10.245.2.0/24 via 10.244.2.0 dev vxlan.calico proto 80 onlink"},
			[]string{
				"fd00:244:2::/128 dev vxlan-v6.calico proto 80 metric 1024",
				"fd00:245:2::/64 via fd00:244:2:: dev vxlan-v6.calico proto 80 metric 1024 onlink",
			})
		n.each(func(f family.Family, d *routes.Driver) { d.Unwant(second(f, 2).Destination) })
		n.step()
		n.shows("the other as well", nil, nil)
		n.allDone("at last")
	})
}

// TestDirectAndThroughVXLAN: a mode that changes replaces each route in one step, whatever the
// order of the blocks: none is missing for a moment.
func TestDirectAndThroughVXLAN(t *testing.T) {
	direct := func(f family.Family, number int) model.Route {
		r := second(f, number)
		r.Encapsulation, r.Underlay, r.Gateway = model.NoEncapsulation, 0, remote(f, number).Gateway
		return r
	}
	onTunnels(t, func(n *node) {
		n.want(remote, 2, 3)
		n.want(direct, 2)
		n.step()
		n.verbs()
		straight := func(when string) {
			n.shows(when,
				[]string{"10.244.2.0/24 via 172.16.0.2 dev up0 proto 80", "10.244.3.0/24 via 172.16.0.3 dev up0 proto 80", "10.245.2.0/24 via 172.16.0.2 dev up0 proto 80"},
				[]string{
					"fd00:244:2::/64 via fd00:16::2 dev up0 proto 80 metric 1024", "fd00:244:3::/64 via fd00:16::3 dev up0 proto 80 metric 1024",
					"fd00:245:2::/64 via fd00:16::2 dev up0 proto 80 metric 1024",
				})
			n.allDone(when)
		}
		straight("direct")

		n.want(second, 2)
		n.want(tunnelled, 2)
		n.step()
		if got := n.verbs(); slices.Contains(got, "del") {
			n.t.Errorf("to VXLAN by %q", got)
		}
		n.shows("through VXLAN",
			[]string{
				"10.244.2.0/24 via 10.244.2.0 dev vxlan.calico proto 80 onlink", "10.244.3.0/24 via 172.16.0.3 dev up0 proto 80",
				"10.245.2.0/24 via 10.244.2.0 dev vxlan.calico proto 80 onlink",
			}, []string{
				"fd00:244:2::/128 dev vxlan-v6.calico proto 80 metric 1024", "fd00:244:2::/64 via fd00:244:2:: dev vxlan-v6.calico proto 80 metric 1024 onlink",
				"fd00:244:3::/64 via fd00:16::3 dev up0 proto 80 metric 1024", "fd00:245:2::/64 via fd00:244:2:: dev vxlan-v6.calico proto 80 metric 1024 onlink",
			})
		n.allDone("through VXLAN")

		n.want(remote, 2)
		n.want(direct, 2)
		n.step()
		for _, w := range n.counting.writes {
			if w.Verb == routes.Delete && !w.Route.Destination.IsSingleIP() {
				n.t.Errorf("back by del %v", w.Route.Destination)
			}
		}
		straight("direct again")
	})
}

// TestATunnelAddressInAnothersBlock leads through the tunnel, though the block around it does not.
func TestATunnelAddressInAnothersBlock(t *testing.T) {
	borrowed := func(f family.Family, number int) model.Route {
		r := tunnelled(f, number)
		r.Gateway = addr(f, "10.244.3.9", "fd00:244:3::9")
		return r
	}
	host := func(f family.Family, number int) model.Route {
		r := borrowed(f, number)
		r.Destination = family.HostPrefix(r.Gateway)
		return r
	}
	onTunnels(t, func(n *node) {
		n.want(remote, 3)
		n.step()
		n.want(borrowed, 2)
		n.step()
		v4 := []string{"10.244.2.0/24 via 10.244.3.9 dev vxlan.calico proto 80 onlink", "10.244.3.0/24 via 172.16.0.3 dev up0 proto 80"}
		v6 := []string{
			"fd00:244:2::/64 via fd00:244:3::9 dev vxlan-v6.calico proto 80 metric 1024 onlink", "fd00:244:3::/64 via fd00:16::3 dev up0 proto 80 metric 1024",
			"fd00:244:3::9/128 dev vxlan-v6.calico proto 80 metric 1024",
		}
		n.shows("with a block", v4, v6)
		n.want(host, 2)
		n.step()
		n.shows("and with the address itself", append(v4, "10.244.3.9/32 via 10.244.3.9 dev vxlan.calico proto 80 onlink"), v6)
		n.each(func(f family.Family, d *routes.Driver) { d.Unwant(host(f, 2).Destination) })
		n.step()
		n.shows("without the address: the block needs its gateway", v4, v6)
		n.want(host, 2)
		n.each(func(f family.Family, d *routes.Driver) { d.Unwant(borrowed(f, 2).Destination) })
		n.step()
		n.shows("with the address alone",
			[]string{"10.244.3.0/24 via 172.16.0.3 dev up0 proto 80", "10.244.3.9/32 via 10.244.3.9 dev vxlan.calico proto 80 onlink"},
			[]string{"fd00:244:3::/64 via fd00:16::3 dev up0 proto 80 metric 1024", "fd00:244:3::9/128 dev vxlan-v6.calico proto 80 metric 1024"})
		n.allDone("at last")
	})
}

// TestATunnelsDeviceComesAndGoes: the routes follow its link events.
func TestATunnelsDeviceComesAndGoes(t *testing.T) {
	v4 := []string{"10.244.2.0/24 via 10.244.2.0 dev vxlan.calico proto 80 onlink"}
	v6 := []string{
		"fd00:244:2::/128 dev vxlan-v6.calico proto 80 metric 1024", "fd00:244:2::/64 via fd00:244:2:: dev vxlan-v6.calico proto 80 metric 1024 onlink",
	}
	onEachNode(t, func(n *node) {
		n.start(tunnelSettings())
		n.inSync()
		n.uplink()
		n.want(tunnelled, 2)
		n.step()
		n.shows("without the device", nil, nil)
		n.each(func(f family.Family, d *routes.Driver) {
			want := "pending: node n2 is reached through VXLAN: interface " + vxlan(f) + " is not there, or down"
			if s := d.Status(tunnelled(f, 2).Destination); s.String() != want {
				n.t.Errorf("%s: %v", f, s)
			}
			if next, err := d.Apply(n.now); err != nil || !next.IsZero() {
				n.t.Errorf("%s: waits until %v, %v", f, next, err)
			}
		})
		n.each(func(f family.Family, _ *routes.Driver) { n.link(vxlan(f)) })
		n.step()
		n.shows("with it", v4, v6)
		n.each(func(f family.Family, _ *routes.Driver) { n.w.SetLink(vxlan(f), false) })
		n.step()
		n.shows("down", nil, nil)
		n.each(func(f family.Family, _ *routes.Driver) { n.w.SetLink(vxlan(f), true) })
		n.step()
		n.shows("up", v4, v6)
		n.each(func(f family.Family, _ *routes.Driver) {
			n.w.DeleteLink(vxlan(f))
			n.link(vxlan(f))
		})
		n.step()
		n.shows("made anew", v4, v6)
		n.allDone("made anew")
		n.each(func(_ family.Family, d *routes.Driver) { d.Configure(routes.Settings{ClusterRoutes: true}) })
		n.step()
		n.shows("switched off", nil, nil)
	})
}

func TestWhatOthersBreakOfTunnelsIsRepaired(t *testing.T) {
	onTunnels(t, func(n *node) {
		n.want(tunnelled, 2, 3)
		n.step()
		before := map[family.Family][]string{}
		n.each(func(f family.Family, _ *routes.Driver) {
			before[f] = n.routesOf(f)
			all, _ := n.w.Routes(f)
			for _, r := range all {
				if r.Link == n.index(vxlan(f)) && r.Protocol == routes.Protocol {
					n.stranger(routes.Delete, r)
				}
			}
		})
		n.step()
		n.shows("deleted", before[family.V4], before[family.V6])
		n.each(func(f family.Family, _ *routes.Driver) {
			metric := family.PairOf[uint32](0, 1024)
			n.stranger(routes.Replace, static(f, tunnelled(f, 2).Destination, n.index("up0"), metric.Get(f)))
		})
		n.step()
		n.shows("led elsewhere", before[family.V4], before[family.V6])
		n.allDone("repaired")
	})
}

// TestARestartLeavesTunnelRoutesAlone, and takes away what is not wanted any more.
func TestARestartLeavesTunnelRoutesAlone(t *testing.T) {
	onTunnels(t, func(n *node) {
		n.want(tunnelled, 2, 3)
		n.step()
		n.start(tunnelSettings())
		n.verbs()
		n.want(tunnelled, 2)
		n.step()
		if got := n.verbs(); len(got) > 0 {
			n.t.Errorf("written before everything is known: %q", got)
		}
		n.inSync()
		n.step()
		n.shows("in sync", []string{"10.244.2.0/24 via 10.244.2.0 dev vxlan.calico proto 80 onlink"},
			[]string{"fd00:244:2::/128 dev vxlan-v6.calico proto 80 metric 1024", "fd00:244:2::/64 via fd00:244:2:: dev vxlan-v6.calico proto 80 metric 1024 onlink"})
		if got := n.verbs(); slices.ContainsFunc(got, func(v string) bool { return v != "del" }) {
			n.t.Errorf("what stands is written again: %q", got)
		}
	})
}

// TestOneTunnelForBothFamilies is over one underlay: the other family leads through its device.
func TestOneTunnelForBothFamilies(t *testing.T) {
	for _, underlay := range family.All() {
		t.Run("over "+underlay.String(), func(t *testing.T) {
			onEachNode(t, func(n *node) {
				n.start(tunnelSettings())
				n.inSync()
				n.link(vxlan(underlay))
				n.want(func(f family.Family, number int) model.Route {
					r := tunnelled(f, number)
					r.Underlay = underlay
					return r
				}, 2)
				n.step()
				dev := " dev " + vxlan(underlay)
				n.shows("both", []string{"10.244.2.0/24 via 10.244.2.0" + dev + " proto 80 onlink"},
					[]string{"fd00:244:2::/128" + dev + " proto 80 metric 1024", "fd00:244:2::/64 via fd00:244:2::" + dev + " proto 80 metric 1024 onlink"})
				n.allDone("both")
			})
		})
	}
}

func TestRoutesThroughIPIP(t *testing.T) {
	ipip := func(number int) model.Route {
		r := remote(family.V4, number)
		r.Encapsulation, r.Pool, r.Underlay = model.IPIP, model.IPIP, family.V4
		return r
	}
	inEachWorld(t, func(t *testing.T, w world) {
		n := &node{t: t, w: w, families: []family.Family{family.V4}, counting: &counting{Kernel: w}, names: map[int]string{1: "lo"}}
		// Not tunl0: where the kernel has IPIP, each namespace has that from the beginning.
		s := tunnelSettings()
		s.IPIP = "ipip0"
		n.start(s)
		n.inSync()
		n.uplink()
		d := n.drivers[family.V4]
		d.Want(ipip(2))
		n.step()
		if got := strings.Join(d.Desired(), "\n"); got != "10.244.2.0/24: node n2 is reached through IPIP: interface ipip0 is not there, or down" {
			t.Errorf("desired %s", got)
		}
		n.link("ipip0")
		n.step()
		n.shows("with the device", []string{"10.244.2.0/24 via 172.16.0.2 dev ipip0 proto 80 onlink"}, nil)
		s.IPIPRoutes = false
		d.Configure(s)
		n.step()
		n.shows("left to others", nil, nil)
	})
}

// TestLinksThatCarryNothingAreNoWork: pods of other programs come and go by the thousand.
func TestLinksThatCarryNothingAreNoWork(t *testing.T) {
	onTunnels(t, func(n *node) {
		n.want(tunnelled, 2)
		n.step()
		n.verbs()
		n.link("docker0")
		n.step()
		n.w.DeleteLink("docker0")
		n.step()
		if got := n.verbs(); len(got) > 0 {
			n.t.Errorf("written: %q", got)
		}
		n.allDone("at last")
	})
}
