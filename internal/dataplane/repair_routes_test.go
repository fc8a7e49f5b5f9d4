package dataplane_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// routeText is every route of the node's main table in both families, but for multicast
// and link-local ones, as text.
func routeText(t *testing.T, links *netlink.Handle) string {
	t.Helper()
	var lines []string
	for _, f := range family.All() {
		list, err := links.RouteList(nil, netlinkFamily(f))
		if errors.Is(err, netlink.ErrDumpInterrupted) {
			return routeText(t, links)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if r.Dst != nil && r.Dst.IP.IsLinkLocalUnicast() && f == family.V6 {
				continue
			}
			lines = append(lines, fmt.Sprintf("%v type %d via %v dev %d proto %d metric %d scope %v src %v",
				r.Dst, r.Type, r.Gw, r.LinkIndex, r.Protocol, r.Priority, r.Scope, r.Src))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// router changes routes as another program would.
type router struct {
	t     *testing.T
	n     *nodetest.Node
	links *netlink.Handle
}

func newRouter(t *testing.T, n *nodetest.Node) *router {
	t.Helper()
	links, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(links.Close)
	return &router{t, n, links}
}

func (r *router) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *router) index(device string) int {
	r.t.Helper()
	link, err := r.links.LinkByName(device)
	r.must(err)
	return link.Attrs().Index
}

// of is the pod's route as it stands.
func (r *router) of(pod string, f family.Family) netlink.Route {
	r.t.Helper()
	to := netipx.PrefixIPNet(family.HostPrefix(address(r.n, pod, f)))
	list, err := r.links.RouteListFiltered(netlinkFamily(f), &netlink.Route{Dst: to}, netlink.RT_FILTER_DST)
	r.must(err)
	if len(list) != 1 {
		r.t.Fatalf("%d routes to %v", len(list), to)
	}
	return list[0]
}

// Our routes are put back when the kernel tells that they have gone or changed, and no
// others are touched.
func TestRoutesAreRepaired(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(r *router, f family.Family)
	}{
		{"deleted", func(r *router, f family.Family) {
			route := r.of(api, f)
			r.must(r.links.RouteDel(&route))
		}},
		{"all deleted", func(r *router, f family.Family) {
			for _, pod := range []string{web, api, db, till, vault} {
				route := r.of(pod, f)
				r.must(r.links.RouteDel(&route))
			}
		}},
		{"replaced by one to another pod", func(r *router, f family.Family) {
			route := r.of(api, f)
			route.LinkIndex = r.index(r.n.Pod(db).Interface())
			r.must(r.links.RouteReplace(&route))
		}},
		{"replaced by one that leads out", func(r *router, f family.Family) {
			route := r.of(api, f)
			route.LinkIndex, route.Scope = r.index(netlab.Uplink), netlink.SCOPE_UNIVERSE
			route.Gw = r.n.Outside().Address(f).AsSlice()
			r.must(r.links.RouteReplace(&route))
		}},
		{"a route of the pod's interface to what is not the pod's", func(r *router, f family.Family) {
			r.must(r.links.RouteAdd(&netlink.Route{LinkIndex: r.index(r.n.Pod(api).Interface()),
				Dst: netipx.PrefixIPNet(secondPool.Get(f)), Scope: netlink.SCOPE_LINK, Protocol: unix.RTPROT_STATIC}))
		}},
	} {
		for _, on := range nodetest.Families() {
			t.Run(c.name+" "+on.String(), func(t *testing.T) {
				t.Parallel()
				n := startCluster(t, on, nil)
				serve(t, n, 80, api)
				r := newRouter(t, n)
				r.foreign()
				before := routeText(t, r.links)
				for _, f := range on.Families() {
					c.do(r, f)
				}
				n.Await(func() string { return difference(routeText(t, r.links), before) })
				for _, f := range on.Families() {
					probe(t, n, web, netlab.TCP, api, f, 80, netlab.Answered)
				}
			})
		}
	}
}

// foreign makes routes that are none of our business: static ones, of a routing daemon, and
// such that look a bit like ours.
func (r *router) foreign() {
	r.t.Helper()
	for _, f := range family.All() {
		for i, protocol := range []netlink.RouteProtocol{unix.RTPROT_STATIC, unix.RTPROT_BIRD, unix.RTPROT_BOOT, unix.RTPROT_RA} {
			to := []string{fmt.Sprintf("198.18.%d.0/24", i), fmt.Sprintf("2001:db8:%d::/48", 100+i)}[f.Version()/6]
			r.must(r.links.RouteAdd(&netlink.Route{LinkIndex: r.index(netlab.Uplink), Protocol: protocol, Flags: int(netlink.FLAG_ONLINK),
				Dst: netipx.PrefixIPNet(netip.MustParsePrefix(to)), Gw: r.n.Outside().Address(f).AsSlice()}))
		}
		r.must(r.links.RouteAdd(&netlink.Route{Type: unix.RTN_BLACKHOLE, Protocol: unix.RTPROT_STATIC,
			Dst: netipx.PrefixIPNet(netip.MustParsePrefix([]string{"203.0.113.0/24", "2001:db8:dead::/48"}[f.Version()/6]))}))
	}
}

// Routes of others stand through everything that an agent does.
func TestForeignRoutesAreLeftAlone(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	r := newRouter(t, n)
	without := routeText(t, r.links)
	r.foreign()
	with := routeText(t, r.links)
	k := n.Listen()
	n.Restart()
	n.Settled()
	if heard := k.Heard(); len(heard) > 0 {
		t.Errorf("the kernel announces: %v", heard)
	}
	for _, on := range []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both} {
		n.Write("felix.yaml", supportOf(on))
		n.Settled()
		for _, line := range strings.Split(with, "\n") {
			ours := strings.Contains(without, line)
			if !ours && !strings.Contains(routeText(t, r.links), line) {
				t.Errorf("with %v on, a route of others is gone: %s", on, line)
			}
		}
	}
	if got := difference(routeText(t, r.links), with); got != "" {
		t.Error(got)
	}
}

// A node without a default route answers for the pods' IPv4 gateway all the same.
func TestNodeWithoutADefaultRoute(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := nodetest.Start(t, nodetest.Options{NoGateway: true, Families: on, Pods: clusterPods(),
				Manifests: map[string]string{"cluster.yaml": clusterManifests()}})
			n.Settled()
			serve(t, n, 80, api)
			for _, f := range on.Families() {
				probe(t, n, web, netlab.TCP, api, f, 80, netlab.Answered)
			}
		})
	}
}
