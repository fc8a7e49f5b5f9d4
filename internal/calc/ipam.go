package calc

import (
	"net/netip"

	"github.com/gaissmai/bart"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// ipam is what is known about addresses apart from pods: where they may lie, and who else
// has them.
type ipam struct {
	pools      map[model.Key]netip.Prefix
	nodes      map[uint32]*model.Node // by the number of the node's name
	ofNodes    map[address]int
	services   map[model.Key]*model.Service
	ofServices map[address]int
	// serviceNets holds the same addresses.
	serviceNets bart.Lite
	// blocks counts the blocks of each CIDR; coverage holds the same CIDRs.
	blocks   map[netip.Prefix]int
	coverage bart.Lite
	standing map[string][]netip.Prefix // CNI plugin's routes, by interface
	// interfaceOf names the interface of a pod of this node; empty for other pods.
	interfaceOf func(pod uint32) string
}

func newIPAM() *ipam {
	return &ipam{
		pools:      map[model.Key]netip.Prefix{},
		nodes:      map[uint32]*model.Node{},
		ofNodes:    map[address]int{},
		services:   map[model.Key]*model.Service{},
		ofServices: map[address]int{},
		blocks:     map[netip.Prefix]int{},
		standing:   map[string][]netip.Prefix{},
	}
}

// taken says who has the address, if it is not a pod.
func (i *ipam) taken(a address) string {
	switch {
	case i.ofNodes[a] > 0:
		return "a node"
	case i.ofServices[a] > 0:
		return "a service"
	}
	return ""
}

func (i *ipam) covered(a netip.Addr) bool { return i.coverage.Lookup(a) }

func (i *ipam) inPool(a netip.Addr) bool {
	for _, cidr := range i.pools {
		if cidr.Contains(a) {
			return true
		}
	}
	return false
}

func (i *ipam) inPodCIDR(node uint32, a netip.Addr) bool {
	n := i.nodes[node]
	return n != nil && contains(n.PodCIDRs, a)
}

// standsAt says whether the CNI plugin's route to the address stands on the interface of
// this very pod.
func (i *ipam) standsAt(pod uint32, a netip.Addr) bool {
	name := i.interfaceOf(pod)
	if name == "" {
		return false
	}
	for _, to := range i.standing[name] {
		if to == family.HostPrefix(a) {
			return true
		}
	}
	return false
}

func contains(nets []netip.Prefix, a netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// cover counts a block's CIDR, or with -1 discounts it.
func (i *ipam) cover(cidr netip.Prefix, by int) {
	if !cidr.IsValid() {
		return
	}
	i.blocks[cidr] += by
	if i.blocks[cidr] > 0 {
		i.coverage.Insert(cidr)
		return
	}
	delete(i.blocks, cidr)
	i.coverage.Delete(cidr)
}

// addressesOf are a node's own addresses, and those of its tunnels.
func addressesOf(n *model.Node) (out []address) {
	if n == nil {
		return nil
	}
	for _, f := range family.All() {
		for _, a := range []netip.Addr{n.Addresses.Get(f).Addr(), n.VXLAN.Get(f).Address, n.Wireguard.Get(f).Address} {
			if a.IsValid() {
				out = append(out, addressOf(a))
			}
		}
	}
	if n.IPIP.IsValid() {
		out = append(out, addressOf(n.IPIP))
	}
	return out
}

// serviceAddresses are a service's addresses.
func serviceAddresses(s *model.Service) (out []address) {
	if s == nil {
		return nil
	}
	for _, a := range s.Addresses {
		if a.IsValid() {
			out = append(out, addressOf(a))
		}
	}
	return out
}

// count adds to the counts of the addresses and takes off those of others, and yields
// each whose count may have changed from or to nothing.
func count(counts map[address]int, add, remove []address, yield func(address)) {
	for _, a := range add {
		counts[a]++
	}
	for _, a := range remove {
		if counts[a]--; counts[a] == 0 {
			delete(counts, a)
		}
	}
	for _, list := range [][]address{add, remove} {
		for _, a := range list {
			yield(a)
		}
	}
}
