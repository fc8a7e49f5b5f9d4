package rtnetlink

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// node is a namespace with lo and an uplink eth0 that has an address of each family.
func node(t testing.TB) *netlab.Node {
	t.Helper()
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{
		Name: "n1", Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64"),
	}}})
	return lab.Node("n1")
}

func openIn(t testing.TB, n *netlab.Node) *Socket {
	t.Helper()
	var s *Socket
	if err := n.Do(func() (err error) { s, err = Open(); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func listenIn(t testing.TB, n *netlab.Node, except ...uint32) *Listener {
	t.Helper()
	var l *Listener
	err := n.Do(func() (err error) {
		l, err = Listen(Topics{Routes: family.Both, Addresses: family.Both}, except...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func uplink(t testing.TB, s *Socket) Link {
	t.Helper()
	links, err := s.Links()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(links, func(l Link) bool { return l.Name == netlab.Uplink })
	if i < 0 {
		t.Fatalf("no %s among %v", netlab.Uplink, links)
	}
	return links[i]
}

func net(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func ip(s string) netip.Addr    { return netip.MustParseAddr(s) }

// examples are routes of each shape that the drivers write, in both families.
func examples(link int) []Route {
	return []Route{
		{Destination: net("10.1.0.5/32"), Type: Unicast, Protocol: 3, Scope: 253, Link: link, Metric: 1024},
		{Destination: net("10.2.0.0/24"), Type: Unicast, Protocol: 80, Link: link, Gateway: ip("172.16.0.2")},
		{Destination: net("10.3.0.0/24"), Type: Unicast, Protocol: 80, Link: link, Gateway: ip("192.0.2.1"), OnLink: true},
		{Destination: net("10.4.0.0/26"), Type: Blackhole, Protocol: 80},
		{Destination: net("10.5.0.5/32"), Type: Unicast, Protocol: 80, Scope: 253, Link: link, Source: ip("172.16.0.1")},
		{Destination: net("fd01::5/128"), Type: Unicast, Protocol: 3, Link: link, Metric: 1024},
		{Destination: net("fd02::/64"), Type: Unicast, Protocol: 80, Link: link, Gateway: ip("fd00:16::2"), Metric: 1024},
		{Destination: net("fd03::/64"), Type: Unicast, Protocol: 80, Link: link, Gateway: ip("fd99::1"), Metric: 1024, OnLink: true},
		{Destination: net("fd04::/122"), Type: Blackhole, Protocol: 80, Metric: 1024},
		{Destination: net("fd05::5/128"), Type: Unicast, Protocol: 80, Link: link, Source: ip("fd00:16::1"), Metric: 512},
	}
}

func ours(t testing.TB, s *Socket) []Route {
	t.Helper()
	var out []Route
	for _, f := range family.All() {
		routes, err := s.Routes(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range routes {
			if r.Protocol == 3 || r.Protocol == 80 {
				out = append(out, r)
			}
		}
	}
	return out
}

func TestRoutesReadBackAsTheyWereWritten(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	want := examples(uplink(t, s).Index)
	var create Batch
	for _, r := range want {
		create.CreateRoute(r)
	}
	for i, err := range s.Execute(&create) {
		if err != nil {
			t.Errorf("create %s: %v", want[i].Text(nil), err)
		}
	}
	got := ours(t, s)
	for _, r := range want {
		if !slices.Contains(got, r) {
			t.Errorf("missing %s", r.Text(nil))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d routes, want %d", len(got), len(want))
	}
	var remove Batch
	for _, r := range want {
		remove.DeleteRoute(r)
	}
	for i, err := range s.Execute(&remove) {
		if err != nil {
			t.Errorf("delete %s: %v", want[i].Text(nil), err)
		}
	}
	if got := ours(t, s); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

// Another library must see what ours has written.
func TestAnotherLibraryReadsTheSame(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	up := uplink(t, s).Index
	var b Batch
	b.CreateRoute(Route{Destination: net("10.2.0.0/24"), Type: Unicast, Protocol: 80, Link: up, Gateway: ip("172.16.0.2"), Metric: 7})
	if err := errors.Join(s.Execute(&b)...); err != nil {
		t.Fatal(err)
	}
	h, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	routes, err := h.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: 80}, netlink.RT_FILTER_PROTOCOL)
	if err != nil || len(routes) != 1 {
		t.Fatalf("%v, %v", routes, err)
	}
	r := routes[0]
	if r.Dst.String() != "10.2.0.0/24" || r.Gw.String() != "172.16.0.2" || r.LinkIndex != up || r.Priority != 7 {
		t.Errorf("%v", r)
	}
}

// A batch of more than one chunk, with refusals in it: each finds its way to its request.
func TestEachRefusalGoesToItsRequest(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	up := uplink(t, s).Index
	var b Batch
	const total = 2500
	for i := range total {
		r := Route{
			Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), 32),
			Type:        Unicast, Protocol: 80, Scope: 253, Link: up,
		}
		if i%500 == 7 {
			r.Link = 9999
		}
		b.CreateRoute(r)
	}
	for i, err := range s.Execute(&b) {
		if (i%500 == 7) != errors.Is(err, syscall.ENODEV) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if got := len(ours(t, s)); got != total-5 {
		t.Errorf("%d routes, want %d", got, total-5)
	}
}

func TestTheKernelsOwnWordsAreKept(t *testing.T) {
	s := openIn(t, node(t))
	var b Batch
	b.CreateRoute(Route{Destination: net("10.2.0.0/24"), Type: Unicast, Protocol: 80, Link: uplink(t, s).Index, Gateway: ip("192.0.2.1")})
	err := s.Execute(&b)[0]
	if !errors.Is(err, syscall.ENETUNREACH) || !strings.Contains(err.Error(), "invalid gateway") {
		t.Errorf("%v", err)
	}
}

func TestOwnWritesAndOtherTablesAreNotHeard(t *testing.T) {
	n := node(t)
	s, stranger := openIn(t, n), openIn(t, n)
	l := listenIn(t, n, s.Port())
	up := uplink(t, s).Index
	var mine Batch
	for _, r := range examples(up) {
		mine.CreateRoute(r)
	}
	if err := errors.Join(s.Execute(&mine)...); err != nil {
		t.Fatal(err)
	}
	h, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	_, dst, _ := netlinkNet("10.77.0.0/24")
	if err := h.RouteAdd(&netlink.Route{LinkIndex: up, Dst: dst, Table: 77}); err != nil {
		t.Fatal(err)
	}
	theirs := Route{Destination: net("10.8.0.0/24"), Type: Unicast, Protocol: 4, Scope: 253, Link: up}
	var b Batch
	b.CreateRoute(theirs)
	theirs.Protocol = 5
	b.ReplaceRoute(theirs)
	b.DeleteRoute(theirs)
	if err := errors.Join(stranger.Execute(&b)...); err != nil {
		t.Fatal(err)
	}
	var heard []string
	for len(heard) < 3 {
		events, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			heard = append(heard, e.String())
		}
	}
	want := []string{
		"+ 10.8.0.0/24 dev if2 proto 4 scope link",
		"= 10.8.0.0/24 dev if2 proto 5 scope link",
		"- 10.8.0.0/24 dev if2 proto 5 scope link",
	}
	for i := range want {
		want[i] = strings.Replace(want[i], "if2", linkName(up), 1)
	}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q\nwant %q", heard, want)
	}
}

func TestCloseEndsNext(t *testing.T) {
	l := listenIn(t, node(t))
	done := make(chan error)
	go func() { _, err := l.Next(); done <- err }()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestAddressesWithoutDuplicateDetection(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	l := listenIn(t, n, s.Port())
	a := Address{Link: uplink(t, s).Index, Prefix: net("fe80::1/64"), LinkScope: true, NoDAD: true}
	var b Batch
	b.CreateAddress(a)
	b.CreateAddress(a)
	errs := s.Execute(&b)
	if errs[0] != nil || !errors.Is(errs[1], syscall.EEXIST) {
		t.Errorf("%v", errs)
	}
	all, err := s.Addresses(family.V6)
	if err != nil || !slices.Contains(all, a) {
		t.Errorf("%v, %v: no %v", all, err, a)
	}
	h, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	link, err := h.LinkByName(netlab.Uplink)
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := netlink.ParseAddr("fe80::1/64")
	if err := h.AddrDel(link, addr); err != nil {
		t.Fatal(err)
	}
	for {
		events, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(events, func(e Event) bool { return e.Gone && e.Address != nil && *e.Address == a }) {
			return
		}
	}
}

// A listener that does not read loses events, and is told so instead of what it has lost.
func TestAnOverrunIsAnEvent(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	l := listenIn(t, n)
	up := uplink(t, s).Index
	r := Route{Destination: net("10.9.0.0/24"), Type: Unicast, Protocol: 80, Scope: 253, Link: up}
	var b Batch
	for range 20_000 {
		b.CreateRoute(r)
		b.DeleteRoute(r)
	}
	if err := errors.Join(s.Execute(&b)...); err != nil {
		t.Fatal(err)
	}
	for {
		events, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(events, func(e Event) bool { return e.Overrun }) {
			return
		}
	}
}

func TestALinksLife(t *testing.T) {
	n := node(t)
	l := listenIn(t, n)
	h, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	veth := netlink.NewVeth(netlink.NewLinkAttrs())
	veth.Name, veth.PeerName = "cali1", "peer1"
	steps := []func() error{
		func() error { return h.LinkAdd(veth) },
		func() error { return h.LinkSetUp(veth) },
		func() error { return h.LinkSetDown(veth) },
		func() error { return h.LinkDel(veth) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	var states []string
	for len(states) == 0 || states[len(states)-1] != "gone" {
		events, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Link == nil || e.Link.Name != "cali1" {
				continue
			}
			state := map[bool]string{true: "up", false: "down"}[e.Link.Up]
			if e.Gone {
				state = "gone"
			}
			if len(states) == 0 || states[len(states)-1] != state {
				states = append(states, state)
			}
		}
	}
	if want := []string{"down", "up", "down", "gone"}; !slices.Equal(states, want) {
		t.Errorf("%q, want %q", states, want)
	}
}
