package wireguard_test

import (
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/wireguard"
)

// manyNodes tells a driver of n nodes with a key and two blocks each.
func manyNodes(b *testing.B, d *wireguard.Driver, f family.Family, n int) []wireguard.Node {
	nodes := make([]wireguard.Node, n)
	for i := range nodes {
		k := wireguard.Key{byte(i), byte(i >> 8), 1}
		nodes[i] = wireguard.Node{Name: numbered(i), Key: k, Endpoint: under(f, i%200+2)}
		for j := range 2 {
			d.Route(blockOf(f, 2*i+j), nodes[i].Name)
		}
		d.PutNode(nodes[i])
	}
	return nodes
}

// BenchmarkPeers configures 1,000 peers in each family on a device in user space, and then changes
// one of them.
func BenchmarkPeers(b *testing.B) {
	const peers = 1000
	l := netlab.Test(b, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "a", Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64")}}})
	for range b.N {
		var tunnels []*tunnel
		var nodes [][]wireguard.Node
		for _, f := range family.All() {
			w := newTunnel(b, l, f, 1)
			tunnels, nodes = append(tunnels, w), append(nodes, manyNodes(b, w.driver, f, peers))
		}
		start := time.Now()
		for _, w := range tunnels {
			w.apply()
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms/all")
		for _, w := range tunnels { // nobody answers, and new peers are tried a second time
			w.do(func() error { _, err := w.driver.Apply(time.Now().Add(time.Second)); return err })
		}
		var changing time.Duration
		const changes = 50
		for i := range changes {
			for j, w := range tunnels {
				n := nodes[j][i]
				n.Endpoint = n.Endpoint.Next()
				start := time.Now()
				w.driver.PutNode(n)
				w.apply()
				changing += time.Since(start)
			}
		}
		b.ReportMetric(float64(changing.Microseconds())/1000/changes/2, "ms/peer")
		for _, w := range tunnels {
			w.do(func() error { return w.maker.Remove(w.settings.Name) })
		}
	}
}
