package wireguard_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/wireguard"
)

// tunnel is a driver on a node of a lab, with devices in user space, or the kernel's own if there
// is a control for these.
type tunnel struct {
	t        testing.TB
	node     *netlab.Node
	key      wireguard.PrivateKey
	settings wireguard.Settings
	driver   *wireguard.Driver
	maker    *wireguard.Userspace
	kernel   *wireguard.Linux
	control  *wireguard.Control
}

// tunnelMTU is what an underlay of 1500 leaves over IPv6, and so over both; pods are given it.
const tunnelMTU = 1420

// lab is three nodes with a pod each, routed in the clear by hand.
func lab(t *testing.T) *netlab.Lab {
	t.Helper()
	var nodes []netlab.NodeSpec
	for n := 1; n <= 3; n++ {
		spec := netlab.NodeSpec{Name: name(n), MTU: 1500}
		var pod []netip.Addr
		for _, f := range family.All() {
			length := family.PairOf(24, 64)
			spec.Addresses = append(spec.Addresses, netip.PrefixFrom(under(f, n), length.Get(f)))
			pod = append(pod, block(f, n).Addr().Next())
		}
		spec.Pods = []netlab.PodSpec{{Name: "pod-" + name(n), Addresses: pod, MTU: tunnelMTU}}
		nodes = append(nodes, spec)
	}
	l := netlab.Test(t, netlab.Options{Nodes: nodes})
	for n := 1; n <= 3; n++ {
		if err := l.Node(name(n)).RouteByHand(); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func newTunnel(t testing.TB, l *netlab.Lab, f family.Family, n int) *tunnel {
	t.Helper()
	node := l.Node(name(n))
	w := &tunnel{t: t, node: node, key: newKey(t), settings: settingsOf(f)}
	w.settings.MTU = tunnelMTU
	w.settings.Addresses = []netip.Addr{at(f, n)}
	w.do(func() (err error) {
		w.kernel, err = wireguard.OpenLinux()
		return err
	})
	w.start(f)
	t.Cleanup(func() {
		w.do(w.maker.Close)
		_ = w.kernel.Close()
	})
	return w
}

// start is a process that takes over what the one before left.
func (w *tunnel) start(f family.Family) {
	w.maker = wireguard.NewUserspace(wireguard.UserspaceOptions{Links: w.kernel})
	choice := wireguard.Choice{Kernel: w.kernel, Control: w.control, Userspace: w.maker, NoKernel: w.control == nil, NoUserspace: w.control != nil}
	w.driver = wireguard.New(wireguard.Options{
		Family: f, Tunnel: choice, Kernel: w.kernel, Maker: choice, Key: w.key, Settings: w.settings,
	})
	w.driver.InSync()
}

func (w *tunnel) do(f func() error) {
	w.t.Helper()
	if err := w.node.Do(f); err != nil {
		w.t.Fatal(err)
	}
}

// learn tells a node of the nth other one, in one family or both.
func (w *tunnel) learn(f family.Family, n int, key wireguard.Key, carries family.Set) {
	node := wireguard.Node{Name: name(n), Key: key, Endpoint: under(f, n)}
	for _, inner := range carries.Families() {
		node.Addresses = append(node.Addresses, family.HostPrefix(at(inner, n)))
		w.driver.Route(block(inner, n), name(n))
	}
	w.driver.PutNode(node)
}

func (w *tunnel) apply() {
	w.t.Helper()
	w.do(func() error { _, err := w.driver.Apply(time.Now()); return err })
}

// talk asks a pod from another one, and wants an answer.
func talk(t *testing.T, l *netlab.Lab, f family.Family, from, to int, size int) {
	t.Helper()
	server, err := l.Pod("pod-" + name(to)).Serve(8080)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, p := range []netlab.Protocol{netlab.ICMP, netlab.UDP, netlab.TCP} {
		answer, err := l.Pod("pod-"+name(from)).Probe(context.Background(), netlab.Probe{
			Protocol: p, To: netip.AddrPortFrom(l.Pod("pod-"+name(to)).Address(f), 8080), Size: size, Wait: netlab.Patience,
		})
		if err != nil || answer.Verdict != netlab.Answered {
			t.Errorf("%v %s from %s to %s: %+v, %v", f, p, name(from), name(to), answer, err)
		}
	}
}

// mark sends a marked datagram from one pod to another, and says whether it crossed the wire in
// the clear.
func crossesInTheClear(t *testing.T, l *netlab.Lab, f family.Family, from, to int) bool {
	t.Helper()
	tap, err := l.Node(name(to)).TapWire(netlab.Uplink)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	arrived, err := l.Pod("pod-"+name(to)).TapDelivered(f, 17)
	if err != nil {
		t.Fatal(err)
	}
	defer arrived.Close()
	token := netlab.Token()
	a, b := l.Pod("pod-"+name(from)), l.Pod("pod-"+name(to))
	packet := netlab.Packet{From: a.Address(f), To: b.Address(f), Payload: netlab.Datagram(5000, 5001, token)}
	if err := a.Transmit(packet.Bytes()); err != nil {
		t.Fatal(err)
	}
	if heard, err := arrived.Hears(token, netlab.Patience); err != nil || !heard {
		t.Fatalf("%v from %s to %s: has not arrived, %v", f, name(from), name(to), err)
	}
	return tap.Heard(token) > 0
}

func TestPodsTalkThroughTheTunnelAndNothingIsInTheClear(t *testing.T) {
	for _, f := range family.All() {
		for _, carries := range []family.Set{family.NewSet(f), family.Both} {
			t.Run(fmt.Sprintf("%v over %v", carries, f), func(t *testing.T) {
				t.Parallel()
				l := lab(t)
				a, b := newTunnel(t, l, f, 1), newTunnel(t, l, f, 2)
				for i, w := range []*tunnel{a, b} {
					w.settings.Carries = carries
					w.settings.Addresses = nil
					for _, inner := range carries.Families() {
						w.settings.Addresses = append(w.settings.Addresses, at(inner, i+1))
					}
					w.driver.Configure(w.settings)
				}
				a.learn(f, 2, b.key.Public(), carries)
				b.learn(f, 1, a.key.Public(), carries)
				b.apply()
				a.apply()
				for _, inner := range family.All() {
					talk(t, l, inner, 1, 2, 100)
					talk(t, l, inner, 2, 1, 4000) // in fragments and segments
					if clear := crossesInTheClear(t, l, inner, 1, 2); clear == carries.Has(inner) {
						t.Errorf("%v crosses in the clear: %v", inner, clear)
					}
				}
				talk(t, l, f, 1, 3, 100) // which has no tunnel, and is passed by
			})
		}
	}
}

func TestTheProcessDiesAndTheNextOneTakesOver(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			a, b := newTunnel(t, l, f, 1), newTunnel(t, l, f, 2)
			a.learn(f, 2, b.key.Public(), family.NewSet(f))
			b.learn(f, 1, a.key.Public(), family.NewSet(f))
			b.apply()
			a.apply()
			talk(t, l, f, 1, 2, 100)
			tap, err := l.Node("b").TapWire(netlab.Uplink)
			if err != nil {
				t.Fatal(err)
			}
			defer tap.Close()
			a.do(a.maker.Close) // what a process that dies takes along
			token := netlab.Token()
			from, to := l.Pod("pod-a"), l.Pod("pod-b")
			packet := netlab.Packet{From: from.Address(f), To: to.Address(f), Payload: netlab.Datagram(5000, 5001, token)}
			if err := from.Transmit(packet.Bytes()); err != nil {
				t.Fatal(err)
			}
			if heard, err := tap.Hears(token, netlab.Silence); err != nil || heard {
				t.Errorf("without a process, in the clear: %v, %v", heard, err)
			}
			a.start(f)
			a.learn(f, 2, b.key.Public(), family.NewSet(f))
			a.apply()
			talk(t, l, f, 1, 2, 100)
			if crossesInTheClear(t, l, f, 1, 2) {
				t.Error("in the clear after the restart")
			}
		})
	}
}
