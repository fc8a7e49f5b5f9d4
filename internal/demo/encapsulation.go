package demo

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// Encapsulation says how pods' packets travel between nodes. The zero value is as the manifests
// have it: as they are.
type Encapsulation struct {
	// Kind is empty, "vxlan" or "wireguard".
	Kind string
	// Mode is "Always", which is the default, or "CrossSubnet": then the last node is moved
	// behind a router, and packets are encapsulated only on their way there and back.
	Mode string
}

// complete fills in the default, and refuses what is not known.
func (e Encapsulation) complete() (Encapsulation, error) {
	switch e.Kind {
	case "":
		if e.Mode != "" {
			return e, errors.New("a mode is one of an encapsulation: want ENCAP=vxlan as well")
		}
		return e, nil
	case "vxlan":
	case wireguardKind:
		if e.Mode != "" {
			return e, errors.New("WireGuard has no modes: all that goes to another node is encrypted")
		}
		return e, nil
	default:
		return e, fmt.Errorf("encapsulation %q: want vxlan or wireguard", e.Kind)
	}
	if e.Mode == "" {
		e.Mode = "Always"
	}
	if e.Mode != "Always" && e.Mode != "CrossSubnet" {
		return e, fmt.Errorf("mode %q: want Always or CrossSubnet", e.Mode)
	}
	return e, nil
}

// crosses says whether there is a router.
func (e Encapsulation) crosses() bool { return e.Mode == "CrossSubnet" }

// hides says whether packets between two nodes are to be encapsulated.
func (e Encapsulation) hides(c Cluster, from, to string) bool {
	return e.Kind != "" && (!e.crosses() || (from == c.far()) != (to == c.far()))
}

// far is the node that a router may be put before: the last one.
func (c Cluster) far() string { return c[len(c)-1].Name }

// The other side of the router, and the router's own address on both.
const (
	farLink    = "far"
	routerName = "router"
	routerHost = 254
)

// elsewhere is an address as it would be in the subnet behind the router: the octet before the
// length of the subnet is one more.
func elsewhere(p netip.Prefix) netip.Prefix {
	b := p.Addr().AsSlice()
	b[p.Bits()/8-1]++
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, p.Bits())
}

// gatewayIn is the router's address in the subnet of a node's.
func gatewayIn(p netip.Prefix) netip.Prefix {
	b := p.Masked().Addr().AsSlice()
	b[len(b)-1] = routerHost
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, p.Bits())
}

// behindRouter is the cluster with its last node behind a router, and the router, which is no
// node of the cluster.
func (c Cluster) behindRouter() (moved Cluster, router netlab.NodeSpec) {
	moved = slices.Clone(c)
	last := &moved[len(moved)-1]
	near := last.Addresses
	router = netlab.NodeSpec{Name: routerName, Ports: []netlab.Port{{Link: farLink}}}
	last.Link, last.Addresses = farLink, nil
	for _, a := range near {
		router.Addresses = append(router.Addresses, gatewayIn(a))
		router.Ports[0].Addresses = append(router.Ports[0].Addresses, gatewayIn(elsewhere(a)))
		last.Addresses = append(last.Addresses, elsewhere(a))
	}
	for i := range moved {
		for _, a := range moved[i].Addresses {
			moved[i].Gateways = append(moved[i].Gateways, gatewayIn(a).Addr())
		}
	}
	return moved, router
}

// rewrite has the copied manifests ask for the encapsulation, and say where the last node is.
func (e Encapsulation) rewrite(directory string, c Cluster) error {
	if e.Kind == "" {
		return nil
	}
	replacements := []string{"vxlanMode: Never", "vxlanMode: " + e.Mode}
	if e.Kind == wireguardKind {
		replacements = encrypting()
	}
	if e.crosses() {
		for _, a := range c[len(c)-1].Addresses {
			replacements = append(replacements, a.String(), elsewhere(a).String())
			replacements = append(replacements, "address: "+a.Addr().String()+"\n", "address: "+elsewhere(a).Addr().String()+"\n")
		}
	}
	paths, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// The last line counts as one.
		changed := strings.NewReplacer(replacements...).Replace(strings.TrimRight(string(text), "\n") + "\n")
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// crossing is a way from one node to another, with two pods that packets may be sent between.
type crossing struct {
	family   family.Family
	from, to string // nodes
	sender   string // pod
	receiver string
}

// crossings are one for each pair of nodes and each family.
func (c Cluster) crossings() []crossing {
	var out []crossing
	for _, f := range family.All() {
		for _, from := range c {
			for _, to := range c {
				sender, receiver := podOf(from, f), podOf(to, f)
				if from.Name != to.Name && sender != "" && receiver != "" {
					out = append(out, crossing{f, from.Name, to.Name, sender, receiver})
				}
			}
		}
	}
	return out
}

// podOf is a pod of the node that has an address of the family; one that nothing keeps from
// sending goes first.
func podOf(n netlab.NodeSpec, f family.Family) string {
	for _, p := range n.Pods {
		for _, a := range p.Addresses {
			if family.Of(a) == f {
				return p.Name
			}
		}
	}
	return ""
}
