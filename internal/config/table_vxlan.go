package config

import (
	"net/netip"
	"regexp"

	"github.com/margay-net/margay/internal/family"
)

// MTU says how the MTU of tunnels and pods is found.
type MTU struct {
	// Interfaces matches the host's interfaces whose smallest MTU counts.
	Interfaces *regexp.Regexp
	// File tells the CNI plugin the pods' MTU. RequireFile makes it a condition of readiness.
	File        string
	RequireFile bool
}

func mtuTable() Group {
	return Group{Title: "MTU", Settings: []Setting{{
		Name: "MTUIfacePattern", Field: "mtuIfacePattern",
		Default: "^((en|wl|ww|sl|ib)[Pcopsvx].*|(eth|wlan|wwan).*)",
		Value:   as(pattern(), func(s *Settings) **regexp.Regexp { return &s.MTU.Interfaces }),
		Help: "Interfaces of the host whose smallest MTU counts if the node's own address says nothing of it: " +
			"if no interface has that address, or a loopback one.",
		Differs: "the MTU is that of the interface which has the node's address of the family; Felix looks at names only.",
	}, {
		Name: "MTUFile", Default: "/var/lib/calico/mtu",
		Value:   as(path(), func(s *Settings) *string { return &s.MTU.File }),
		Help:    "Where the CNI plugin reads the pods' MTU.",
		Differs: "Margay's own: Felix has no other place.",
	}, {
		Name: "RequireMTUFile", Field: "requireMTUFile", Default: "false",
		Value: as(boolean(), func(s *Settings) *bool { return &s.MTU.RequireFile }),
		Help:  "Not ready until the pods' MTU is written for the CNI plugin.",
	}}}
}

// Underlay says over which family VXLAN packets travel.
type Underlay string

// UnderlayPerFamily gives each family a tunnel of its own.
const UnderlayPerFamily Underlay = "PerFamily"

// UnderlayOf is one tunnel for both families, over family f.
func UnderlayOf(f family.Family) Underlay { return Underlay(f.String()) }

// Family is the one family that the packets of both travel over; 0 if each has its own tunnel.
func (u Underlay) Family() family.Family {
	for _, f := range family.All() {
		if u == UnderlayOf(f) {
			return f
		}
	}
	return 0
}

// VXLAN is the VXLAN tunnels, a device per family of the underlay.
type VXLAN struct {
	// Underlay says whether the families have a tunnel each, or one for both.
	Underlay Underlay
	// Enabled overrides what the pools ask for, for IPv4 as in Felix.
	Enabled Toggle
	// Port and VNI are the same in both families.
	Port uint16
	VNI  int
	// MTU is the device's, in bytes; 0 is automatic.
	MTU family.Pair[int]
	// BrokenOffload: network cards get the checksums of what is in the packets wrong.
	BrokenOffload bool
	// External are nets outside the cluster that tunnelled packets may come from.
	External []netip.Prefix
}

func vxlanTable() Group {
	device := func(f family.Family) Value {
		return as(mtu(f), func(s *Settings) *int { return s.VXLAN.MTU.At(f) })
	}
	return Group{Title: "VXLAN", Settings: []Setting{{
		Name: "VXLANUnderlay", Field: "vxlanUnderlay", Default: string(UnderlayPerFamily),
		Value: as(oneOf(UnderlayPerFamily, UnderlayOf(family.V4), UnderlayOf(family.V6)), func(s *Settings) *Underlay { return &s.VXLAN.Underlay }),
		Help: "The family that VXLAN packets travel over: each pod address family its own, in a device each, or one family for both, in one device. " +
			"With `IPv6`, IPv4 pods reach each other across nodes that have IPv6 addresses only. To be the same on all nodes.",
		Differs: "Margay's own: Felix has a device per family.",
	}, {
		Name: "VXLANEnabled", Field: "vxlanEnabled",
		Value: as(toggle(), func(s *Settings) *Toggle { return &s.VXLAN.Enabled }),
		Help:  "Make the IPv4 VXLAN device, or never. Unset, it is there when a pool wants it, as for IPv6.",
	}, {
		Name: "VXLANPort", Field: "vxlanPort", Default: "4789",
		Value: as(port(1), func(s *Settings) *uint16 { return &s.VXLAN.Port }),
		Help:  "UDP port, both families. Pods may not send to it, and outgoing NAT never picks it as a source.",
	}, {
		Name: "VXLANVNI", Field: "vxlanVNI", Default: "4096",
		Value: as(integer(1, 1<<24-1), func(s *Settings) *int { return &s.VXLAN.VNI }),
		Help:  "Network identifier, both families.",
	}, {
		Name: "VXLANMTU", Field: "vxlanMTU", Value: device(family.V4), Default: "0",
		Help: "MTU of the IPv4 device. 0 is 50 less than the host's.",
	}, {
		Name: "VXLANMTUV6", Field: "vxlanMTUV6", Value: device(family.V6), Default: "0",
		Help: "MTU of the IPv6 device. 0 is 70 less than the host's.",
	}, {
		Name: "FeatureDetectOverride", Field: "featureDetectOverride",
		Value: as(brokenOffload(), func(s *Settings) *bool { return &s.VXLAN.BrokenOffload }),
		Help: "`ChecksumOffloadBroken=true` has the checksums inside of VXLAN packets made in software, for network cards " +
			"that get them wrong: TCP through the tunnel then stalls, ping does not.",
		Differs: "of Felix's names this one alone means something; what else the kernel can do is found out by asking it.",
	}, {
		Name: "ExternalNodesCIDRList", Field: "externalNodesList",
		Value:   as(prefixes(), func(s *Settings) *[]netip.Prefix { return &s.VXLAN.External }),
		Help:    "Nets outside the cluster that tunnelled packets are taken from.",
		Differs: "Felix takes IPv4 nets only.",
	}}}
}

// IPIP is the IPIP tunnel, which carries IPv4 over IPv4 only.
type IPIP struct {
	// Enabled overrides what the pools ask for.
	Enabled Toggle
	// MTU is the device's, in bytes; 0 is automatic.
	MTU int
}

func ipipTable() Group {
	return Group{Title: "IPIP", Settings: []Setting{{
		Name: "IpInIpEnabled", Field: "ipipEnabled",
		Value: as(toggle(), func(s *Settings) *Toggle { return &s.IPIP.Enabled }),
		Help:  "Make the IPIP device `tunl0`, or never. Unset, it is there when an IPv4 pool wants it.",
	}, {
		Name: "IpInIpMtu", Field: "ipipMTU", Default: "0",
		Value: as(mtu(family.V4), func(s *Settings) *int { return &s.IPIP.MTU }),
		Help:  "MTU of the IPIP device. 0 is 20 less than the host's.",
	}}}
}
