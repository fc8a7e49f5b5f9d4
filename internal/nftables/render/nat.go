package render

import (
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// postrouting gives packets that leave the pools an address of the node. Rules on ports
// come first: a masquerade without a range keeps the port that the pod chose, which may be
// one of the node's own.
func (r *Renderer) postrouting(p *Part) {
	nat := &r.settings.NAT
	p.Sets = append(p.Sets,
		nft.Set{Name: r.named(natPools), Key: r.addressKey(), Interval: true},
		nft.Set{Name: r.named(allPools), Key: r.addressKey(), Interval: true})
	leaves := []nft.Statement{
		nft.SAddr(r.family).In(r.named(natPools)),
		nft.DAddr(r.family).NotIn(r.named(allPools)),
	}
	if nat.Interface != "" {
		leaves = append([]nft.Statement{nft.OIfName.Is(nft.Iface(nat.Interface))}, leaves...)
	}
	if nat.ExcludeHosts {
		p.Sets = append(p.Sets, nft.Set{Name: r.named(allHosts), Key: r.addressKey()})
		leaves = append(leaves, nft.DAddr(r.family).NotIn(r.named(allHosts)))
	}
	var out []nft.Rule
	give := func(ports nft.PortRange, more ...nft.Statement) {
		out = append(out, nft.NewRule("natOutgoing", append(slices.Concat(leaves, more), r.translate(ports))...))
	}
	ports := nft.PortRange(nat.Ports)
	if udp := nft.PortRange(nat.UDPPorts()); udp != (nft.PortRange{}) {
		give(udp, protocolIs(model.UDP))
	}
	if ports != (nft.PortRange{}) {
		give(ports, protocolIs(model.TCP))
	}
	give(nft.PortRange{})
	p.base("postrouting", nft.NAT, nft.Postrouting, nft.PrioritySrcNAT, out...)
}

func (r *Renderer) translate(ports nft.PortRange) nft.Statement {
	if to := r.settings.NAT.Address.Get(r.family); to.IsValid() {
		return nft.SNAT{To: to, Ports: ports}
	}
	return nft.Masquerade{Ports: ports}
}

// Pool is what a pool adds to the sets that NAT asks.
func (r *Renderer) Pool(pool model.NATPool) Part {
	var p Part
	if !r.on() || family.OfPrefix(pool.CIDR) != r.family {
		return p
	}
	p.nets(r.named(allPools), pool.CIDR)
	if pool.Outgoing {
		p.nets(r.named(natPools), pool.CIDR)
	}
	return p
}

// Host is what a node's address adds to the sets that NAT asks.
func (r *Renderer) Host(h model.Host) Part {
	var p Part
	if r.on() && r.settings.NAT.ExcludeHosts && family.Of(h.Address) == r.family {
		p.member(r.named(allHosts), nft.AddrElement(h.Address))
	}
	return p
}
