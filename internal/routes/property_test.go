package routes_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/routes"
	"github.com/margay-net/margay/internal/routes/fakekernel"
)

// whole is the slow, obvious form of the driver: what the kernel's table must be in the
// end, computed from nothing but what is desired and which links are up.
type whole struct {
	pods    map[int]string // number of the address to interface
	tunnels map[netip.Prefix]model.Route
	links   map[string]bool
}

func (m whole) routes(f family.Family, claimed bool) []string {
	var out []string
	for number, name := range m.pods {
		if m.links[name] {
			suffix := family.PairOf(" dev %s proto 3 scope link metric 1024", " dev %s proto 3 metric 1024")
			out = append(out, pod(f, number, name).Destination.String()+fmt.Sprintf(suffix.Get(f), name))
		}
	}
	out = append(out, m.tunnelled(f)...)
	if f == family.V4 && claimed {
		out = append(out, "169.254.1.1/32 dev lo proto 80 scope link")
	}
	slices.Sort(out)
	return out
}

// tunnelled are the routes through VXLAN, and in IPv6 those to their gateways.
func (m whole) tunnelled(f family.Family) (out []string) {
	if !m.links[vxlan(f)] {
		return nil
	}
	suffix := family.PairOf("", " metric 1024")
	tail := " dev " + vxlan(f) + " proto 80" + suffix.Get(f)
	pinned := map[netip.Prefix]bool{}
	for to, r := range m.tunnels {
		host := family.HostPrefix(r.Gateway)
		if pinned[host] = true; f == family.V4 || to != host {
			out = append(out, fmt.Sprintf("%v via %v%s onlink", to, r.Gateway, tail))
		}
	}
	for host := range pinned {
		if f == family.V6 {
			out = append(out, host.String()+tail)
		}
	}
	return out
}

// Whatever happens in whatever order, with what events are lost and which writes fail:
// once all has been said and tried, the kernel has what the model says.
func TestDriverAgreesWithTheModel(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { runProperty(t, rt, f) })
		})
	}
}

// machine is a node on the fake, and the model of it.
type machine struct {
	n *node
	k *fakekernel.Kernel
	f family.Family
	m whole
}

