package vxlan_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/vxlan"
)

// What a small datagram costs from a node through the tunnel to another, which the sender's
// processor carries all the way: through a device that was made by hand, with the entries of one
// node, and through the driver's, with those of a thousand. The two take turns, and the best of
// each counts, since the machine may be busy.
func BenchmarkPacket(b *testing.B) {
	for _, f := range family.All() {
		b.Run(f.String(), func(b *testing.B) {
			var floods []func() time.Duration
			for _, prepare := range []func(*testing.B, *netlab.Node, family.Family){oneByHand, byDriver} {
				l := lab(b)
				byHand(b, l.Node("n2"), f, 2, 1)
				prepare(b, l.Node("n1"), f)
				floods = append(floods, flood(b, l, f))
			}
			best := [2]time.Duration{time.Hour, time.Hour}
			for range b.N {
				for i, flood := range floods {
					best[i] = min(best[i], flood())
				}
			}
			b.ReportMetric(float64(best[0].Nanoseconds())/packets, "ns/packet-by-hand")
			b.ReportMetric(float64(best[1].Nanoseconds())/packets, "ns/packet")
			b.ReportMetric(float64(best[1])/float64(best[0]), "ratio")
		})
	}
}

// packets are sent in one turn.
const packets = 20000

func oneByHand(b *testing.B, n *netlab.Node, f family.Family) { byHand(b, n, f, 1, 2) }

// byHand makes a device and the entries for one other node.
func byHand(b *testing.B, n *netlab.Node, f family.Family, own, other byte) {
	b.Helper()
	a, name := &agent{TB: b, node: n}, vxlan.DeviceName(f)
	a.run(fmt.Sprintf("link add %s address %v mtu %d type vxlan id 4096 local %v dev %s dstport 4789 nolearning",
		name, mac(own), 1500-vxlan.Overhead(f), underlay(f, own), netlab.Uplink))
	a.run(fmt.Sprintf("addr add %v dev %s nodad", family.HostPrefix(tunnel(f, own)), name))
	a.run(fmt.Sprintf("link set dev %s up", name))
	a.run(fmt.Sprintf("neigh add %v lladdr %v dev %s nud permanent", tunnel(f, other), mac(other), name))
	a.run(fmt.Sprintf("fdb add %v dst %v dev %s", mac(other), underlay(f, other), name))
	a.run(fmt.Sprintf("route add %v dev %s", family.HostPrefix(tunnel(f, other)), name))
}

func byDriver(b *testing.B, n *netlab.Node, f family.Family) {
	b.Helper()
	a := newAgent(b, n, f)
	for i := range 1000 {
		v := model.VTEP{Node: fmt.Sprint("far-", i), MAC: model.MAC{0x66, 1, 0, 0, byte(i >> 8), byte(i)}}
		v.Underlay, *v.Addresses.At(f) = far(f, 1, i), far(f, 2, i)
		a.driver.Want(v)
	}
	a.start(f, family.NewSet(f))
	a.run(fmt.Sprintf("route add %v dev %s", family.HostPrefix(tunnel(f, 2)), vxlan.DeviceName(f)))
}

// flood returns what sends the packets of one turn.
func flood(b *testing.B, l *netlab.Lab, f family.Family) func() time.Duration {
	b.Helper()
	const port = 7777
	to := &net.UDPAddr{IP: tunnel(f, 2).AsSlice(), Port: port}
	var receiver, sender *net.UDPConn
	for node, open := range map[string]func() error{
		"n2": func() (err error) { receiver, err = net.ListenUDP("udp", to); return err },
		"n1": func() (err error) { sender, err = net.DialUDP("udp", nil, to); return err },
	} {
		if err := l.Node(node).Do(open); err != nil {
			b.Fatal(err)
		}
	}
	b.Cleanup(func() { _, _ = receiver.Close(), sender.Close() })
	payload, buf := make([]byte, 22), make([]byte, 64)
	if _, err := sender.Write(payload); err != nil {
		b.Fatal(err)
	}
	if _, err := receiver.Read(buf); err != nil { // it gets there
		b.Fatal(err)
	}
	return func() time.Duration {
		start := time.Now()
		for range packets {
			if _, err := sender.Write(payload); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
}
