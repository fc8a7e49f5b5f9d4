package netlab

import (
	"fmt"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// Port is a further device of a node, on a link of its own: eth1, eth2, …
type Port struct {
	// Link is the name of the link; it is made if there is none of the name.
	Link string
	// Addresses of the device, each with the length of the link's subnet.
	Addresses []netip.Prefix
}

// linkNamed is the link of that name, made if need be. The empty name is the lab's own link.
func (l *Lab) linkNamed(name string) (*Link, error) {
	if name == "" {
		return l.link, nil
	}
	l.mu.Lock()
	link := l.further[name]
	l.mu.Unlock()
	if link != nil {
		return link, nil
	}
	link, err := l.newLink(name, nil)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.further[name] = link
	return link, nil
}

// plugPorts gives a node its further devices. With any, it forwards between them: it is a
// router.
func (n *Node) plugPorts(spec NodeSpec) error {
	for i, p := range spec.Ports {
		link, err := n.lab.linkNamed(p.Link)
		if err != nil {
			return err
		}
		if err := link.attach(n, fmt.Sprintf("eth%d", i+1), mtuOr1500(spec.MTU), p.Addresses); err != nil {
			return err
		}
		n.addresses = append(n.addresses, p.Addresses...)
	}
	if len(spec.Ports) == 0 {
		return nil
	}
	for _, f := range family.All() {
		if err := n.forward(f); err != nil {
			return err
		}
	}
	return nil
}
