package dataplane_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// space is a member of the cluster that can speak and listen.
func space(n *nodetest.Node, name string) *netlab.Space {
	switch name {
	case nodetest.Name:
		return n.Space
	case nodetest.Outside, partner, stranger:
		return n.Outside().Space
	}
	return n.Pod(name).Space
}

// serve answers on a port of each of the members until the test's end.
func serve(t *testing.T, n *nodetest.Node, port uint16, names ...string) {
	t.Helper()
	for _, name := range names {
		s, err := space(n, name).Serve(port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
	}
}

// probe asks once, and wants it to come to a verdict.
func probe(t *testing.T, n *nodetest.Node, from string, protocol netlab.Protocol, to string, f family.Family, port uint16, want netlab.Verdict) netlab.Answer {
	t.Helper()
	a := asked{from, protocol, to, f, port, want != netlab.Silent}.ask(t, n)
	if a.Verdict != want {
		t.Errorf("%v %s from %s to %s port %d: %s (%v), want %s", f, protocol, from, to, port, a.Verdict, a.Err, want)
	}
	return a
}

// asked is a probe, and whether it is to be answered.
type asked struct {
	from     string
	protocol netlab.Protocol
	to       string
	family   family.Family
	port     uint16
	answered bool
}

func (a asked) ask(t *testing.T, n *nodetest.Node) netlab.Answer {
	t.Helper()
	p := netlab.Probe{Protocol: a.protocol, To: netip.AddrPortFrom(address(n, a.to, a.family), a.port)}
	if a.answered {
		p.Wait = netlab.Patience
	}
	answer, err := space(n, a.from).Probe(t.Context(), p)
	if err != nil {
		t.Error(err)
	}
	return answer
}

// probeAll probes all at once: silences are waited for together. What is not answered may
// be refused just as well.
func probeAll(t *testing.T, n *nodetest.Node, all []asked) {
	t.Helper()
	var group sync.WaitGroup
	for _, a := range all {
		group.Go(func() {
			answer := a.ask(t, n)
			if (answer.Verdict == netlab.Answered) != a.answered {
				t.Errorf("%+v: %s (%v)", a, answer.Verdict, answer.Err)
			}
		})
	}
	group.Wait()
}

// stream starts traffic that goes on. It is UDP, which repeats nothing: what is lost shows.
func stream(t *testing.T, n *nodetest.Node, from, to string, f family.Family, port uint16, newFlows bool) *netlab.Stream {
	t.Helper()
	s, err := netlab.Start(t.Context(), netlab.Traffic{
		Protocol: netlab.UDP, From: space(n, from), Receiver: space(n, to),
		To: netip.AddrPortFrom(address(n, to, f), port), NewFlows: newFlows,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lossless stops a stream that must not have lost anything.
func lossless(t *testing.T, what string, s *netlab.Stream) {
	t.Helper()
	if r := s.Stop(); len(r.Lost()) > 0 {
		t.Errorf("%s: %v", what, r)
	}
}

// next waits until something arrives that is sent from now on.
func next(t *testing.T, s *netlab.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), netlab.Patience)
	defer cancel()
	if _, err := s.Next(ctx); err != nil {
		t.Fatalf("nothing arrives any more: %v", err)
	}
}

// blocked starts a stream of new flows of which nothing is to arrive.
func blocked(t *testing.T, n *nodetest.Node, from, to string, f family.Family, port uint16) *netlab.Stream {
	t.Helper()
	s, err := netlab.StartBlocked(netlab.Traffic{
		Protocol: netlab.UDP, From: space(n, from), Receiver: space(n, to),
		To: netip.AddrPortFrom(address(n, to, f), port), NewFlows: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
