package routes_test

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/reconcile"
	"github.com/margay-net/margay/internal/routes"
	"github.com/margay-net/margay/internal/routes/fakekernel"
)

// podKernelRoute is what the driver makes of pod(f, 5, …).
func podKernelRoute(f family.Family, link int) routes.Route {
	r := cni(f, 5, link)
	r.Metric = 1024
	return r
}

func TestWhatOthersBreakIsRepaired(t *testing.T) {
	v4 := []string{"10.244.1.5/32 dev cali1 proto 3 scope link metric 1024", "10.244.2.0/24 via 172.16.0.2 dev up0 proto 80", "169.254.1.1/32 dev lo proto 80 scope link"}
	v6 := []string{"fd00:244:1::5/128 dev cali1 proto 3 metric 1024", "fd00:244:2::/64 via fd00:16::2 dev up0 proto 80 metric 1024"}
	onEachNode(t, func(n *node) {
		n.uplink()
		i := n.link("cali1")
		n.wantPod(5, "cali1")
		n.each(func(f family.Family, d *routes.Driver) { d.Want(remote(f, 2)) })
		n.inSync()
		n.step()

		n.each(func(f family.Family, _ *routes.Driver) { n.stranger(routes.Delete, podKernelRoute(f, i)) })
		n.step()
		n.shows("deleted", v4, v6)

		n.each(func(f family.Family, _ *routes.Driver) {
			metric := family.PairOf[uint32](0, 1024)
			n.stranger(routes.Replace, static(f, remote(f, 2).Destination, i, metric.Get(f)))
		})
		n.step()
		n.shows("replaced", v4, v6)

		n.each(func(f family.Family, _ *routes.Driver) {
			n.stranger(routes.Create, static(f, prefix(f, "10.55.0.0/24", "fd55::/64"), i, 3))
		})
		n.step()
		n.shows("a route on a pod's interface added", v4, v6)
		n.each(func(f family.Family, d *routes.Driver) {
			if got := d.Counts().Repairs; got != 2 {
				n.t.Errorf("%s: %d repairs", f, got)
			}
		})
		n.allDone("at last")
	})
}

func TestWhatIsNotOursIsNotTouched(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.uplink()
		n.link("cali1")
		n.wantPod(5, "cali1")
		n.each(func(f family.Family, _ *routes.Driver) {
			up := n.index("up0")
			n.stranger(routes.Create, static(f, prefix(f, "10.99.0.0/24", "fd99::/64"), up, 7))
			n.stranger(routes.Create, static(f, f.Any(), up, 9))
			ra := static(f, prefix(f, "10.98.0.0/24", "fd98::/64"), up, 8)
			ra.Protocol = 9
			n.stranger(routes.Create, ra)
			local := static(f, prefix(f, "169.254.9.0/24", "fe80:1::/64"), n.index("cali1"), 4)
			n.stranger(routes.Create, local)
		})
		n.inSync()
		n.step()
		n.step()
		n.shows("all", []string{
			"0.0.0.0/0 dev up0 proto 4 scope link metric 9",
			"10.98.0.0/24 dev up0 proto 9 scope link metric 8",
			"10.99.0.0/24 dev up0 proto 4 scope link metric 7",
			"169.254.9.0/24 dev cali1 proto 4 scope link metric 4",
			"10.244.1.5/32 dev cali1 proto 3 scope link metric 1024",
		}, []string{
			"::/0 dev up0 proto 4 metric 9",
			"fd98::/64 dev up0 proto 9 metric 8",
			"fd99::/64 dev up0 proto 4 metric 7",
			"fe80:1::/64 dev cali1 proto 4 metric 4",
			"fd00:244:1::5/128 dev cali1 proto 3 metric 1024",
		})
	})
}

// A stranger's route with our key, there before us, stays; ours comes when it goes.
func TestAStrangerInOurPlace(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.inSync()
		n.uplink()
		metric := family.PairOf[uint32](0, 1024)
		theirs := func(f family.Family) routes.Route {
			return static(f, remote(f, 2).Destination, n.index("up0"), metric.Get(f))
		}
		n.each(func(f family.Family, d *routes.Driver) {
			n.stranger(routes.Create, theirs(f))
			n.stranger(routes.Create, static(f, remote(f, 3).Destination, n.index("up0"), 5))
			d.Want(remote(f, 2))
			d.Want(remote(f, 3))
		})
		n.step()
		n.shows("there before us", []string{
			"10.244.2.0/24 dev up0 proto 4 scope link",
			"10.244.3.0/24 dev up0 proto 4 scope link metric 5", "10.244.3.0/24 via 172.16.0.3 dev up0 proto 80",
		}, []string{
			"fd00:244:2::/64 dev up0 proto 4 metric 1024",
			"fd00:244:3::/64 dev up0 proto 4 metric 5", "fd00:244:3::/64 via fd00:16::3 dev up0 proto 80 metric 1024",
		})
		n.each(func(f family.Family, d *routes.Driver) {
			s := d.Status(remote(f, 2).Destination)
			if s.State != reconcile.Failed || !strings.Contains(s.String(), "another route stands there") {
				n.t.Errorf("%s: %v", f, s)
			}
			n.stranger(routes.Delete, theirs(f))
		})
		n.step()
		n.allDone("when it has gone")
	})
}

