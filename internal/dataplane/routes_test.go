package dataplane_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nodetest"
)

// netlinkFamily is the family as netlink numbers it.
func netlinkFamily(f family.Family) int {
	return map[family.Family]int{family.V4: unix.AF_INET, family.V6: unix.AF_INET6}[f]
}

// routesTo are the node's routes in the main table to exactly this destination, as text:
// "dev cali1234", "blackhole".
func routesTo(t *testing.T, n *nodetest.Node, to netip.Prefix) (out []string) {
	t.Helper()
	links, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close()
	list, err := links.RouteList(nil, netlinkFamily(family.OfPrefix(to)))
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		return routesTo(t, n, to)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.Dst == nil || r.Dst.String() != to.String() {
			continue
		}
		if r.Type == unix.RTN_BLACKHOLE {
			out = append(out, "blackhole")
			continue
		}
		text := ""
		if link, err := links.LinkByIndex(r.LinkIndex); err == nil {
			text = "dev " + link.Attrs().Name
		}
		if r.Src != nil {
			text += fmt.Sprintf(" src %s", r.Src)
		}
		out = append(out, text)
	}
	return out
}

// wantRoute wants the address to be routed to the pod's interface, and nowhere if the pod
// is "".
func wantRoute(t *testing.T, n *nodetest.Node, a netip.Addr, pod string) {
	t.Helper()
	want := "[]"
	if pod != "" {
		want = fmt.Sprintf("[dev %s]", n.Pod(pod).Interface())
	}
	if got := fmt.Sprint(routesTo(t, n, family.HostPrefix(a))); got != want {
		t.Errorf("route to %v: %s, want %s", a, got, want)
	}
}
