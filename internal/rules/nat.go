package rules

import (
	"math"
	"slices"

	"github.com/margay-net/margay/internal/model"
)

// UDPPorts is the largest range of source ports, within the one asked for, that has none of
// the node's own: backends take one range only. Zero means that any port will do. Where all
// that is asked for is reserved, what is reserved counts and the range does not.
func (n *NAT) UDPPorts() model.PortRange {
	if len(n.ReservedUDP) == 0 {
		return n.Ports
	}
	unprivileged := model.PortRange{First: 1024, Last: math.MaxUint16}
	for _, within := range []model.PortRange{n.Ports, unprivileged} {
		if within == (model.PortRange{}) {
			continue
		}
		if free, ok := largestGap(within, n.ReservedUDP); ok {
			return free
		}
	}
	return unprivileged
}

func largestGap(within model.PortRange, reserved []uint16) (model.PortRange, bool) {
	first, best, size := int(within.First), model.PortRange{}, 0
	take := func(before int) {
		if before-first > size {
			best, size = model.PortRange{First: uint16(first), Last: uint16(before - 1)}, before-first
		}
	}
	for _, port := range slices.Sorted(slices.Values(reserved)) {
		if port < within.First || port > within.Last {
			continue
		}
		take(int(port))
		first = int(port) + 1
	}
	take(int(within.Last) + 1)
	return best, size > 0
}
