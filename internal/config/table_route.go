package config

import (
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// ClusterRoutes says which routes to other nodes' blocks the agent programs.
type ClusterRoutes string

// The values of ClusterRoutes.
const (
	ClusterRoutesEnabled  ClusterRoutes = "Enabled"
	ClusterRoutesIPIPOnly ClusterRoutes = "EnabledIPIPOnly"
	ClusterRoutesDisabled ClusterRoutes = "Disabled"
)

// Switch is Felix's way to write on and off where more positions may come.
type Switch string

// The positions of a Switch.
const (
	Enabled  Switch = "Enabled"
	Disabled Switch = "Disabled"
)

// Routes says how the node's routes are made.
type Routes struct {
	// Protocol is the kernel's protocol number on routes to local pods.
	Protocol int
	// Source is the preferred source address of routes to local pods; the zero Addr
	// leaves the choice to the kernel.
	Source family.Pair[netip.Addr]
	// Priority is the metric of routes to pods; a lower one is preferred.
	Priority family.Pair[int]
	// ElevatedPriority is the metric while a pod is migrating to this node.
	ElevatedPriority family.Pair[int]
	// Cluster says which routes to other nodes are programmed.
	Cluster ClusterRoutes
	// RemoveExternal says that routes of others on a pod's interface are removed.
	RemoveExternal bool
	// Off leaves all routes to somebody else.
	Off bool
	// Forwarding is whether the host's forwarding sysctls are switched on.
	Forwarding Switch
	// Tables are the routing tables that the agent may use for itself.
	Tables []TableRange
}

func routeTable() Group {
	return Group{Title: "Routes", Settings: append(routePriorities(), []Setting{{
		Name: "DeviceRouteProtocol", Field: "deviceRouteProtocol", Default: "3",
		Value: as(routeProtocol(), func(s *Settings) *int { return &s.Routes.Protocol }),
		Help:  "Route protocol on the routes to local pods, both families (3 is `boot` in `ip route`).",
	}, {
		Name: "DeviceRouteSourceAddress", Field: "deviceRouteSourceAddress", Value: routeSource(family.V4),
		Help: "Source address of IPv4 routes to local pods. While the node does not have it, the routes stand without it. Unset, the kernel chooses.",
	}, {
		Name: "DeviceRouteSourceAddressIPv6", Field: "deviceRouteSourceAddressIPv6", Value: routeSource(family.V6),
		Help: "Source address of IPv6 routes to local pods, likewise.",
	}, {
		Name: "ProgramClusterRoutes", Field: "programClusterRoutes", Default: "EnabledIPIPOnly",
		Value: as(oneOf(ClusterRoutesIPIPOnly, ClusterRoutesEnabled, ClusterRoutesDisabled),
			func(s *Settings) *ClusterRoutes { return &s.Routes.Cluster }),
		Help: "Whether routes to other nodes' pods are programmed, both families, or left to a BGP daemon. Those of pools with VXLAN always are. " +
			"`EnabledIPIPOnly` adds those of pools with IPIP, `Enabled` those of all other pools.",
	}, {
		Name: "RemoveExternalRoutes", Field: "removeExternalRoutes", Default: "true",
		Value: as(boolean(), func(s *Settings) *bool { return &s.Routes.RemoveExternal }),
		Help:  "Remove routes of others on a known pod's interface, both families. Link-local, kernel and router-advertised routes always stay.",
	}, {
		Name: "RouteSyncDisabled", Field: "routeSyncDisabled", Default: "false",
		Value: as(boolean(), func(s *Settings) *bool { return &s.Routes.Off }),
		Help:  "Leave all routes alone, both families: policy only.",
	}, {
		Name: "IPForwarding", Field: "ipForwarding", Default: "Enabled",
		Value: as(oneOf(Enabled, Disabled), func(s *Settings) *Switch { return &s.Routes.Forwarding }),
		Help:  "Whether the agent switches the host's forwarding on, in each family that is on. `Disabled` leaves the sysctls as they are.",
	}, {
		Name: "RouteTableRanges", Field: "routeTableRanges",
		Value: as(tableRanges(), func(s *Settings) *[]TableRange { return &s.Routes.Tables }),
		Help:  "Routing tables that the agent may use for itself. WireGuard takes the first two, one for each family's device. Unset, they are 1 and 2.",
	}}...)}
}

// routePriorities are the metrics of the two families. Felix's bound is 2^31-2.
func routePriorities() []Setting {
	metric := integer(1, 1<<31-2)
	normal := func(f family.Family) Value {
		return as(metric, func(s *Settings) *int { return s.Routes.Priority.At(f) })
	}
	elevated := func(f family.Family) Value {
		return as(metric, func(s *Settings) *int { return s.Routes.ElevatedPriority.At(f) })
	}
	const noMigrationYet = "live migration of virtual machines is not followed yet"
	return []Setting{{
		Name: "IPv4NormalRoutePriority", Field: "ipv4NormalRoutePriority", Value: normal(family.V4), Default: "1024",
		Help: "Metric of IPv4 routes to pods; the lower one wins.",
	}, {
		Name: "IPv4ElevatedRoutePriority", Field: "ipv4ElevatedRoutePriority", Value: elevated(family.V4), Default: "512",
		Help: "Metric of an IPv4 route to a pod that has just moved here.", NotYet: noMigrationYet,
	}, {
		Name: "IPv6NormalRoutePriority", Field: "ipv6NormalRoutePriority", Value: normal(family.V6), Default: "1024",
		Help: "Metric of IPv6 routes to pods; the lower one wins.",
	}, {
		Name: "IPv6ElevatedRoutePriority", Field: "ipv6ElevatedRoutePriority", Value: elevated(family.V6), Default: "512",
		Help: "Metric of an IPv6 route to a pod that has just moved here.", NotYet: noMigrationYet,
	}}
}

func routeSource(f family.Family) Value {
	return as(address(f), func(s *Settings) *netip.Addr { return s.Routes.Source.At(f) })
}
