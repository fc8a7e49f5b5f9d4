package dataplane_test

import (
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// spoofed are packets of the web pod from its own addresses, from one of each family that
// its annotation lists, and from others, all to the db pod.
func spoofed(n *nodetest.Node) (flows []flow) {
	for i, source := range []string{"10.65.0.1", "fd00:65::1", "203.0.113.9", "2001:db8:cafe::9", "203.0.114.9", "2001:db8:caff::9", "10.65.0.3", "fd00:65::3"} {
		a := netip.MustParseAddr(source)
		flows = append(flows, flow{from: web, to: db, packet: rules.Packet{
			Source: a, Destination: address(n, db, family.Of(a)), Protocol: model.UDP,
			SourcePort: uint16(100 + i), DestinationPort: 9, HopLimit: 64,
		}})
	}
	return flows
}
