package netlab_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// Each way in which a probe can end, over both families.
func TestVerdicts(t *testing.T) {
	lab := twoNodes(t)
	serve(t, lab.Pod("c").Space, 8080)
	for _, f := range family.All() {
		address := lab.Pod("c").Address(f)
		forbidden := addRoute(t, lab.Node("node1"), f, "prohibit")
		swallowed := addRoute(t, lab.Node("node1"), f, "swallowed")
		for _, c := range []struct {
			name     string
			protocol netlab.Protocol
			to       netip.AddrPort
			want     netlab.Verdict
		}{
			{"tcp to a server", netlab.TCP, netip.AddrPortFrom(address, 8080), netlab.Answered},
			{"udp to a server", netlab.UDP, netip.AddrPortFrom(address, 8080), netlab.Answered},
			{"echo request", netlab.ICMP, netip.AddrPortFrom(address, 0), netlab.Answered},
			{"tcp to a closed port", netlab.TCP, netip.AddrPortFrom(address, 81), netlab.Refused},
			{"udp to a closed port", netlab.UDP, netip.AddrPortFrom(address, 81), netlab.Refused},
			{"tcp to a prohibited address", netlab.TCP, netip.AddrPortFrom(forbidden, 80), netlab.Unreachable},
			{"udp to a prohibited address", netlab.UDP, netip.AddrPortFrom(forbidden, 80), netlab.Unreachable},
			{"tcp into the dark", netlab.TCP, netip.AddrPortFrom(swallowed, 80), netlab.Silent},
			{"udp into the dark", netlab.UDP, netip.AddrPortFrom(swallowed, 80), netlab.Silent},
			{"echo request into the dark", netlab.ICMP, netip.AddrPortFrom(swallowed, 0), netlab.Silent},
		} {
			t.Run(f.String()+" "+c.name, func(t *testing.T) {
				p := netlab.Probe{Protocol: c.protocol, To: c.to, Wait: netlab.Patience}
				if c.want == netlab.Silent {
					p.Wait = 50 * time.Millisecond
				}
				if got := ask(t, lab.Pod("a").Space, p); got.Verdict != c.want {
					t.Errorf("%s (%v) after %s, want %s", got.Verdict, got.Err, got.Took, c.want)
				}
			})
		}
	}
}

// addRoute makes a node refuse an address by an ICMP error, or send what goes there to the link,
// where nobody takes it.
func addRoute(t *testing.T, n *netlab.Node, f family.Family, kind string) netip.Addr {
	t.Helper()
	to := map[family.Family]map[string]string{
		family.V4: {"prohibit": "10.99.0.1", "swallowed": "10.99.0.2"},
		family.V6: {"prohibit": "fd00:99::1", "swallowed": "fd00:99::2"},
	}[f][kind]
	addr := netip.MustParseAddr(to)
	h, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	r := &netlink.Route{Dst: netipx.PrefixIPNet(family.HostPrefix(addr)), Type: unix.RTN_PROHIBIT}
	if kind == "swallowed" {
		l, err := h.LinkByName(netlab.Uplink)
		if err != nil {
			t.Fatal(err)
		}
		r.Type, r.LinkIndex = 0, l.Attrs().Index
		if f == family.V4 {
			r.Scope = netlink.SCOPE_LINK
		}
	}
	if err := h.RouteAdd(r); err != nil {
		t.Fatal(err)
	}
	return addr
}

func TestProbesWithAChosenSourceAndSize(t *testing.T) {
	lab := twoNodes(t)
	serve(t, lab.Pod("d").Space, 8080)
	for _, f := range family.All() {
		from := netip.AddrPortFrom(lab.Pod("a").Address(f), 4789)
		for _, proto := range []netlab.Protocol{netlab.TCP, netlab.UDP, netlab.ICMP} {
			p := netlab.Probe{
				Protocol: proto, From: from, To: netip.AddrPortFrom(lab.Pod("d").Address(f), 8080),
				Size: 4000, Wait: netlab.Patience,
			}
			got := ask(t, lab.Pod("a").Space, p)
			if got.Verdict != netlab.Answered {
				t.Errorf("%s %s of 4000 octets: %s (%v)", f, proto, got.Verdict, got.Err)
			}
			if proto != netlab.ICMP && got.Seen != from {
				t.Errorf("%s %s from %s: seen as %s", f, proto, from, got.Seen)
			}
		}
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	lab := twoNodes(t)
	to := netip.AddrPortFrom(addRoute(t, lab.Node("node1"), family.V6, "swallowed"), 80)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := lab.Pod("a").Probe(ctx, netlab.Probe{Protocol: netlab.TCP, To: to, Wait: time.Hour})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want the context's", err)
	}
}

func TestNodesAndLinkTalkToo(t *testing.T) {
	lab := twoNodes(t)
	members := []string{"link", "node1", "node2"}
	var expected []netlab.Expectation
	for _, to := range members {
		for _, from := range members {
			for _, f := range family.All() {
				for proto, port := range map[netlab.Protocol]uint16{netlab.TCP: 99, netlab.UDP: 99, netlab.ICMP: 0} {
					expected = append(expected, netlab.Expectation{Flow: netlab.Flow{From: from, To: to, Family: f, Protocol: proto, Port: port}, Allowed: true})
				}
			}
		}
	}
	serve(t, lab.Link().Space, 99)
	serve(t, lab.Node("node1").Space, 99)
	serve(t, lab.Node("node2").Space, 99)
	m, err := lab.Observe(context.Background(), expected, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Wrong()) > 0 {
		t.Errorf("\n%s", m)
	}
}
