package rules

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Settings are what the node as a whole is told about packets of pods, whatever backend
// carries it out. The zero value is closed: no family is on.
type Settings struct {
	// Families are those switched on; the others' traffic on pod interfaces is dropped.
	Families family.Set
	// InterfacePrefixes tell pod interfaces from all others ("cali").
	InterfacePrefixes []string
	// HostAction is for what a pod sends to its node and its egress policy allows.
	HostAction HostAction
	// KeepInvalid leaves packets that connection tracking calls invalid to the policies
	// instead of dropping them (Felix's DisableConntrackInvalidCheck).
	KeepInvalid bool
	// AllowSpoofing lets pods send from their AllowedSources (WorkloadSourceSpoofing=Any).
	AllowSpoofing bool
	// AllowVXLAN and AllowIPIP let pods send packets of these encapsulations. VXLANPort
	// is the UDP port by which VXLAN is known.
	AllowVXLAN bool
	AllowIPIP  bool
	VXLANPort  uint16
	// LogPrefix starts the kernel's line for a Log rule.
	LogPrefix string
	// LogLimit bounds the lines of each Log rule; a zero Count is no bound.
	LogLimit LogLimit
	// Counters make the rules of policies count packets and bytes.
	Counters bool
	NAT      NAT
}

// LogLimit is Count lines in the time Per, of which Burst may come at once.
type LogLimit struct {
	Count, Burst int
	Per          time.Duration
}

// NAT says how pods' packets are given the node's address on their way out.
type NAT struct {
	// Address is what they are given; an invalid one means the address of the interface
	// that they leave by.
	Address family.Pair[netip.Addr]
	// Ports is the range of source ports to choose from; zero for any.
	Ports model.PortRange
	// ReservedUDP are the node's own UDP ports (VXLAN, WireGuard), never to be chosen.
	ReservedUDP []uint16
	// Interface limits NAT to packets that leave by it; empty for all.
	Interface string
	// ExcludeHosts leaves packets to nodes alone (NATOutgoingExclusions=IPPoolsAndHostIPs).
	ExcludeHosts bool
}

// HostAction is Felix's DefaultEndpointToHostAction.
type HostAction uint8

// HostDrop is the zero value. HostReturn leaves the packet to the host's other tables.
const (
	HostDrop HostAction = iota
	HostAccept
	HostReturn
)

// String is the action as the setting writes it.
func (a HostAction) String() string { return [...]string{"DROP", "ACCEPT", "RETURN"}[a] }

// PodInterface says whether an interface is a pod's, by its name.
func (s *Settings) PodInterface(name string) bool {
	return slices.ContainsFunc(s.InterfacePrefixes, func(p string) bool {
		return strings.HasPrefix(name, p)
	})
}
