package netlab_test

import (
	"context"
	"net/netip"
	"os"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

func TestMain(m *testing.M) { os.Exit(netlab.Main(m)) }

// twoNodes is a lab of two nodes with two pods each, all with both families, where nothing but
// plain routes stands between them.
func twoNodes(t *testing.T) *netlab.Lab {
	t.Helper()
	lab := netlab.Test(t, netlab.Options{
		Link: netlab.Prefixes("172.16.0.254/24", "fd00:16::fe/64"),
		Nodes: []netlab.NodeSpec{
			{
				Name:      "node1",
				Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64"),
				Pods: []netlab.PodSpec{
					{Name: "a", Interface: "calia", Addresses: netlab.Addrs("10.244.1.1", "fd00:244:1::1")},
					{Name: "b", Interface: "calib", Addresses: netlab.Addrs("10.244.1.2", "fd00:244:1::2")},
				},
			},
			{
				Name:      "node2",
				Addresses: netlab.Prefixes("172.16.0.2/24", "fd00:16::2/64"),
				Pods: []netlab.PodSpec{
					{Name: "c", Interface: "calia", Addresses: netlab.Addrs("10.244.2.1", "fd00:244:2::1")},
					{Name: "d", Interface: "calib", Addresses: netlab.Addrs("10.244.2.2", "fd00:244:2::2")},
				},
			},
		},
	})
	for _, n := range []string{"node1", "node2"} {
		if err := lab.Node(n).RouteByHand(); err != nil {
			t.Fatal(err)
		}
	}
	return lab
}

// serve starts a server that goes with the test.
func serve(t *testing.T, s *netlab.Space, ports ...uint16) {
	t.Helper()
	srv, err := s.Serve(ports...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
}

func ask(t *testing.T, s *netlab.Space, p netlab.Probe) netlab.Answer {
	t.Helper()
	a, err := s.Probe(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestPodsTalkInBothFamilies(t *testing.T) {
	lab := twoNodes(t)
	pods := []string{"a", "b", "c", "d"}
	for _, to := range pods {
		serve(t, lab.Pod(to).Space, 8080)
	}
	for _, from := range pods {
		for _, to := range pods {
			for _, f := range family.All() {
				for _, proto := range []netlab.Protocol{netlab.TCP, netlab.UDP, netlab.ICMP} {
					p := netlab.Probe{Protocol: proto, To: netip.AddrPortFrom(lab.Pod(to).Address(f), 8080), Wait: netlab.Patience}
					got := ask(t, lab.Pod(from).Space, p)
					if got.Verdict != netlab.Answered {
						t.Errorf("%s from %s to %s over %s: %s (%v), want an answer", proto, from, to, f, got.Verdict, got.Err)
					}
					if proto != netlab.ICMP && (got.By != to || got.Seen.Addr() != lab.Pod(from).Address(f)) {
						t.Errorf("%s from %s to %s over %s: answered by %s who saw %s", proto, from, to, f, got.By, got.Seen)
					}
				}
			}
		}
	}
}