func TestAFightIsSlowedDown(t *testing.T) {
	onEachNode(t, func(n *node) {
		i := n.link("cali1")
		n.wantPod(5, "cali1")
		n.inSync()
		n.step()
		repaired := 0
		for range 50 {
			n.each(func(f family.Family, _ *routes.Driver) {
				if has(n.t, n.w, podKernelRoute(f, i)) {
					n.stranger(routes.Delete, podKernelRoute(f, i))
				}
			})
			n.counting.writes = nil
			n.step()
			repaired += len(n.counting.writes)
			n.now = n.now.Add(100 * time.Millisecond)
		}
		if most := 10 * len(n.families); repaired > most {
			n.t.Errorf("%d repairs in 5 s, want no more than %d", repaired, most)
		}
		n.each(func(f family.Family, d *routes.Driver) {
			s := d.Status(pod(f, 5, "").Destination)
			if s.State == reconcile.Failed && !strings.Contains(s.String(), "another program keeps changing it") {
				n.t.Errorf("%s: %v", f, s)
			}
		})
		n.now = n.now.Add(time.Minute)
		n.step()
		n.allDone("when they have given up")
	})
}

func TestAnOverrunMeansOneRead(t *testing.T) {
	n := fakeNode(t)
	k := n.w.(*fakekernel.Kernel)
	n.uplink()
	n.link("cali1")
	n.wantPod(5, "cali1")
	n.inSync()
	n.step()
	n.flusher.log = nil
	n.w.DeleteLink("cali1")
	n.link("cali1")
	k.Overrun()
	n.step()
	n.allDone("after the overrun")
	n.flushed("its interface is another one", "10.244.1.5 not routed", "fd00:244:1::5 not routed")
}

// fakeNode is a node on the fake with both families.
func fakeNode(t *testing.T) *node {
	w := fakekernel.New()
	n := &node{t: t, w: w, families: family.Both.Families(), now: time.Unix(1000, 0), counting: &counting{Kernel: w}, names: map[int]string{1: "lo"}}
	n.start(routes.Settings{ClusterRoutes: true})
	return n
}

func TestOneErrorStopsNothingElse(t *testing.T) {
	n := fakeNode(t)
	k := n.w.(*fakekernel.Kernel)
	n.link("cali1")
	n.inSync()
	n.wantPod(5, "cali1")
	n.each(func(f family.Family, d *routes.Driver) { d.Want(pod(f, 6, "cali1")) })
	n.step()
	n.unwantPod(5, "cali1")
	n.each(func(f family.Family, d *routes.Driver) { d.Unwant(pod(f, 6, "cali1").Destination) })
	n.step()

	n.wantPod(5, "cali1")
	n.each(func(f family.Family, d *routes.Driver) { d.Want(pod(f, 6, "cali1")) })
	k.FailWrites(&rtnetlink.Error{Errno: syscall.ENOMEM, Text: "out of it"}) // the first of IPv4
	n.step()
	n.each(func(f family.Family, d *routes.Driver) {
		failed := 0
		for dst, s := range d.Errors() {
			failed++
			want := "error: route 10.244.1.5/32 dev cali1 proto 3 scope link metric 1024: cannot allocate memory: out of it"
			if f != family.V4 || dst != pod(f, 5, "").Destination && dst != netip.MustParsePrefix("169.254.1.1/32") {
				t.Errorf("%s %s: %v", f, dst, s)
			} else if dst.Addr().String() == "10.244.1.5" && s.String() != want {
				t.Errorf("%s\nwant %s", s, want)
			}
		}
		if want := map[family.Family]int{family.V4: 1}; failed != want[f] {
			t.Errorf("%s: %d failed", f, failed)
		}
	})
	next, err := n.drivers[family.V4].Apply(n.now)
	if err != nil || next != n.now.Add(100*time.Millisecond) {
		t.Errorf("due again at %v, %v", next, err)
	}
	n.now = next
	n.step()
	n.allDone("after the retry")
}

func TestAKernelThatCannotBeRead(t *testing.T) {
	n := fakeNode(t)
	k := n.w.(*fakekernel.Kernel)
	n.link("cali1")
	n.wantPod(5, "cali1")
	n.inSync()
	k.FailReads(syscall.ENOBUFS)
	d := n.drivers[family.V6]
	next, err := d.Apply(n.now)
	if err == nil || !strings.Contains(err.Error(), "IPv6 routes") || len(k.Writes()) > 0 {
		t.Errorf("%v, writes %v", err, k.Writes())
	}
	k.FailReads(nil)
	n.now = next
	n.step()
	n.allDone("when it can be read")
}
