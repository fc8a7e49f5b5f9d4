package routes_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
	"github.com/margay-net/margay/internal/routes"
)

func TestEveryKindOfRoute(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.uplink()
		n.link("cali1")
		n.wantPod(5, "cali1")
		n.each(func(f family.Family, d *routes.Driver) {
			d.Want(remote(f, 2))
			d.Want(blackhole(f))
		})
		n.inSync()
		n.step()
		n.shows("all", []string{
			"10.244.1.5/32 dev cali1 proto 3 scope link metric 1024",
			"10.244.2.0/24 via 172.16.0.2 dev up0 proto 80",
			"blackhole 10.244.1.0/26 proto 80",
			"169.254.1.1/32 dev lo proto 80 scope link",
		}, []string{
			"fd00:244:1::5/128 dev cali1 proto 3 metric 1024",
			"fd00:244:2::/64 via fd00:16::2 dev up0 proto 80 metric 1024",
			"blackhole fd00:244:1::/122 proto 80 metric 1024",
		})
		n.allDone("all")
		n.unwantPod(5, "cali1")
		n.each(func(f family.Family, d *routes.Driver) {
			d.Unwant(remote(f, 2).Destination)
			d.Unwant(blackhole(f).Destination)
		})
		n.step()
		n.shows("none", nil, nil)
		n.allDone("none")
	})
}

// A pod's interface and its endpoint come and go in any order, without a timer.
func TestInterfaceAndEndpointInAnyOrder(t *testing.T) {
	v4 := []string{"10.244.1.5/32 dev cali1 proto 3 scope link metric 1024", "169.254.1.1/32 dev lo proto 80 scope link"}
	v6 := []string{"fd00:244:1::5/128 dev cali1 proto 3 metric 1024"}
	waiting := []string{"169.254.1.1/32 dev lo proto 80 scope link"}
	onEachNode(t, func(n *node) {
		n.inSync()
		n.wantPod(5, "cali1")
		n.step()
		n.shows("before the interface", waiting, nil)
		n.each(func(f family.Family, d *routes.Driver) {
			s := d.Status(pod(f, 5, "").Destination)
			if s.State != reconcile.Pending || !strings.Contains(s.String(), "cali1 is not there") {
				n.t.Errorf("%s: %v", f, s)
			}
		})
		i := n.w.AddLink("cali1")
		n.names[i] = "cali1"
		n.step()
		n.shows("while it is down", waiting, nil)
		n.w.SetLink("cali1", true)
		n.step()
		n.shows("when it is up", v4, v6)

		n.w.SetLink("cali1", false)
		n.step()
		n.shows("down again", waiting, nil)
		n.w.SetLink("cali1", true)
		n.step()
		n.shows("up again", v4, v6)

		n.w.DeleteLink("cali1")
		n.link("cali1")
		n.step()
		n.shows("made anew", v4, v6)
		n.allDone("made anew")

		n.w.DeleteLink("cali1")
		n.unwantPod(5, "cali1")
		n.step()
		n.shows("gone", nil, nil)
		n.link("cali2")
		n.step()
		n.wantPod(6, "cali2")
		n.step()
		n.shows("interface first", []string{"10.244.1.6/32 dev cali2 proto 3 scope link metric 1024", waiting[0]},
			[]string{"fd00:244:1::6/128 dev cali2 proto 3 metric 1024"})
		n.allDone("interface first")
	})
}

func TestRestartTouchesNothingThatIsRight(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.uplink()
		n.link("cali1")
		n.link("cali2")
		desire := func() {
			n.wantPod(5, "cali1")
			n.each(func(f family.Family, d *routes.Driver) {
				d.Want(remote(f, 2))
				d.Want(blackhole(f))
			})
		}
		desire()
		n.wantPod(6, "cali2")
		n.each(func(f family.Family, d *routes.Driver) { d.Want(remote(f, 3)) })
		n.inSync()
		n.step()
		before := map[family.Family][]string{}
		n.each(func(f family.Family, _ *routes.Driver) { before[f] = n.routesOf(f) })

		n.start(routes.Settings{ClusterRoutes: true})
		watch := map[family.Family]routes.Subscription{}
		n.each(func(f family.Family, _ *routes.Driver) { watch[f] = n.events[f] })
		n.counting.writes = nil
		n.step()
		desire()
		n.step()
		if len(n.counting.writes) > 0 {
			n.t.Errorf("before in-sync, written: %v", n.counting.writes)
		}
		n.each(func(f family.Family, _ *routes.Driver) {
			if !slices.Equal(n.routesOf(f), before[f]) {
				n.t.Errorf("before in-sync: %q, was %q", n.routesOf(f), before[f])
			}
		})
		// The pod that went while nobody looked has left its interface: unclaimed, its
		// route stays. The remote block has gone.
		n.inSync()
		n.step()
		for _, w := range n.counting.writes {
			if w.Verb != routes.Delete || w.Route.Destination != remote(w.Route.Family(), 3).Destination {
				n.t.Errorf("after in-sync, %s %s", w.Verb, w.Route.Text(nil))
			}
		}
		if len(n.counting.writes) != len(n.families) {
			n.t.Errorf("%d writes", len(n.counting.writes))
		}
		if len(n.flusher.log) > 0 {
			n.t.Errorf("a restart has flushed %q", n.flusher.log)
		}
	})
}