func runProperty(t *testing.T, rt *rapid.T, f family.Family) {
	k := fakekernel.New()
	n := &node{t: t, w: k, families: []family.Family{f}, now: time.Unix(1000, 0), counting: &counting{Kernel: k}, names: map[int]string{1: "lo"}}
	x := &machine{n: n, k: k, f: f, m: whole{pods: map[int]string{}, tunnels: map[netip.Prefix]model.Route{}, links: map[string]bool{}}}
	x.restart(rt)
	rt.Repeat(map[string]func(*rapid.T){
		"want": x.want, "unwant": x.unwant, "tunnel": x.tunnel, "link": x.link, "stranger": x.stranger, "restart": x.restart,
		"lose events": func(*rapid.T) { k.Overrun() },
		"fail":        func(*rapid.T) { k.FailWrites(errDown) },
		"step":        func(*rapid.T) { n.turn(f) },
	})
	k.FailWrites()
	for range 20 {
		n.now = n.now.Add(time.Minute)
		n.turn(f)
	}
	got := n.routesOf(f)
	if want := x.m.routes(f, true); !slices.Equal(got, want) {
		rt.Fatalf("routes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d := n.drivers[f]; !d.Settled() {
		rt.Fatalf("not settled: desired\n%s\nactual\n%s", strings.Join(d.Desired(), "\n"), strings.Join(d.Actual(), "\n"))
	}
}

func podNames() []string { return []string{"cali1", "cali2"} }

func (x *machine) restart(*rapid.T) {
	x.n.start(tunnelSettings())
	d := x.n.drivers[x.f]
	for _, name := range podNames() {
		d.Claim(name)
	}
	for number, name := range x.m.pods {
		d.Want(pod(x.f, number, name))
	}
	for _, r := range x.m.tunnels {
		d.Want(r)
	}
	d.InSync()
}

// tunnel wants or gives up a destination through VXLAN. Some have one gateway, which may be the
// destination itself, or lie in another.
func (x *machine) tunnel(t *rapid.T) {
	number := rapid.IntRange(2, 3).Draw(t, "node")
	r := rapid.SampledFrom([]func(family.Family, int) model.Route{tunnelled, second}).Draw(t, "block")(x.f, number)
	if rapid.Bool().Draw(t, "another gateway") {
		r.Gateway = tunnelled(x.f, 3).Gateway.Next()
	}
	if rapid.Bool().Draw(t, "gateway itself") {
		r.Destination = family.HostPrefix(r.Gateway)
	}
	if rapid.Bool().Draw(t, "gone") {
		delete(x.m.tunnels, r.Destination)
		x.n.drivers[x.f].Unwant(r.Destination)
		return
	}
	x.m.tunnels[r.Destination] = r
	x.n.drivers[x.f].Want(r)
}

func (x *machine) want(t *rapid.T) {
	number, name := rapid.IntRange(1, 3).Draw(t, "number"), rapid.SampledFrom(podNames()).Draw(t, "name")
	x.m.pods[number] = name
	x.n.drivers[x.f].Want(pod(x.f, number, name))
}

func (x *machine) unwant(t *rapid.T) {
	number := rapid.IntRange(1, 3).Draw(t, "number")
	delete(x.m.pods, number)
	x.n.drivers[x.f].Unwant(pod(x.f, number, "").Destination)
}

func (x *machine) link(t *rapid.T) {
	name := rapid.SampledFrom(append(podNames(), vxlan(x.f))).Draw(t, "name")
	up, there := x.m.links[name]
	switch {
	case !there:
		x.n.names[x.k.AddLink(name)] = name
		x.m.links[name] = false
	case rapid.IntRange(0, 2).Draw(t, "gone") == 0:
		x.k.DeleteLink(name)
		delete(x.m.links, name)
	default:
		x.k.SetLink(name, !up)
		x.m.links[name] = !up
	}
}

// stranger breaks any of the routes on interfaces. (Of the way to the gateway, that
// of somebody else does as well as ours.)
func (x *machine) stranger(t *rapid.T) {
	all, _ := x.k.Routes(x.f)
	all = slices.DeleteFunc(all, func(r routes.Route) bool { return r.Link == 1 })
	if len(all) == 0 {
		return
	}
	r := rapid.SampledFrom(all).Draw(t, "route")
	verb := rapid.SampledFrom([]routes.Verb{routes.Delete, routes.Replace}).Draw(t, "verb")
	if verb == routes.Replace && r.Protocol == routes.Protocol {
		return // on no pod's interface it may stand there when we come back, and is not ours
	}
	if verb == routes.Replace {
		r.Protocol = 4
	}
	_ = x.k.Stranger(routes.Write{Verb: verb, Route: r})
}

// turn is a step that never fails the test.
func (n *node) turn(f family.Family) {
	d := n.drivers[f]
	d.Handle(settled(n.t, n.w, f, n.events[f]), n.now)
	n.feed.Events()
	_, _ = d.Apply(n.now)
	n.feed.Events()
}

func trap() error { return &rtnetlink.Error{Errno: syscall.EINVAL} }

// A change in place that the kernel refuses is made in two steps: the onlink trap.
func TestAReplacementInTwoSteps(t *testing.T) {
	n := fakeNode(t)
	n.uplink()
	n.inSync()
	n.each(func(f family.Family, d *routes.Driver) {
		d.Want(remote(f, 2))
	})
	n.step()
	n.each(func(f family.Family, d *routes.Driver) {
		k := n.w.(*fakekernel.Kernel)
		r := remote(f, 2)
		r.Gateway = remote(f, 3).Gateway
		k.FailWrites(trap())
		d.Want(r)
		n.counting.writes = nil
		n.turn(f)
		var verbs []string
		for _, w := range n.counting.writes {
			verbs = append(verbs, w.Verb.String())
		}
		if !slices.Equal(verbs, []string{"replace", "del", "add"}) {
			t.Errorf("%s: %q", f, verbs)
		}
	})
	n.shows("another gateway", []string{"10.244.2.0/24 via 172.16.0.3 dev up0 proto 80"},
		[]string{"fd00:244:2::/64 via fd00:16::3 dev up0 proto 80 metric 1024"})
	n.allDone("another gateway")
}
