package routes_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/reconcile"
	"github.com/margay-net/margay/internal/routes"
)

func TestASourceAddressThatTheNodeDoesNotHaveYet(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.link("up0")
		n.link("cali1")
		n.each(func(f family.Family, d *routes.Driver) { d.Configure(routes.Settings{PodSource: own(f).Addr()}) })
		n.wantPod(5, "cali1")
		n.inSync()
		gateway := "169.254.1.1/32 dev lo proto 80 scope link"
		bare4 := []string{"10.244.1.5/32 dev cali1 proto 3 scope link metric 1024", gateway}
		bare6 := []string{"fd00:244:1::5/128 dev cali1 proto 3 metric 1024"}
		n.step()
		n.shows("without it", bare4, bare6)
		n.conditions(1)

		n.each(func(f family.Family, _ *routes.Driver) { n.w.AddAddress("up0", own(f)) })
		n.step()
		n.shows("with it", []string{"10.244.1.5/32 dev cali1 proto 3 scope link src 172.16.0.1 metric 1024", gateway},
			[]string{"fd00:244:1::5/128 dev cali1 proto 3 src fd00:16::1 metric 1024"})
		n.conditions(0)
		n.allDone("with it")

		n.each(func(f family.Family, _ *routes.Driver) { n.w.RemoveAddress("up0", own(f)) })
		n.step()
		n.shows("without it again", bare4, bare6)
		n.conditions(1)
		n.allDone("without it again")
	})
}

func (n *node) conditions(want int) {
	n.t.Helper()
	n.each(func(f family.Family, d *routes.Driver) {
		c := d.Conditions()
		if len(c) != want || (want > 0 && !strings.Contains(c[0], own(f).Addr().String())) {
			n.t.Errorf("%s conditions: %q", f, c)
		}
	})
}

func TestAnotherNodeComesIntoReach(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.inSync()
		n.each(func(f family.Family, d *routes.Driver) { d.Want(remote(f, 2)) })
		n.step()
		n.shows("no uplink", nil, nil)
		n.each(func(f family.Family, d *routes.Driver) {
			if s := d.Status(remote(f, 2).Destination); !strings.Contains(s.String(), "no interface is in one subnet with node n2") {
				n.t.Errorf("%s: %v", f, s)
			}
		})
		v4, v6 := []string{"10.244.2.0/24 via 172.16.0.2 dev up0 proto 80"}, []string{"fd00:244:2::/64 via fd00:16::2 dev up0 proto 80 metric 1024"}
		n.uplink()
		n.step()
		n.shows("uplink", v4, v6)
		n.w.SetLink("up0", false)
		n.step()
		n.shows("down", nil, nil)
		n.w.SetLink("up0", true)
		n.step()
		n.each(func(f family.Family, _ *routes.Driver) {
			if f == family.V6 {
				n.w.AddAddress("up0", own(f)) // IPv6 addresses go with the link
			}
		})
		n.step()
		n.shows("up again", v4, v6)
		n.each(func(f family.Family, _ *routes.Driver) { n.w.RemoveAddress("up0", own(f)) })
		n.step()
		n.shows("its last address goes", nil, nil)
		n.each(func(f family.Family, _ *routes.Driver) { n.w.AddAddress("up0", own(f)) })
		n.step()
		n.shows("and comes back", v4, v6)
		n.allDone("and comes back")
	})
}

// Where the node's address is of host length, the kernel does not know that the other
// nodes are on the link.
func TestAnAddressOfHostLength(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.inSync()
		n.link("up0")
		n.each(func(f family.Family, d *routes.Driver) {
			a := own(f).Addr()
			n.w.AddAddress("up0", family.HostPrefix(a))
			d.Configure(routes.Settings{ClusterRoutes: true, NodeAddress: a})
			d.Want(remote(f, 2))
			far := remote(f, 3)
			far.SameSubnet = false
			d.Want(far)
		})
		n.step()
		n.shows("onlink", []string{"10.244.2.0/24 via 172.16.0.2 dev up0 proto 80 onlink"},
			[]string{"fd00:244:2::/64 via fd00:16::2 dev up0 proto 80 metric 1024 onlink"})
	})
}

func TestRoutesThatAreNotForUs(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.inSync()
		n.uplink()
		n.each(func(f family.Family, d *routes.Driver) {
			near, far := remote(f, 4), remote(f, 3)
			far.Encapsulation, far.Pool, far.Underlay = model.VXLAN, model.VXLAN, f
			d.Want(near)
			d.Want(far)
		})
		n.step()
		n.shows("what needs no tunnel",
			[]string{"10.244.4.0/24 via 172.16.0.4 dev up0 proto 80"}, []string{"fd00:244:4::/64 via fd00:16::4 dev up0 proto 80 metric 1024"})
		n.each(func(f family.Family, d *routes.Driver) {
			if s := d.Status(remote(f, 3).Destination); s.String() != "pending: node n3 is reached through VXLAN, which is switched off" {
				n.t.Errorf("%s: %v", f, s)
			}
			d.Configure(routes.Settings{})
		})
		n.step()
		n.shows("a routing daemon does it", nil, nil)
		n.each(func(f family.Family, d *routes.Driver) {
			if s := d.Status(remote(f, 4).Destination); s.State != reconcile.Unknown || s.Err == nil {
				n.t.Errorf("%s: %v", f, s)
			}
		})
		n.allDone("a routing daemon does it")
	})
}

// The pods' gateway needs a route of its own while nothing else leads there.
func TestTheProxiedGateway(t *testing.T) {
	own := "169.254.1.1/32 dev lo proto 80 scope link"
	onEachNode(t, func(n *node) {
		if n.families[0] != family.V4 {
			return
		}
		n.inSync()
		n.uplink()
		n.link("cali1")
		n.step()
		d := n.drivers[family.V4]
		stands := func(when string, want bool) {
			n.t.Helper()
			if got := slices.Contains(n.routesOf(family.V4), own); got != want {
				n.t.Errorf("%s: %t", when, got)
			}
		}
		stands("no pod", false)
		d.Claim("cali1")
		n.step()
		stands("a pod", true)
		byDefault := static(family.V4, family.V4.Any(), n.index("up0"), 100)
		n.stranger(routes.Create, byDefault)
		n.step()
		stands("a default route", false)
		n.stranger(routes.Delete, byDefault)
		n.step()
		stands("none again", true)
		n.stranger(routes.Create, byDefault)
		n.step()
		n.w.SetLink("up0", false)
		n.step()
		stands("it goes with its link, silently", true)
		d.Release("cali1")
		n.step()
		stands("no pod", false)
	})
}
