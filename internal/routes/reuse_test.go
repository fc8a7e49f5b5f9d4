package routes_test

import (
	"net/netip"
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

// An agent that starts finds the CNI plugin's route to an address's next pod. What the agent
// before it wrote says whose the address was.
func TestAnAddressIsReusedWhileNoAgentRuns(t *testing.T) {
	for _, c := range []struct {
		name, former string
		forgotten    bool
	}{
		{"by a pod on another interface", "cali1", true},
		{"by a pod on another interface, and the old one has gone", "cali7", true},
		{"by nobody: it is the same pod", "cali2", false},
		{"by a pod that is the first to have it", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEachNode(t, func(n *node) {
				n.link("cali1")
				now := n.link("cali2")
				n.each(func(f family.Family, d *routes.Driver) {
					n.stranger(routes.Create, cni(f, 5, now))
					if c.former != "" {
						d.Remember(map[netip.Addr]string{pod(f, 5, "").Destination.Addr(): c.former})
					}
				})
				n.wantPod(5, "cali2")
				n.inSync()
				n.step()
				if c.forgotten {
					n.flushed("at start", "10.244.1.5 not routed", "fd00:244:1::5 fd00:244:1::5/128 dev cali2 proto 3 metric 1024")
				} else {
					n.flushed("at start")
				}
				n.flusher.log = nil
				n.step()
				n.flushed("later")
			})
		})
	}
}

// The pod that had an address may go while no agent runs, and the next one come long after.
func TestAnAddressIsReusedAfterARestart(t *testing.T) {
	onEachNode(t, func(n *node) {
		next := n.link("cali2")
		n.each(func(f family.Family, d *routes.Driver) {
			d.Remember(map[netip.Addr]string{pod(f, 5, "").Destination.Addr(): "cali1"})
		})
		n.inSync()
		n.step()
		n.each(func(f family.Family, _ *routes.Driver) { n.stranger(routes.Create, cni(f, 5, next)) })
		n.step()
		n.wantPod(5, "cali2")
		n.step()
		n.flushed("when it has it", "10.244.1.5 not routed", "fd00:244:1::5 fd00:244:1::5/128 dev cali2 proto 3 metric 1024")
	})
}
