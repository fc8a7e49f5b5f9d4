package dataplane_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// borrowedBlock is b's block, in which a pod of another node has the sixth address.
func borrowedBlock(f family.Family, node string) string {
	r := nodetest.ClusterPods(f, 1)
	return fmt.Sprintf(`apiVersion: crd.projectcalico.org/v1
kind: IPAMBlock
metadata: {name: %s}
spec:
  cidr: '%s'
  affinity: 'host:b'
  allocations: [null, null, null, null, null, 0]
  attributes: [{handle_id: h, secondary: {node: %s, namespace: shop, pod: guest}}]
  unallocated: []
  deleted: false
  strictAffinity: false
`, strings.NewReplacer(".", "-", ":", "-", "/", "-").Replace("b"+r.String()), r, node)
}

// An address that a node has borrowed from another one's block leads to it, and when it moves on, it does so
// with its peer.
func TestWireguardAddressThatMoves(t *testing.T) {
	t.Parallel()
	devices := family.PairOf("wireguard.cali", "wg-v6.cali")
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			c := startOverlay(t, encryptedCluster(family.Both, family.Both, nil))
			for _, at := range []string{"c", "b", "c"} {
				c.Write("borrowed.yaml", borrowedBlock(f, at))
				c.whole()
				c.sessions(nodetest.ClusterNodes()...)
				tap, err := c.Lab.Node(at).TapWire(devices.Get(f))
				if err != nil {
					t.Fatal(err)
				}
				to := nodetest.ClusterPods(f, 1).Addr()
				for range 5 {
					to = to.Next()
				}
				token := netlab.Token()
				p := netlab.Packet{From: c.Address("a", f), To: to, Payload: netlab.Datagram(7, 9, token)}
				if err := c.Pod("a").Transmit(p.Bytes()); err != nil {
					t.Fatal(err)
				}
				if heard, err := tap.Hears(token, 2*time.Second); err != nil || !heard {
					t.Errorf("%v does not come out at %s: %v", to, at, err)
				}
				tap.Close()
			}
		})
	}
}
