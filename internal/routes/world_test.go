package routes_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/routes"
	"github.com/margay-net/margay/internal/routes/fakekernel"
)

// world is a kernel, and what other programs do to it.
type world interface {
	routes.Kernel
	AddLink(name string) int
	SetLink(name string, up bool)
	DeleteLink(name string)
	AddAddress(link string, p netip.Prefix)
	RemoveAddress(link string, p netip.Prefix)
	Stranger(routes.Write) error
}

// inEachWorld runs a test on the fake and in a network namespace.
func inEachWorld(t *testing.T, test func(*testing.T, world)) {
	t.Run("fake", func(t *testing.T) { test(t, fakekernel.New()) })
	t.Run("kernel", func(t *testing.T) { test(t, newNamespace(t)) })
}

// namespace is a world in a network namespace. Its other program speaks through another
// library, but for routes, whose every shape only ours can write.
type namespace struct {
	*routes.Linux
	t        testing.TB
	node     *netlab.Node
	handle   *netlink.Handle
	stranger *routes.Linux
}

func newNamespace(t testing.TB) *namespace {
	t.Helper()
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "n1"}}})
	n := &namespace{t: t, node: lab.Node("n1")}
	err := n.node.Do(func() (err error) {
		if n.Linux, err = routes.OpenLinux(); err != nil {
			return err
		}
		if n.stranger, err = routes.OpenLinux(); err != nil {
			return err
		}
		n.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = n.Linux.Close()
		_ = n.stranger.Close()
		n.handle.Close()
	})
	return n
}

func (n *namespace) Subscribe(f family.Family) (s routes.Subscription, err error) {
	err = n.node.Do(func() (err error) { s, err = n.Linux.Subscribe(f); return err })
	return s, err
}

func (n *namespace) do(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *namespace) link(name string) netlink.Link {
	n.t.Helper()
	l, err := n.handle.LinkByName(name)
	n.do(err)
	return l
}

func (n *namespace) AddLink(name string) int {
	n.t.Helper()
	veth := netlink.NewVeth(netlink.NewLinkAttrs())
	veth.Name, veth.PeerName = name, ("x" + name)[:min(1+len(name), unix.IFNAMSIZ-1)]
	n.do(n.handle.LinkAdd(veth))
	n.do(n.handle.LinkSetUp(n.link(veth.PeerName)))
	return n.link(name).Attrs().Index
}

func (n *namespace) SetLink(name string, up bool) {
	n.t.Helper()
	if up {
		n.do(n.handle.LinkSetUp(n.link(name)))
	} else {
		n.do(n.handle.LinkSetDown(n.link(name)))
	}
}

func (n *namespace) DeleteLink(name string) { n.t.Helper(); n.do(n.handle.LinkDel(n.link(name))) }

func (n *namespace) AddAddress(link string, p netip.Prefix) {
	n.t.Helper()
	events, err := n.Subscribe(family.OfPrefix(p))
	n.do(err)
	defer func() { _ = events.Close() }()
	n.do(n.handle.AddrAdd(n.link(link), &netlink.Addr{IPNet: netipx.PrefixIPNet(p), Flags: nodad(p)}))
	// IPv6 announces an address some time after it was added.
	for announced := false; !announced; {
		batch, err := events.Next()
		n.do(err)
		announced = slices.ContainsFunc(batch, func(e routes.Event) bool {
			return e.Address != nil && e.Address.Prefix == p && !e.Address.Tentative && !e.Gone
		})
	}
}

func (n *namespace) RemoveAddress(link string, p netip.Prefix) {
	n.t.Helper()
	n.do(n.handle.AddrDel(n.link(link), &netlink.Addr{IPNet: netipx.PrefixIPNet(p)}))
}

func nodad(p netip.Prefix) int {
	flags := family.PairOf(0, unix.IFA_F_NODAD)
	return flags.Get(family.OfPrefix(p))
}

func (n *namespace) Stranger(w routes.Write) error { return n.stranger.Write([]routes.Write{w})[0] }

// settled reads events until everything that has happened so far has been seen: a
// stranger's route that comes and goes marks the end.
func settled(t testing.TB, w world, f family.Family, s routes.Subscription) []routes.Event {
	t.Helper()
	dst := family.PairOf("192.0.2.77/32", "2001:db8::77/128")
	scope := family.PairOf[uint8](unix.RT_SCOPE_LINK, 0)
	mark := routes.Route{
		Destination: netip.MustParsePrefix(dst.Get(f)), Type: rtnetlink.Unicast, Protocol: unix.RTPROT_STATIC,
		Scope: scope.Get(f), Link: 1, Metric: 77,
	}
	for _, verb := range []routes.Verb{routes.Create, routes.Delete} {
		if err := w.Stranger(routes.Write{Verb: verb, Route: mark}); err != nil {
			t.Fatalf("marker: %v", err)
		}
	}
	var out []routes.Event
	for {
		events, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Route == nil || e.Route.Destination != mark.Destination {
				out = append(out, e)
			} else if e.Gone {
				return out
			}
		}
	}
}
