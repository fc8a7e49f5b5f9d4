package dataplane_test

import (
	"net/netip"
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
	target := address(n, to, f)
	if to == nodetest.Outside {
		target = n.Outside().Address(f)
	}
	p := netlab.Probe{Protocol: protocol, To: netip.AddrPortFrom(target, port)}
	if want != netlab.Silent {
		p.Wait = netlab.Patience
	}
	a, err := space(n, from).Probe(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if a.Verdict != want {
		t.Errorf("%v %s from %s to %s port %d: %s, want %s", f, protocol, from, to, port, a.Verdict, want)
	}
	return a
}

// answered is the verdict that there is to be if something is allowed.
func answered(allowed bool) netlab.Verdict {
	if allowed {
		return netlab.Answered
	}
	return netlab.Silent
}
