package wireguard

import (
	"net/netip"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// Settings are those of one family's tunnel.
type Settings struct {
	// Carries are the families whose pods' traffic goes through the device: its own, with one
	// tunnel for both families both, and with the tunnel off none.
	Carries family.Set
	// Name of the device.
	Name string
	// Port is the UDP port that this node and, by convention, all others listen on.
	Port uint16
	// MTU of the device, in bytes; never zero when the tunnel is on.
	MTU int
	// Mark is the bit that the device's own packets carry, by which the rule knows them: they
	// go to the other node, not into the tunnel again.
	Mark uint32
	// KeepAlive is the time between keep-alives, to every peer; zero sends none.
	KeepAlive time.Duration
	// Table holds the routes, and Priority is that of the rule that leads there.
	Table    uint32
	Priority uint32
	// Required drops what goes to a node without a key, instead of letting it go in the clear.
	Required bool
	// Addresses are the node's own on the device: one, or with one tunnel for both families up
	// to two.
	Addresses []netip.Addr
}

// Off says that there is to be no tunnel.
func (s Settings) Off() bool { return s.Carries.Empty() }

// The metrics of the routes that decide about a destination, and of those behind them, which drop
// what would otherwise leave in the clear when the device is gone. IPv6 calls its metric 1024 when
// none is given (IP6_RT_PRIO_USER), so the first is the same for both families.
const (
	firstMetric = 1024
	guardMetric = 4096
)
