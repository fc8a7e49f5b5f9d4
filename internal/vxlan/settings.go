package vxlan

import (
	"time"

	"github.com/margay-net/margay/internal/family"
)

// Settings are what may change while a Driver runs. The zero value is the default.
type Settings struct {
	// Off: there is to be no device.
	Off bool
	// VNI is the network's identifier (VXLANVNI); 0 means 4096.
	VNI uint32
	// Port is the UDP port (VXLANPort); 0 means 4789.
	Port uint16
	// MTU is the device's, in bytes (VXLANMTU, VXLANMTUV6); 0 means what the parent link
	// leaves over. More than that the kernel refuses: then it is that, and a condition.
	MTU int
	// FallbackMTU is taken for the parent's where the node's address is on a loopback
	// interface, which says nothing of what leaves the node; 0 means 1500.
	FallbackMTU int
	// BrokenOffload has checksums made in software (ChecksumOffloadBroken in
	// FeatureDetectOverride).
	BrokenOffload bool
	// Audit is how often the device's sysctls are looked at, of which the kernel does not
	// tell (InterfaceRefreshInterval); 0 is never.
	Audit time.Duration
}

func (s Settings) vni() uint32 {
	if s.VNI == 0 {
		return 4096
	}
	return s.VNI
}

func (s Settings) port() uint16 {
	if s.Port == 0 {
		return 4789
	}
	return s.Port
}

// DeviceName is the name of the device over an underlay family, as Felix has it.
func DeviceName(underlay family.Family) string {
	p := family.PairOf("vxlan.calico", "vxlan-v6.calico")
	return p.Get(underlay)
}

// Overhead is what the outer headers take of the underlay's MTU, in bytes: IP, UDP, VXLAN
// and the inner Ethernet header, 50 over IPv4 and 70 over IPv6, whatever is inside.
func Overhead(underlay family.Family) int {
	p := family.PairOf(20, 40)
	return p.Get(underlay) + 8 + 8 + 14
}

// MinimumIPv6MTU is what every link that carries IPv6 must take (RFC 8200, section 5). On a
// link with less, the kernel has no IPv6 at all.
const MinimumIPv6MTU = 1280
