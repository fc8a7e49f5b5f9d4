package nodetest_test

import (
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

func TestMain(m *testing.M) { os.Exit(netlab.Main(m)) }

// twoPods are plugged into the node.
func twoPods() []netlab.PodSpec {
	return []netlab.PodSpec{
		{Name: "shop/a", Addresses: nodetest.Addresses(1)},
		{Name: "shop/b", Addresses: nodetest.Addresses(2)},
	}
}

// shot is a datagram between two pods.
func shot(n *nodetest.Node, from, to string, f family.Family, expected bool) nodetest.Shot {
	token := netlab.Token()
	s := nodetest.Marked(from, to, token, netlab.Packet{
		From: n.Pod(from).Address(f), To: n.Pod(to).Address(f), Payload: netlab.Datagram(1, 2, token),
	})
	s.Expected = expected
	return s
}

// A volley tells packets that arrive from those that do not, on the wire and delivered.
func TestVolley(t *testing.T) {
	t.Parallel()
	n := nodetest.Start(t, nodetest.Options{NoAgent: true, Pods: twoPods()})
	if err := n.RouteByHand(); err != nil {
		t.Fatal(err)
	}
	for _, f := range family.All() {
		astray := shot(n, "shop/a", "shop/b", f, false)
		token := netlab.Token()
		nobody := nodetest.Marked("shop/a", "shop/b", token, netlab.Packet{
			From: n.Pod("shop/a").Address(f), To: nodetest.Addresses(99)[f.Version()/6], Payload: netlab.Datagram(1, 2, token),
		})
		astray.Wire = [][]byte{astray.Wire[0][:len(astray.Wire[0])-30]} // cut off: no IP packet
		delivered := shot(n, "shop/b", "shop/a", f, true)
		delivered.Delivered, delivered.Protocol = true, 17
		got := n.Volley([]nodetest.Shot{
			shot(n, "shop/a", "shop/b", f, true), nobody, astray, shot(n, "shop/b", "shop/a", f, true), delivered,
		})
		if want := []bool{true, false, false, true, true}; !slices.Equal(got, want) {
			t.Errorf("%v: %v arrive, want %v", f, got, want)
		}
	}
}

// What has been written is in the kernel when Settled returns, each time.
func TestSettled(t *testing.T) {
	t.Parallel()
	n := nodetest.Start(t, nodetest.Options{Pods: twoPods()})
	n.Settled()
	for i := range 20 {
		there := i%2 == 0
		if there {
			n.Write("pods.yaml", nodetest.PodManifests(twoPods()...))
		} else {
			n.Remove("pods.yaml")
		}
		n.Settled()
		for _, f := range family.All() {
			if got := n.Volley([]nodetest.Shot{shot(n, "shop/a", "shop/b", f, there)}); got[0] != there {
				t.Fatalf("round %d, %v: the pods are there: %v, want %v", i, f, got[0], there)
			}
		}
	}
}

// What the kernel announces is heard at once, by its name.
func TestListen(t *testing.T) {
	t.Parallel()
	n := nodetest.Start(t, nodetest.Options{NoAgent: true})
	k := n.Listen()
	if heard := k.Heard(); len(heard) > 0 {
		t.Errorf("heard %v, and nothing has happened", heard)
	}
	if err := n.AddRoute(netip.MustParsePrefix("198.18.0.0/15"), n.Outside().Address(family.V4), netlab.Uplink); err != nil {
		t.Fatal(err)
	}
	if heard := k.Heard(); !slices.Equal(heard, []string{"ip route add"}) {
		t.Errorf("heard %v", heard)
	}
	if err := n.SetUplink(false); err != nil {
		t.Fatal(err)
	}
	n.Await(func() string { return "" })
	if heard := k.Heard(); !slices.Contains(heard, "ip link add") { // that is how a link's change is told
		t.Errorf("heard %v", heard)
	}
}

// Waiting ends with what is awaited, although it comes from elsewhere and later.
func TestAwait(t *testing.T) {
	t.Parallel()
	n := nodetest.Start(t, nodetest.Options{NoAgent: true})
	looked := 0
	n.Await(func() string {
		if looked++; looked == 1 {
			go func() {
				_ = n.AddRoute(netip.MustParsePrefix("2001:db8::/32"), n.Outside().Address(family.V6), netlab.Uplink)
			}()
			return "the first look"
		}
		return ""
	})
	if looked != 2 {
		t.Errorf("looked %d times", looked)
	}
}

// A pod's addresses and manifests are those of the node's range.
func TestManifests(t *testing.T) {
	t.Parallel()
	for _, f := range family.All() {
		if a := nodetest.Addresses(7)[f.Version()/6]; !nodetest.PodRange(f).Contains(a) || family.Of(a) != f {
			t.Errorf("%v: %v", f, a)
		}
	}
	n := nodetest.Start(t, nodetest.Options{Pods: twoPods(), Manifests: map[string]string{"pods.yaml": nodetest.PodManifests(twoPods()...)}})
	n.Settled()
	if problems := n.Problems(); problems != "" {
		t.Errorf("problems: %s", problems)
	}
	if ready := n.Readiness(); !ready.Ready || !ready.Live {
		t.Errorf("not ready: %v", ready.Reasons)
	}
}
