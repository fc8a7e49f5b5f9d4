package routes

import (
	"fmt"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/model"
)

// resolution is what a desired destination means for the kernel at present: a route, or
// the reason why there can be none yet, or (idle) need not be one at all.
type resolution struct {
	route  Route
	reason string
	idle   bool
	// pin is the way to the route's gateway, which must stand before it; zero for none.
	pin Route
}

func waitFor(format string, args ...any) resolution {
	return resolution{reason: fmt.Sprintf(format, args...)}
}

// resolver is all that a resolution depends on.
type resolver struct {
	settings *Settings
	traits   traits
	view     *view
}

// resolve makes a kernel route of a destination. It is pure.
func (r resolver) resolve(m *model.Route, off string) resolution {
	if r.settings.Off {
		return resolution{reason: off, idle: true}
	}
	switch m.Kind {
	case model.RouteLocalPod:
		return r.pod(m)
	case model.RouteBlackhole:
		return resolution{route: Route{
			Destination: m.Destination, Metric: r.traits.metric,
			Type: rtnetlink.Blackhole, Protocol: Protocol,
		}}
	case model.RouteRemote:
		return r.remote(m)
	}
	return waitFor("a kind of route that is not known: %d", m.Kind)
}

func (r resolver) pod(m *model.Route) resolution {
	link, ok := r.view.up(m.Interface)
	if !ok {
		return waitFor("interface %s is not there, or down", m.Interface)
	}
	route := Route{
		Destination: m.Destination, Metric: r.settings.podMetric(),
		Type: rtnetlink.Unicast, Protocol: r.settings.podProtocol(), Scope: r.traits.podScope,
		Link: link.Index,
	}
	if r.sourceThere() {
		route.Source = r.settings.PodSource
	}
	return resolution{route: route}
}

func (r resolver) sourceThere() bool {
	return r.settings.PodSource.IsValid() && r.view.owns(r.settings.PodSource)
}

// remote leads to another node: through a tunnel's device, or straight.
func (r resolver) remote(m *model.Route) resolution {
	if !m.Gateway.IsValid() {
		return waitFor("node %s has no address of this family", m.Node)
	}
	if !r.makes(m.Pool) {
		return resolution{reason: "routes to other nodes are left to others (ProgramClusterRoutes)", idle: true}
	}
	if device, is := r.settings.tunnel(m); is {
		return r.tunnelled(m, device)
	}
	return r.direct(m)
}

// makes says whether routes of pools with an encapsulation are made here.
func (r resolver) makes(pool model.Encapsulation) bool {
	switch pool {
	case model.VXLAN:
		return true
	case model.IPIP:
		return r.settings.IPIPRoutes
	}
	return r.settings.ClusterRoutes
}

// tunnelled leads through the device with the remote end as the next hop, which the kernel
// cannot see to be on its link.
func (r resolver) tunnelled(m *model.Route, device string) resolution {
	if device == "" {
		return waitFor("node %s is reached through %v, which is switched off", m.Node, m.Encapsulation)
	}
	link, ok := r.view.up(device)
	if !ok {
		return waitFor("node %s is reached through %v: interface %s is not there, or down", m.Node, m.Encapsulation, device)
	}
	route := Route{
		Destination: m.Destination, Metric: r.traits.metric,
		Type: rtnetlink.Unicast, Protocol: Protocol, Link: link.Index, Gateway: m.Gateway, OnLink: true,
	}
	if !r.traits.pinsGateways {
		return resolution{route: route}
	}
	pin := route
	pin.Destination, pin.Gateway, pin.OnLink = family.HostPrefix(m.Gateway), netip.Addr{}, false
	if pin.Destination == route.Destination {
		return resolution{route: pin}
	}
	return resolution{route: route, pin: pin}
}

// direct leads straight to the other node: through the interface in whose subnet it is,
// or, where the kernel does not know the nodes' subnet (an address of host length), out
// of the interface of this node's own address, as if it were.
func (r resolver) direct(m *model.Route) resolution {
	route := Route{
		Destination: m.Destination, Metric: r.traits.metric,
		Type: rtnetlink.Unicast, Protocol: Protocol, Gateway: m.Gateway,
	}
	if link, ok := r.view.connected(m.Gateway); ok {
		route.Link = link.Index
		return resolution{route: route}
	}
	if link, ok := r.view.carrier(r.settings.NodeAddress); ok && m.SameSubnet {
		route.Link, route.OnLink = link.Index, true
		return resolution{route: route}
	}
	return waitFor("no interface is in one subnet with node %s, %s", m.Node, m.Gateway)
}

// proxiedGateway is the route that makes the kernel answer for the pods' gateway on a
// node that has no other way there: proxy ARP wants a unicast route out of an interface
// other than the one that the question came from. lo will do, and disturbs nobody: the
// address is link-local, and until now led nowhere.
func (r resolver) proxiedGateway(pods bool) (Route, bool) {
	lo, ok := r.view.up("lo")
	if !ok || !pods || r.settings.Off || !r.traits.proxied.IsValid() || len(r.view.leads) > 0 {
		return Route{}, false
	}
	return Route{
		Destination: family.HostPrefix(r.traits.proxied), Metric: r.traits.metric,
		Type: rtnetlink.Unicast, Protocol: Protocol, Scope: r.traits.podScope, Link: lo.Index,
	}, true
}
