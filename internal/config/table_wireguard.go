package config

import (
	"time"

	"github.com/margay-net/margay/internal/family"
)

// WireguardBackend says where the device is.
type WireguardBackend string

// The values of WireguardBackend.
const (
	WireguardAuto      WireguardBackend = "Auto"
	WireguardKernel    WireguardBackend = "Kernel"
	WireguardUserspace WireguardBackend = "Userspace"
)

// Wireguard is the WireGuard tunnels, a device per family.
type Wireguard struct {
	Enabled   family.Pair[bool]
	Interface family.Pair[string]
	Port      family.Pair[uint16]
	// MTU is the device's, in bytes; 0 is automatic.
	MTU family.Pair[int]
	// RulePriority is that of the ip rule that sends packets to the tunnel.
	RulePriority int
	// KeepAlive is the time between keep-alives; 0 sends none.
	KeepAlive time.Duration
	// HostEncryption encrypts traffic between the nodes themselves too.
	HostEncryption bool
	// Backend says where the device is, Required that what cannot be encrypted is dropped.
	Backend  WireguardBackend
	Required bool
	// StateDirectory keeps the private keys; empty for none.
	StateDirectory string
	// Threading switches threaded NAPI on for the device.
	Threading bool
}

func wireguardTable() Group {
	rows := append(wireguardDevice(family.V4, ""), wireguardDevice(family.V6, "V6")...)
	return Group{Title: "WireGuard", Settings: append(rows, []Setting{{
		Name: "WireguardRoutingRulePriority", Field: "wireguardRoutingRulePriority", Default: "99",
		Value: as(integer(1, 32765), func(s *Settings) *int { return &s.Wireguard.RulePriority }),
		Help:  "Priority of the routing rule for the tunnel, both families.",
	}, {
		Name: "WireguardPersistentKeepAlive", Field: "wireguardKeepAlive", Default: "0",
		Value: as(duration(time.Second), func(s *Settings) *time.Duration { return &s.Wireguard.KeepAlive }),
		Help:  "Time between keep-alives, both families; 0 sends none.",
	}, {
		Name: "WireguardHostEncryptionEnabled", Field: "wireguardHostEncryptionEnabled", Default: "false", NotYet: "traffic from and to the nodes themselves is not encrypted",
		Value: as(boolean(), func(s *Settings) *bool { return &s.Wireguard.HostEncryption }),
		Help:  "Encrypt traffic between the nodes themselves too, both families.",
	}, {
		Name: "WireguardThreadingEnabled", Field: "wireguardThreadingEnabled", Default: "false", NotYet: "the devices are made without threaded NAPI",
		Value: as(boolean(), func(s *Settings) *bool { return &s.Wireguard.Threading }),
		Help:  "Use threaded NAPI on the devices, both families.",
	}, {
		Name: "WireguardBackend", Field: "wireguardBackend", Default: string(WireguardAuto),
		Value: as(oneOf(WireguardAuto, WireguardKernel, WireguardUserspace), func(s *Settings) *WireguardBackend { return &s.Wireguard.Backend }),
		Help: "Where the devices are, both families: the kernel's own, or in user space in the agent's process, where packets cost several times as much " +
			"and the tunnel is down while no agent runs. `Auto` takes the kernel's where it has them.",
		Differs: "Margay's own: Felix needs the kernel's.",
	}, {
		Name: "WireguardRequired", Field: "wireguardRequired", Default: "false",
		Value:   as(boolean(), func(s *Settings) *bool { return &s.Wireguard.Required }),
		Help:    "Drop what goes to pods of nodes that have published no key, both families, instead of sending it in the clear.",
		Differs: "Margay's own: Felix sends it in the clear.",
	}, {
		Name:  "WireguardStateDirectory",
		Value: as(path(), func(s *Settings) *string { return &s.Wireguard.StateDirectory }),
		Help: "Where private keys are kept, so that a restart of the node does not change them: files of mode 0600. Unset, they live in the device only: " +
			"one in the kernel keeps its key until the node restarts, one in user space until the agent does.",
		Differs: "Margay's own: Felix makes new keys.",
	}}...)}
}

// wireguardDevice are the settings that each family's device has its own of. Felix
// names the IPv6 ones by a suffix.
func wireguardDevice(f family.Family, suffix string) []Setting {
	name := map[family.Family]string{family.V4: "wireguard.cali", family.V6: "wg-v6.cali"}[f]
	listen := map[family.Family]string{family.V4: "51820", family.V6: "51821"}[f]
	overhead := map[family.Family]string{family.V4: "60", family.V6: "80"}[f]
	return []Setting{{
		Name: "WireguardEnabled" + suffix, Field: "wireguardEnabled" + suffix, Default: "false",
		Value: as(boolean(), func(s *Settings) *bool { return s.Wireguard.Enabled.At(f) }),
		Help:  "Encrypt " + f.String() + " traffic between pods of different nodes.",
	}, {
		Name: "WireguardInterfaceName" + suffix, Field: "wireguardInterfaceName" + suffix, Default: name,
		Value: as(interfaceName(), func(s *Settings) *string { return s.Wireguard.Interface.At(f) }),
		Help:  "Name of the " + f.String() + " device.",
	}, {
		Name: "WireguardListeningPort" + suffix, Field: "wireguardListeningPort" + suffix, Default: listen,
		Value: as(port(1), func(s *Settings) *uint16 { return s.Wireguard.Port.At(f) }),
		Help:  "UDP port of the " + f.String() + " device. Outgoing NAT never picks it as a source.",
	}, {
		Name: "WireguardMTU" + suffix, Field: "wireguardMTU" + suffix, Default: "0",
		Value: as(mtu(f), func(s *Settings) *int { return s.Wireguard.MTU.At(f) }),
		Help:  "MTU of the " + f.String() + " device. 0 is " + overhead + " less than the host's.",
	}}
}
