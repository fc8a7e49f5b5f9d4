package routes

import (
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Settings are what may change while a Driver runs. The zero value is the default.
type Settings struct {
	// Off: the family is switched off. No route is desired; those that stand are removed.
	Off bool
	// InterfacePrefixes are how the names of pod interfaces begin (InterfacePrefix);
	// none means "cali".
	InterfacePrefixes []string
	// PodProtocol is the protocol of routes to pods (DeviceRouteProtocol); 0 means 3.
	PodProtocol uint8
	// PodMetric is their metric (IPv4NormalRoutePriority, IPv6NormalRoutePriority);
	// 0 means 1024.
	PodMetric uint32
	// PodSource is their preferred source address (DeviceRouteSourceAddress,
	// DeviceRouteSourceAddressIPv6). While the node does not have it, the routes go in
	// without.
	PodSource netip.Addr
	// KeepExternal leaves routes on pod interfaces that do not have PodProtocol
	// (RemoveExternalRoutes set to false).
	KeepExternal bool
	// ClusterRoutes: routes to other nodes' blocks are made here, not by a routing daemon, if
	// their pool has no encapsulation; IPIPRoutes likewise, if it has IPIP
	// (ProgramClusterRoutes). Those of pools with VXLAN always are.
	ClusterRoutes bool
	IPIPRoutes    bool
	// VXLAN names the VXLAN device over each family of underlay, IPIP the IPIP device. Routes
	// wait for devices that are not there; with no name they need not be there at all.
	VXLAN family.Pair[string]
	IPIP  string
	// NodeAddress is this node's own address. It says which interface leads to the other
	// nodes of its subnet, should the kernel not know that subnet.
	NodeAddress netip.Addr
}

func (s *Settings) podProtocol() uint8 {
	if s.PodProtocol == 0 {
		return unix.RTPROT_BOOT
	}
	return s.PodProtocol
}

func (s *Settings) podMetric() uint32 {
	if s.PodMetric == 0 {
		return 1024
	}
	return s.PodMetric
}

// tunnel is the name of the device that carries the route's packets; false for a route without
// encapsulation.
func (s *Settings) tunnel(m *model.Route) (name string, is bool) {
	switch {
	case m.Kind != model.RouteRemote:
		return "", false
	case m.Encapsulation == model.VXLAN && m.Underlay != 0:
		return s.VXLAN.Get(m.Underlay), true
	case m.Encapsulation != model.NoEncapsulation:
		return s.IPIP, true
	}
	return "", false
}

// isTunnel says whether a device of that name carries packets to other nodes.
func (s *Settings) isTunnel(name string) bool {
	return name != "" && (name == s.IPIP || name == s.VXLAN.Get(family.V4) || name == s.VXLAN.Get(family.V6))
}

// isPod says whether an interface of that name is the host's end of a pod's.
func (s *Settings) isPod(name string) bool {
	if len(s.InterfacePrefixes) == 0 {
		return strings.HasPrefix(name, "cali")
	}
	for _, p := range s.InterfacePrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// traits are what the kernel does differently for the two families.
type traits struct {
	// metric is that of a route for which none is given. IPv6 has no metric zero
	// (IP6_RT_PRIO_USER, include/uapi/linux/ipv6_route.h).
	metric uint32
	// podScope is the scope of a route without a gateway.
	podScope uint8
	// pinsGateways: a tunnel route's gateway gets a route of its own to the device. IPv6 refuses
	// an onlink route while its gateway resolves to another device by anything but the default
	// route (ip6_route_check_nh_onlink, net/ipv6/route.c): a block that changes from direct to
	// VXLAN holds its own gateway.
	pinsGateways bool
	// proxied is the pods' gateway that the kernel answers for only while it could
	// route it elsewhere; invalid if there is none such.
	proxied netip.Addr
}

func traitsOf(f family.Family) traits {
	p := family.PairOf(
		traits{metric: 0, podScope: unix.RT_SCOPE_LINK, proxied: netip.AddrFrom4([4]byte{169, 254, 1, 1})},
		traits{metric: 1024, pinsGateways: true},
	)
	return p.Get(f)
}
