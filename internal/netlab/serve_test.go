package netlab_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// A host with several addresses answers from the one it was asked at: a probe's socket is
// connected, and would not take an answer from another.
func TestServersAnswerFromTheAddressAsked(t *testing.T) {
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{
		{Name: "node1", Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64")},
		{Name: "node2", Addresses: netlab.Prefixes("172.16.0.2/24", "172.16.0.22/24", "fd00:16::2/64", "fd00:16::22/64")},
	}})
	serve(t, lab.Node("node2").Space, 53)
	for _, to := range netlab.Addrs("172.16.0.2", "172.16.0.22", "fd00:16::2", "fd00:16::22") {
		for _, protocol := range []netlab.Protocol{netlab.TCP, netlab.UDP} {
			got := ask(t, lab.Node("node1").Space, netlab.Probe{Protocol: protocol, To: netip.AddrPortFrom(to, 53), Wait: netlab.Patience})
			if want := lab.Node("node1").Address(family.Of(to)); got.Verdict != netlab.Answered || got.Seen.Addr() != want {
				t.Errorf("%s to %s: %s, seen as %s; want an answer to %s", protocol, to, got.Verdict, got.Seen, want)
			}
		}
	}
}

func TestAServerThatIsClosedIsGone(t *testing.T) {
	lab := twoNodes(t)
	pod := lab.Pod("b")
	for _, f := range family.All() {
		srv, err := pod.Serve(7000, 7001)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pod.Serve(7001); err == nil {
			t.Error("two servers have one port")
		}
		p := netlab.Probe{Protocol: netlab.TCP, To: netip.AddrPortFrom(pod.Address(f), 7001), Wait: netlab.Patience}
		if got := ask(t, lab.Pod("a").Space, p); got.Verdict != netlab.Answered {
			t.Errorf("%s: %s while the server is there", f, got.Verdict)
		}
		srv.Close()
		if got := ask(t, lab.Pod("a").Space, p); got.Verdict != netlab.Refused {
			t.Errorf("%s: %s after the server is closed, want refused", f, got.Verdict)
		}
	}
}

func TestProbesRunSideBySide(t *testing.T) {
	lab := twoNodes(t)
	serve(t, lab.Pod("c").Space, 80)
	var wg sync.WaitGroup
	for range 50 {
		for _, f := range family.All() {
			wg.Go(func() {
				p := netlab.Probe{Protocol: netlab.ICMP, To: netip.AddrPortFrom(lab.Pod("c").Address(f), 0), Wait: netlab.Patience}
				if a, err := lab.Pod("a").Probe(context.Background(), p); err != nil || a.Verdict != netlab.Answered {
					t.Errorf("%s echo: %s (%v)", f, a.Verdict, err)
				}
			})
		}
	}
	wg.Wait()
}
