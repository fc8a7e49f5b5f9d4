package netlab

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestTheKernelIsHeard(t *testing.T) {
	lab := Test(t, Options{Nodes: []NodeSpec{
		{Name: "node1", Addresses: Prefixes("172.16.0.1/24", "fd00:16::1/64")},
		{Name: "node2", Addresses: Prefixes("172.16.0.2/24", "fd00:16::2/64")},
	}})
	n := lab.Node("node1")
	k, err := n.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if heard := k.Heard(); len(heard) > 0 {
		t.Errorf("nothing has happened, but heard %v", heard)
	}
	for _, to := range Prefixes("10.65.0.0/24", "fd00:65::/64") {
		if err := n.AddRoute(to, netip.Addr{}, Uplink); err != nil {
			t.Fatal(err)
		}
		if heard := k.Heard(); !slices.Equal(heard, []string{"ip route add"}) {
			t.Errorf("route %s: heard %v", to, heard)
		}
	}
	if err := lab.Node("node2").AddRoute(Prefixes("10.66.0.0/24")[0], netip.Addr{}, Uplink); err != nil {
		t.Fatal(err)
	}
	if heard := k.Heard(); len(heard) > 0 {
		t.Errorf("heard what happened on another node: %v", heard)
	}
	for _, patience := range []time.Duration{time.Millisecond, 0, -time.Second} { // a slow machine is late for the first already
		if err := k.Await(patience, func() string { return "a route" }); err == nil || err.Error() != "still missing: a route" {
			t.Errorf("what never comes: %v", err)
		}
	}
}