func TestTheCNIPluginsRoute(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.inSync()
		i := n.link("cali1")
		n.step()
		n.each(func(f family.Family, _ *routes.Driver) { n.stranger(routes.Create, cni(f, 5, i)) })
		n.step()
		n.shows("without an endpoint", []string{"10.244.1.5/32 dev cali1 proto 3 scope link"},
			[]string{"fd00:244:1::5/128 dev cali1 proto 3 metric 1024"})
		n.counting.writes = nil
		n.wantPod(5, "cali1")
		n.step()
		n.shows("with it", []string{"10.244.1.5/32 dev cali1 proto 3 scope link metric 1024", "169.254.1.1/32 dev lo proto 80 scope link"},
			[]string{"fd00:244:1::5/128 dev cali1 proto 3 metric 1024"})
		var verbs []string
		for _, w := range n.counting.writes {
			if w.Route.Destination == pod(family.V4, 5, "").Destination {
				verbs = append(verbs, w.Verb.String())
			}
			if w.Route.Family() == family.V6 {
				n.t.Errorf("IPv6 is right as it is, yet: %s %s", w.Verb, w.Route.Text(nil))
			}
		}
		if n.families[0] == family.V4 && !slices.Equal(verbs, []string{"add", "del"}) {
			n.t.Errorf("IPv4 is not replaced without a gap: %q", verbs)
		}
		if len(n.flusher.log) > 0 {
			n.t.Errorf("connections of the new pod are flushed: %q", n.flusher.log)
		}
	})
}

func TestAnAddressMoves(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.inSync()
		n.link("cali1")
		n.link("cali2")
		n.wantPod(5, "cali1")
		n.step()
		n.flusher.log = nil
		n.wantPod(5, "cali2")
		n.step()
		n.shows("moved", []string{"10.244.1.5/32 dev cali2 proto 3 scope link metric 1024", "169.254.1.1/32 dev lo proto 80 scope link"},
			[]string{"fd00:244:1::5/128 dev cali2 proto 3 metric 1024"})
		n.flushed("moved", "10.244.1.5 not routed", "fd00:244:1::5 not routed")

		n.each(func(f family.Family, d *routes.Driver) { d.Unwant(pod(f, 5, "").Destination) })
		n.step()
		n.flushed("gone", "10.244.1.5 not routed", "fd00:244:1::5 not routed")
		n.allDone("gone")

		// Gone and back in one batch: the pod never lost its address.
		n.wantPod(7, "cali2")
		n.step()
		n.each(func(f family.Family, d *routes.Driver) { d.Unwant(pod(f, 7, "").Destination) })
		n.wantPod(7, "cali2")
		n.step()
		n.flushed("gone and back")
		n.allDone("gone and back")
	})
}

// flushed compares the log of flushes with those expected of the node's families.
func (n *node) flushed(when string, want ...string) {
	n.t.Helper()
	want = slices.DeleteFunc(want, func(s string) bool {
		f := family.V4
		if strings.Contains(s, ":") {
			f = family.V6
		}
		return !slices.Contains(n.families, f)
	})
	if !slices.Equal(n.flusher.log, want) {
		n.t.Errorf("%s: flushed %q, want %q", when, n.flusher.log, want)
	}
	n.flusher.log = nil
}

func TestARouteWaitsForTheFlush(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.inSync()
		n.link("cali1")
		n.link("cali2")
		n.wantPod(5, "cali1")
		n.wantPod(6, "cali2")
		n.step()
		n.flusher.fail = errDown
		n.wantPod(5, "cali2")
		n.step()
		n.shows("flush fails", []string{"10.244.1.6/32 dev cali2 proto 3 scope link metric 1024", "169.254.1.1/32 dev lo proto 80 scope link"},
			[]string{"fd00:244:1::6/128 dev cali2 proto 3 metric 1024"})
		n.each(func(f family.Family, d *routes.Driver) {
			if s := d.Status(pod(f, 5, "").Destination); s.State != reconcile.Failed || !strings.Contains(s.String(), errDown.Error()) {
				n.t.Errorf("%s: %v", f, s)
			}
			if next, _ := d.Apply(n.now); !next.After(n.now) {
				n.t.Errorf("%s is due again at %v", f, next)
			}
		})
		n.flusher.fail = nil
		n.now = n.now.Add(time.Second)
		n.step()
		n.allDone("flush works")
	})
}

func TestOneFamilyGoesAwayWhileTheOtherStays(t *testing.T) {
	for _, off := range family.All() {
		t.Run(off.String(), func(t *testing.T) {
			onEachNode(t, func(n *node) {
				n.uplink()
				n.link("cali1")
				n.wantPod(5, "cali1")
				n.each(func(f family.Family, d *routes.Driver) {
					d.Want(remote(f, 2))
					n.stranger(routes.Create, static(f, prefix(f, "10.99.0.0/24", "fd99::/64"), n.index("up0"), 5))
				})
				n.inSync()
				n.step()
				full := map[family.Family][]string{}
				n.each(func(f family.Family, _ *routes.Driver) { full[f] = n.routesOf(f) })
				if d := n.drivers[off]; d != nil {
					d.Configure(routes.Settings{Off: true, ClusterRoutes: true})
				}
				n.step()
				left := map[family.Family][]string{family.V4: full[family.V4], family.V6: full[family.V6]}
				left[off] = []string{static(off, prefix(off, "10.99.0.0/24", "fd99::/64"), 9, 5).Text(func(int) string { return "up0" })}
				n.shows("off", left[family.V4], left[family.V6])
				if d := n.drivers[off]; d != nil {
					d.Configure(routes.Settings{ClusterRoutes: true})
				}
				n.step()
				n.shows("on again", full[family.V4], full[family.V6])
				n.allDone("on again")
			})
		})
	}
}
