package netlab

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// PodSpec says what a pod is to be.
type PodSpec struct {
	// Name, within the lab: "name" or "namespace/name".
	Name string
	// Interface is the name of the host's end of the veth pair; by default the one that
	// Calico's CNI plugin gives it, see InterfaceOf.
	Interface string
	// Addresses of the pod; either family, or both, several of one family too.
	Addresses []netip.Addr
	// Gateways are the pod's next hops; one per family, by default Gateway of that family.
	Gateways []netip.Addr
	// Without is a family that is switched off in the pod's kernel, as some container
	// runtimes do it.
	Without family.Family
	// MTU of both ends; 0 is 1500.
	MTU int
	// Unplugged makes the pod without its veth pair; Plug adds that.
	Unplugged bool
}

// Pod is a pod of the lab.
type Pod struct {
	*Space
	lab  *Lab
	spec PodSpec
	node *Node // nil while unplugged
}

// HostMAC is the hardware address that Calico's CNI plugin gives every host-side interface.
func HostMAC() net.HardwareAddr { return net.HardwareAddr{0xee, 0xee, 0xee, 0xee, 0xee, 0xee} }

// Gateway is the next hop that Calico gives its pods. In IPv4 it is an address that nobody has
// and proxy ARP answers for; in IPv6 it is the link-local address that the kernel itself makes
// from HostMAC (RFC 4291 appendix A: EUI-64 with the universal bit inverted).
func Gateway(f family.Family) netip.Addr {
	if f == family.V4 {
		return netip.AddrFrom4([4]byte{169, 254, 1, 1})
	}
	return netip.MustParseAddr("fe80::ecee:eeff:feee:eeee")
}

// InterfaceOf is the name that Calico's CNI plugin gives the host's end of a pod's veth pair:
// "cali" and the first 11 hexadecimal digits of the SHA-1 of "namespace.name".
func InterfaceOf(namespace, name string) string {
	sum := sha1.Sum([]byte(namespace + "." + name))
	return "cali" + hex.EncodeToString(sum[:])[:11]
}

// AddPod makes a pod on the node.
func (n *Node) AddPod(spec PodSpec) (*Pod, error) {
	if spec.Interface == "" {
		namespace, name, found := strings.Cut(spec.Name, "/")
		if !found {
			namespace, name = "default", spec.Name
		}
		spec.Interface = InterfaceOf(namespace, name)
	}
	s, err := n.lab.newSpace(spec.Name)
	if err != nil {
		return nil, err
	}
	p := &Pod{Space: s, lab: n.lab, spec: spec}
	n.lab.mu.Lock()
	n.lab.pods[spec.Name] = p
	n.lab.mu.Unlock()
	if err := p.turnOff(spec.Without); err != nil {
		return nil, fmt.Errorf("pod %s: %w", spec.Name, err)
	}
	if spec.Unplugged {
		return p, nil
	}
	return p, p.Plug(n)
}

// Interface is the name of the host's end of the pod's veth pair.
func (p *Pod) Interface() string { return p.spec.Interface }

// Addresses are the pod's addresses as its PodSpec has them.
func (p *Pod) Addresses() []netip.Addr { return p.spec.Addresses }

// Address is the pod's first address of one family, invalid if it has none.
func (p *Pod) Address(f family.Family) netip.Addr {
	for _, a := range p.spec.Addresses {
		if family.Of(a) == f {
			return a
		}
	}
	return netip.Addr{}
}

// Node is the node that the pod is plugged into, nil if none.
func (p *Pod) Node() *Node { return p.node }

// Plug makes the veth pair between an unplugged pod and a node, and configures the pod's end as
// the CNI plugin does; like that it returns when the link-local addresses are usable. The host's
// end is up and otherwise as the kernel made it: its routes and settings are the agent's to make.
func (p *Pod) Plug(n *Node) error {
	if p.node != nil {
		return fmt.Errorf("pod %s: already plugged into %s", p.name, p.node.name)
	}
	if err := joinByVeth(n.Space, p.spec.Interface, HostMAC(), p.Space, Uplink, mtuOr1500(p.spec.MTU)); err != nil {
		return err
	}
	p.node = n
	if err := p.configure(); err != nil {
		return err
	}
	if err := n.setUp(p.spec.Interface, true); err != nil {
		return err
	}
	return errors.Join(n.awaitReady(p.spec.Interface), p.awaitReady(Uplink))
}

// configure gives the pod's end its addresses, each alone in its subnet, and its default routes.
func (p *Pod) configure() error {
	hosts := make([]netip.Prefix, len(p.spec.Addresses))
	for i, a := range p.spec.Addresses {
		hosts[i] = family.HostPrefix(a)
	}
	if err := p.addressAndRaise(Uplink, hosts); err != nil {
		return err
	}
	for _, f := range family.All() {
		if !p.Address(f).IsValid() {
			continue
		}
		gw := p.gateway(f)
		if err := p.AddRoute(family.HostPrefix(gw), netip.Addr{}, Uplink); err != nil {
			return err
		}
		if err := p.AddRoute(f.Any(), gw, Uplink); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pod) gateway(f family.Family) netip.Addr {
	for _, gw := range p.spec.Gateways {
		if family.Of(gw) == f {
			return gw
		}
	}
	return Gateway(f)
}

// Unplug deletes the veth pair; the pod stays and can be plugged in again, here or elsewhere.
func (p *Pod) Unplug() error {
	if p.node == nil {
		return fmt.Errorf("pod %s: not plugged in", p.name)
	}
	n := p.node
	p.node = nil
	return n.deleteDevice(p.spec.Interface)
}

// Remove deletes the pod, its veth pair included.
func (p *Pod) Remove() error {
	l := p.lab
	var errs []error
	if p.node != nil {
		errs = append(errs, p.Unplug())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pods, p.name)
	p.close()
	if l.options.Named {
		errs = append(errs, removeName(l.options.Prefix+fileName(p.name)))
	}
	return errors.Join(errs...)
}

// SetHostEnd brings the host's end of the veth pair up or down.
func (p *Pod) SetHostEnd(up bool) error { return p.node.setUp(p.spec.Interface, up) }

// SetPodEnd brings the pod's end of the veth pair up or down.
func (p *Pod) SetPodEnd(up bool) error { return p.setUp(Uplink, up) }
