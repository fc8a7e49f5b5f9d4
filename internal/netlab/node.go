package netlab

import (
	"fmt"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// Uplink is the name of every node's device on the link, and of every pod's device.
const Uplink = "eth0"

// NodeSpec says what a node is to be.
type NodeSpec struct {
	// Name, within the lab.
	Name string
	// Link is the name of the link that eth0 is on; empty is the lab's own.
	Link string
	// Addresses of eth0, each with the length of the link's subnet; one family or both.
	Addresses []netip.Prefix
	// Gateways are the next hops of default routes, at most one per family. Without one the
	// node has no default route in that family.
	Gateways []netip.Addr
	// Without is a family that is switched off in this node's kernel.
	Without family.Family
	// MTU of eth0; 0 is 1500.
	MTU int
	// Ports are further devices. A node that has any forwards: it is a router.
	Ports []Port
	// Pods are made together with the node.
	Pods []PodSpec
}

// Node is a node of the lab.
type Node struct {
	*Space
	lab       *Lab
	addresses []netip.Prefix
}

// AddNode makes a node with its pods.
func (l *Lab) AddNode(spec NodeSpec) (*Node, error) {
	s, err := l.newSpace(spec.Name)
	if err != nil {
		return nil, err
	}
	n := &Node{Space: s, lab: l, addresses: spec.Addresses}
	l.mu.Lock()
	l.nodes[spec.Name] = n
	l.mu.Unlock()
	if err := n.plumb(spec); err != nil {
		return nil, fmt.Errorf("node %s: %w", spec.Name, err)
	}
	for _, p := range spec.Pods {
		if _, err := n.AddPod(p); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *Node) plumb(spec NodeSpec) error {
	if err := n.turnOff(spec.Without); err != nil {
		return err
	}
	link, err := n.lab.linkNamed(spec.Link)
	if err != nil {
		return err
	}
	if err := link.attach(n, Uplink, mtuOr1500(spec.MTU), spec.Addresses); err != nil {
		return err
	}
	if err := n.plugPorts(spec); err != nil {
		return err
	}
	for _, gw := range spec.Gateways {
		if err := n.AddRoute(family.Of(gw).Any(), gw, Uplink); err != nil {
			return err
		}
	}
	return nil
}

// Address is the node's address of one family on the link, invalid if it has none.
func (n *Node) Address(f family.Family) netip.Addr { return firstOf(f, n.addresses) }

func firstOf(f family.Family, prefixes []netip.Prefix) netip.Addr {
	for _, p := range prefixes {
		if family.OfPrefix(p) == f {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// SetUplink brings the node's eth0 up or down. Routes through it go with it.
func (n *Node) SetUplink(up bool) error { return n.setUp(Uplink, up) }

func mtuOr1500(mtu int) int {
	if mtu == 0 {
		return 1500
	}
	return mtu
}
