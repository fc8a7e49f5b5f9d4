package dataplane

import (
	"strings"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/ipip"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/routes"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/vxlan"
)

// rulesSettings are the settings as policy looks at them.
func rulesSettings(s *config.Settings) rules.Settings {
	action := map[config.Action]rules.HostAction{config.Accept: rules.HostAccept, config.Return: rules.HostReturn}
	return rules.Settings{
		Families:          s.Families(),
		InterfacePrefixes: s.Interfaces.Prefixes,
		HostAction:        action[s.Policy.EndpointToHost], // anything else drops
		KeepInvalid:       s.Policy.AcceptInvalid,
		AllowSpoofing:     s.Policy.SourceSpoofing == config.SpoofingAny,
		AllowVXLAN:        s.Policy.AllowVXLAN,
		AllowIPIP:         s.Policy.AllowIPIP,
		VXLANPort:         s.VXLAN.Port,
		LogPrefix:         s.Policy.LogPrefix,
		LogLimit:          rules.LogLimit{Count: s.Policy.LogLimit.Count, Per: s.Policy.LogLimit.Per, Burst: s.Policy.LogBurst},
		Counters:          s.Policy.Counters,
		NAT: rules.NAT{
			Address:      s.NAT.Address,
			Ports:        model.PortRange(s.NAT.Ports),
			ReservedUDP:  tunnelPorts(s),
			Interface:    interfacePattern(s.NAT.Interface),
			ExcludeHosts: s.NAT.Exclusions == config.ExcludePoolsAndHosts,
		},
	}
}

// interfacePattern writes a name that stands for all that begin so as nft does: iptables,
// whose spelling the setting has, ends it in a plus.
func interfacePattern(name string) string {
	if start, any := strings.CutSuffix(name, "+"); any {
		return start + "*"
	}
	return name
}

// tunnelPorts are the node's own UDP ports, which masqueraded traffic must not take.
func tunnelPorts(s *config.Settings) []uint16 {
	ports := []uint16{s.VXLAN.Port}
	for _, f := range family.All() {
		if p := s.Wireguard.Port.Get(f); p != 0 {
			ports = append(ports, p)
		}
	}
	return ports
}

// routeSettings are the settings as the routes of one family look at them. own is the
// node's own address of that family, with its subnet.
func routeSettings(s *config.Settings, f family.Family) routes.Settings {
	return routes.Settings{
		Off:               !s.Support.Get(f),
		InterfacePrefixes: s.Interfaces.Prefixes,
		PodProtocol:       uint8(s.Routes.Protocol),
		PodMetric:         uint32(s.Routes.Priority.Get(f)),
		PodSource:         s.Routes.Source.Get(f),
		KeepExternal:      !s.Routes.RemoveExternal,
		ClusterRoutes:     s.Routes.Cluster == config.ClusterRoutesEnabled,
		IPIPRoutes:        s.Routes.Cluster != config.ClusterRoutesDisabled,
		VXLAN:             family.PairOf(vxlan.DeviceName(family.V4), vxlan.DeviceName(family.V6)),
		IPIP:              ipip.Device,
	}
}

// interfaceSettings are the settings as the pods' interfaces of one family look at them.
func interfaceSettings(s *config.Settings, f family.Family) interfaces.Settings {
	return interfaces.Settings{
		Off:               !s.Support.Get(f),
		InterfacePrefixes: s.Interfaces.Prefixes,
		NoForwarding:      s.Routes.Forwarding == config.Disabled,
		Audit:             s.Interfaces.Refresh,
	}
}
