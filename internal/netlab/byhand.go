package netlab

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// RouteByHand makes the node a router for its pods, without policy: forwarding, routes to the
// node's own pods, and routes to the pods of every other node through that node's address. It
// stands in for an agent where a test is about something else; the demo and the agent's own
// tests never call it. Call it when all nodes and pods are there.
func (n *Node) RouteByHand() error {
	for _, f := range family.All() {
		if err := n.forward(f); err != nil {
			return err
		}
	}
	for _, p := range n.lab.Pods() {
		if p.node == nil {
			continue
		}
		for _, a := range p.spec.Addresses {
			if err := n.routeToPod(p, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// forward turns forwarding on and, in IPv4, makes the node answer for the pods' gateway.
func (n *Node) forward(f family.Family) error {
	if f == family.V6 {
		return n.SetSysctl("net/ipv6/conf/all/forwarding", "1")
	}
	if err := n.SetSysctl("net/ipv4/ip_forward", "1"); err != nil {
		return err
	}
	// Proxy ARP answers only for what the node itself could route elsewhere; a node without a
	// default route could not, so the gateway gets a route of its own.
	return n.AddRoute(family.HostPrefix(Gateway(f)), netip.Addr{}, "lo")
}

func (n *Node) routeToPod(p *Pod, a netip.Addr) error {
	f, to := family.Of(a), family.HostPrefix(a)
	if p.node != n {
		via := p.node.Address(f)
		if !via.IsValid() || !n.Address(f).IsValid() {
			return nil
		}
		return n.AddRoute(to, via, Uplink)
	}
	if f == family.V4 {
		if err := n.answerForGateway(p.spec.Interface); err != nil {
			return err
		}
	}
	if off, err := n.Sysctl("net/ipv6/conf/all/disable_ipv6"); err != nil || (f == family.V6 && off == "1") {
		return err
	}
	return n.AddRoute(to, netip.Addr{}, p.spec.Interface)
}

// answerForGateway turns proxy ARP on for an interface, without the random wait before answers
// that is its default (up to 0.8 s: arp(7), proxy_delay).
func (n *Node) answerForGateway(device string) error {
	return errors.Join(
		n.SetSysctl(fmt.Sprintf("net/ipv4/conf/%s/proxy_arp", device), "1"),
		n.SetSysctl(fmt.Sprintf("net/ipv4/neigh/%s/proxy_delay", device), "0"),
	)
}
