package routes_test

import (
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/routes"
)

// The CNI plugin leads an address to its next pod before we hear of either: the route stands
// already, as IPv6's is equal to ours, and the connections of the pod before are forgotten all
// the same.
func TestAnAddressIsReusedBehindOurBack(t *testing.T) {
	onEachNode(t, func(n *node) {
		n.inSync()
		n.link("cali1")
		next := n.link("cali2")
		n.wantPod(5, "cali1")
		n.step()
		n.flusher.log = nil
		n.each(func(f family.Family, _ *routes.Driver) { n.stranger(routes.Replace, cni(f, 5, next)) })
		n.wantPod(5, "cali2")
		n.step()
		n.flushed("reused", "10.244.1.5 not routed", "fd00:244:1::5 fd00:244:1::5/128 dev cali2 proto 3 metric 1024")
		n.step()
		n.flushed("later")
	})
}
