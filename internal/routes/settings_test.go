package routes_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
	"github.com/margay-net/margay/internal/routes"
)

func TestSettingsReload(t *testing.T) {
	n := fakeNode(t)
	n.link("cali1")
	n.link("tap1")
	n.wantPod(5, "cali1")
	n.inSync()
	n.step()
	n.flusher.log = nil
	n.each(func(_ family.Family, d *routes.Driver) { d.Configure(routes.Settings{PodMetric: 512, PodProtocol: 80}) })
	n.step()
	gateway := "169.254.1.1/32 dev lo proto 80 scope link"
	n.shows("metric and protocol", []string{"10.244.1.5/32 dev cali1 proto 80 scope link metric 512", gateway},
		[]string{"fd00:244:1::5/128 dev cali1 proto 80 metric 512"})
	n.flushed("the address stays where it is")

	n.each(func(f family.Family, d *routes.Driver) {
		n.stranger(routes.Create, cni(f, 6, n.index("tap1")))
		d.Claim("tap1")
	})
	n.step()
	n.each(func(f family.Family, _ *routes.Driver) {
		if !has(t, n.w, normalised(cni(f, 6, n.index("tap1")))) {
			t.Errorf("%s: a route on an interface that is no pod's was removed", f)
		}
	})
	n.each(func(_ family.Family, d *routes.Driver) {
		d.Configure(routes.Settings{InterfacePrefixes: []string{"cali", "tap"}})
	})
	n.step() // the graph hears of it
	n.step()
	n.shows("tap is a pod's as well", []string{"10.244.1.5/32 dev cali1 proto 3 scope link metric 1024", gateway},
		[]string{"fd00:244:1::5/128 dev cali1 proto 3 metric 1024"})
}

func TestExternalRoutesMayStay(t *testing.T) {
	n := fakeNode(t)
	i := n.link("cali1")
	n.each(func(f family.Family, d *routes.Driver) {
		d.Configure(routes.Settings{KeepExternal: true, PodProtocol: 80})
		n.stranger(routes.Create, cni(f, 6, i))
	})
	n.wantPod(5, "cali1")
	n.inSync()
	n.step()
	n.step()
	n.shows("kept", []string{
		"10.244.1.5/32 dev cali1 proto 80 scope link metric 1024", "10.244.1.6/32 dev cali1 proto 3 scope link",
		"169.254.1.1/32 dev lo proto 80 scope link",
	}, []string{"fd00:244:1::5/128 dev cali1 proto 80 metric 1024", "fd00:244:1::6/128 dev cali1 proto 3 metric 1024"})
}

func TestWhatADriverTellsOfItself(t *testing.T) {
	n := fakeNode(t)
	n.uplink()
	n.link("cali1")
	n.wantPod(5, "cali1")
	n.each(func(f family.Family, d *routes.Driver) {
		d.Want(pod(f, 6, "cali6"))
		d.Want(blackhole(f.Other())) // of the other family: none of its business
		far := remote(f, 9)
		far.Gateway = addr(f, "192.0.2.9", "2001:db8::9")
		d.Want(far)
	})
	n.inSync()
	n.step()
	d := n.drivers[family.V6]
	want := []string{
		"fd00:244:1::5/128 dev cali1 proto 3 metric 1024",
		"fd00:244:1::6/128: interface cali6 is not there, or down",
		"fd00:244:9::/64: no interface is in one subnet with node n9, 2001:db8::9",
	}
	if got := d.Desired(); !slices.Equal(got, want) {
		t.Errorf("desired\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := d.Actual(); !slices.Equal(got, want[:1]) {
		t.Errorf("actual %q", got)
	}
	if got, want := d.Waiting(), 2; got != want {
		t.Errorf("%d wait, want %d", got, want)
	}
	if got, want := d.Counts(), (routes.Counts{Counts: reconcile.Counts{Done: 1}}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if s := d.Status(netip.MustParsePrefix("fd77::/64")); s.State != reconcile.Unknown || s.Err != nil {
		t.Errorf("never heard of: %v", s)
	}
}

// The agent did not run when one pod went and the next came with its address.
func TestAnAddressThatIsNewAtStart(t *testing.T) {
	n := fakeNode(t)
	i := n.link("cali1")
	n.link("cali2")
	n.each(func(f family.Family, _ *routes.Driver) {
		must(t, write(n.w, routes.Create, podKernelRoute(f, i))) // the last pod's
		n.stranger(routes.Create, cni(f, 7, n.index("cali2")))
	})
	n.wantPod(5, "cali2") // has the old one's address now
	n.wantPod(6, "cali2") // no route yet
	n.wantPod(7, "cali2") // the plugin's route: it is known to be this pod's
	n.inSync()
	n.step()
	n.step()
	n.flushed("at start", "10.244.1.5 not routed", "10.244.1.6 not routed", "fd00:244:1::5 not routed", "fd00:244:1::6 not routed")
	n.wantPod(8, "cali2")
	n.step()
	n.flushed("later, a new address is new")
	n.allDone("later")
}

func TestALinkIsRenamed(t *testing.T) {
	n := fakeNode(t)
	n.inSync()
	n.wantPod(5, "cali1")
	n.step()
	tmp := routes.Link{Index: n.link("tmp0"), Name: "tmp0", Up: true}
	n.step()
	n.w.DeleteLink("tmp0")
	n.link("cali1")
	named := routes.Link{Index: tmp.Index, Name: "cali9", Up: true}
	n.each(func(_ family.Family, d *routes.Driver) {
		d.Handle([]routes.Event{{Link: &tmp}, {Link: &named}}, n.now)
	})
	n.step()
	n.shows("under its name", []string{"10.244.1.5/32 dev cali1 proto 3 scope link metric 1024", "169.254.1.1/32 dev lo proto 80 scope link"},
		[]string{"fd00:244:1::5/128 dev cali1 proto 3 metric 1024"})
}
