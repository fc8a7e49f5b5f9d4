package main

import (
	"net/netip"
	"testing"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// tunnelStand is a stand whose agent gives itself tunnel addresses, and what the calculation
// offers it in each family.
func tunnelStand(t *testing.T) (s *stand, offers family.Pair[model.Own]) {
	s = newStand(t)
	s.tunnels.allocate = true
	for _, f := range family.All() {
		a := family.PairOf(netip.MustParseAddr("10.0.1.0"), netip.MustParseAddr("fd00:1::"))
		*offers.At(f) = model.Own{
			Family: f, VXLAN: true, Offer: model.Offer{VXLAN: a.Get(f)},
			VTEP: model.VTEP{Node: "node-1", MAC: model.MAC{0x66, byte(f)}},
		}
	}
	return s, offers
}

func TestTunnelAddressesArePublishedOnceAllIsRead(t *testing.T) {
	s, offers := tunnelStand(t)
	s.see(node("node-1"))
	s.follow(&calc.Batch{Own: []model.Own{offers.Get(family.V4)}})
	s.wantPosted(bothReady) // half of the blocks may be another's
	s.follow(&calc.Batch{InSync: true, Own: []model.Own{offers.Get(family.V6)}})
	s.wantPosted("IPv4VXLANTunnelAddr=10.0.1.0 IPv6VXLANTunnelAddr=fd00:1:: " +
		"VXLANTunnelMACAddr=66:04:00:00:00:00 VXLANTunnelMACAddrV6=66:06:00:00:00:00 " + bothReady)
	s.follow(&calc.Batch{InSync: true})
	s.wantPosted()
	// One family's pool gives VXLAN up, and has IPIP instead.
	s.follow(&calc.Batch{InSync: true, Own: []model.Own{{Family: family.V4, IPIP: true, Offer: model.Offer{IPIP: netip.MustParseAddr("10.0.1.1")}}}})
	s.wantPosted("IPv4IPIPTunnelAddr=10.0.1.1 IPv6VXLANTunnelAddr=fd00:1:: VXLANTunnelMACAddrV6=66:06:00:00:00:00 " + bothReady)
}

// TestARestartTakesNoTunnelAddressBack: what an earlier run has published shows in the node's
// object, and stands until everything has been read again.
func TestARestartTakesNoTunnelAddressBack(t *testing.T) {
	s, offers := tunnelStand(t)
	e := node("node-1", "192.0.2.1/24")
	n := e.Value.(*model.Node)
	n.IPIP = netip.MustParseAddr("10.0.1.1")
	*n.VXLAN.At(family.V6) = model.TunnelEnd{Address: netip.MustParseAddr("fd00:1::5"), MAC: model.MAC{0x66}}
	s.see(e)
	s.wantPosted("IPv4Address=192.0.2.1/24 IPv4IPIPTunnelAddr=10.0.1.1 IPv6VXLANTunnelAddr=fd00:1::5 VXLANTunnelMACAddrV6=66:00:00:00:00:00 " + bothReady)
	s.follow(&calc.Batch{InSync: true, Own: []model.Own{offers.Get(family.V6)}})
	s.wantPosted("IPv4Address=192.0.2.1/24 IPv6VXLANTunnelAddr=fd00:1:: VXLANTunnelMACAddrV6=66:06:00:00:00:00 " + bothReady)
}

// TestWhereSomebodyElseGivesAddresses the agent gives itself none.
func TestWhereSomebodyElseGivesAddresses(t *testing.T) {
	s, offers := tunnelStand(t)
	s.tunnels.allocate = false
	s.see(node("node-1"))
	s.follow(&calc.Batch{InSync: true, Own: []model.Own{offers.Get(family.V4), offers.Get(family.V6)}})
	s.wantPosted(bothReady)
}
