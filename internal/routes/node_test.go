package routes_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/routes"
)

// node is a node whose routes a driver for each of some families keeps.
type node struct {
	t        *testing.T
	w        world
	families []family.Family
	drivers  map[family.Family]*routes.Driver
	events   map[family.Family]routes.Subscription
	feed     *routes.Feed
	flusher  *flushes
	now      time.Time
	counting *counting
	names    map[int]string
}

// flushes is a Flusher that remembers, with what stood in the kernel at that moment.
type flushes struct {
	n    *node
	log  []string
	fail error
}

func (f *flushes) Flush(addrs []netip.Addr) error {
	for _, a := range addrs {
		standing := "not routed"
		for _, line := range f.n.routesOf(family.Of(a)) {
			if strings.HasPrefix(line, family.HostPrefix(a).String()) {
				standing = line
			}
		}
		f.log = append(f.log, fmt.Sprintf("%s %s", a, standing))
	}
	return f.fail
}

// counting counts writes on their way to the kernel.
type counting struct {
	routes.Kernel
	writes []routes.Write
}

func (c *counting) Write(w []routes.Write) []error {
	c.writes = append(c.writes, w...)
	return c.Kernel.Write(w)
}

// onEachNode runs a scenario in each world with v4, v6 and both.
func onEachNode(t *testing.T, scenario func(*node)) {
	for _, set := range []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both} {
		t.Run(set.String(), func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w world) {
				n := &node{t: t, w: w, families: set.Families(), now: time.Unix(1000, 0), counting: &counting{Kernel: w}}
				n.names = map[int]string{1: "lo"}
				n.start(routes.Settings{ClusterRoutes: true})
				scenario(n)
			})
		})
	}
}

// start starts the drivers, as a new process would.
func (n *node) start(s routes.Settings) {
	n.t.Helper()
	n.drivers = map[family.Family]*routes.Driver{}
	n.events = map[family.Family]routes.Subscription{}
	n.feed = routes.NewFeed()
	n.flusher = &flushes{n: n}
	for _, f := range n.families {
		sub, err := n.w.Subscribe(f)
		must(n.t, err)
		n.t.Cleanup(func() { _ = sub.Close() })
		n.events[f] = sub
		n.drivers[f] = routes.New(routes.Options{Family: f, Kernel: n.counting, Flusher: n.flusher, Feed: n.feed, Settings: s})
	}
}

func (n *node) each(fn func(family.Family, *routes.Driver)) {
	for _, f := range n.families {
		fn(f, n.drivers[f])
	}
}

// step is one turn of the apply loop: take all events in, tell the graph, apply.
func (n *node) step() {
	n.t.Helper()
	n.each(func(f family.Family, d *routes.Driver) {
		d.Handle(settled(n.t, n.w, f, n.events[f]), n.now)
	})
	n.feed.Events()
	n.each(func(_ family.Family, d *routes.Driver) {
		if _, err := d.Apply(n.now); err != nil {
			n.t.Fatal(err)
		}
	})
}

func (n *node) link(name string) int {
	i := n.w.AddLink(name)
	n.names[i] = name
	n.w.SetLink(name, true)
	return i
}

// uplink gives the node up0 with an address of each of its families.
func (n *node) uplink() {
	n.link("up0")
	n.each(func(f family.Family, _ *routes.Driver) { n.w.AddAddress("up0", own(f)) })
}

func own(f family.Family) netip.Prefix { return prefix(f, "172.16.0.1/24", "fd00:16::1/64") }

// pod is the route to a pod, by number.
func pod(f family.Family, number int, name string) model.Route {
	a := addr(f, fmt.Sprintf("10.244.1.%d", number), fmt.Sprintf("fd00:244:1::%d", number))
	return model.Route{Destination: family.HostPrefix(a), Kind: model.RouteLocalPod, Interface: name}
}

func (n *node) wantPod(number int, name string) {
	n.each(func(f family.Family, d *routes.Driver) {
		d.Claim(name)
		d.Want(pod(f, number, name))
	})
}

func (n *node) unwantPod(number int, name string) {
	n.each(func(f family.Family, d *routes.Driver) {
		d.Unwant(pod(f, number, name).Destination)
		d.Release(name)
	})
}

func remote(f family.Family, number int) model.Route {
	return model.Route{
		Destination: prefix(f, fmt.Sprintf("10.244.%d.0/24", number), fmt.Sprintf("fd00:244:%d::/64", number)),
		Kind:        model.RouteRemote, Node: fmt.Sprintf("n%d", number), SameSubnet: true,
		Gateway: addr(f, fmt.Sprintf("172.16.0.%d", number), fmt.Sprintf("fd00:16::%d", number)),
	}
}

func blackhole(f family.Family) model.Route {
	return model.Route{Destination: prefix(f, "10.244.1.0/26", "fd00:244:1::/122"), Kind: model.RouteBlackhole}
}

func (n *node) inSync() { n.each(func(_ family.Family, d *routes.Driver) { d.InSync() }) }

// routesOf is the main table without the kernel's own routes.
func (n *node) routesOf(f family.Family) []string {
	all, err := n.w.Routes(f)
	must(n.t, err)
	var out []string
	for _, r := range all {
		if r.Protocol != unix.RTPROT_KERNEL {
			out = append(out, r.Text(func(i int) string { return n.names[i] }))
		}
	}
	slices.Sort(out)
	return out
}

// shows compares the kernel's routes of each family with what ip would print.
func (n *node) shows(when string, v4, v6 []string) {
	n.t.Helper()
	want := family.PairOf(v4, v6)
	n.each(func(f family.Family, _ *routes.Driver) {
		expected := slices.Sorted(slices.Values(want.Get(f)))
		if got := n.routesOf(f); !slices.Equal(got, expected) {
			n.t.Errorf("%s, %s routes:\n%s\nwant:\n%s", when, f, strings.Join(got, "\n"), strings.Join(expected, "\n"))
		}
	})
}

// allDone fails unless every driver has done all that was asked of it.
func (n *node) allDone(when string) {
	n.t.Helper()
	n.each(func(f family.Family, d *routes.Driver) {
		if !d.Settled() {
			n.t.Errorf("%s, %s is not settled: desired\n%s\nactual\n%s", when, f, strings.Join(d.Desired(), "\n"), strings.Join(d.Actual(), "\n"))
		}
	})
}

// stranger is another program's write.
func (n *node) stranger(verb routes.Verb, r routes.Route) {
	n.t.Helper()
	must(n.t, n.w.Stranger(routes.Write{Verb: verb, Route: r}))
}

// cni is the route that the CNI plugin puts for a pod: IPv4 without a metric.
func cni(f family.Family, number, link int) routes.Route {
	r := onLink(f, link, 0)
	r.Destination = pod(f, number, "").Destination
	return r
}

func (n *node) index(name string) int {
	for i, s := range n.names {
		if s == name {
			return i
		}
	}
	n.t.Fatalf("no link %s", name)
	return 0
}

func static(f family.Family, dst netip.Prefix, link int, metric uint32) routes.Route {
	r := onLink(f, link, metric)
	r.Destination, r.Protocol = dst, unix.RTPROT_STATIC
	return r
}

var errDown = errors.New("conntrack is not to be had")
