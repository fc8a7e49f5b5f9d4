package calc

import (
	"fmt"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// poolProblems are what is wrong with a pool: another has its range, or it overlaps with what is
// none of the pods'. It is in force all the same, but for the first: of two pools the smaller one
// decides, and the kernel prefers the node's own network, which is nearer.
func (g *Graph) poolProblems(key model.Key) []model.Problem {
	cidr, known := g.poolCIDRs[key]
	if !known {
		return nil
	}
	list := g.pools.problem(key, cidr)
	warn := func(format string, args ...any) {
		list = append(list, model.Problem{
			Severity: model.Warning, Object: key.String(), Field: "spec.cidr", Value: cidr.String(),
			Message: fmt.Sprintf(format, args...),
		})
	}
	if len(list) == 0 {
		if outer, wide := g.pools.outside(cidr); wide.IsValid() {
			warn("lies within %v of %v, whose modes do not hold here", wide, outer)
		}
	}
	own := addressOfNode(g.node(g.own.node), family.OfPrefix(cidr))
	if own.IsValid() && plain(own).Overlaps(cidr) {
		warn("overlaps with this node's own network %v", plain(own))
	}
	for service := range g.ipam.serviceNets.Subnets(cidr) {
		warn("holds %v, the address of a service", service.Addr())
		break
	}
	return list
}

// outside is the smallest pool that a range lies within, other than one with that very range.
func (p *pools) outside(cidr netip.Prefix) (key model.Key, wide netip.Prefix) {
	for other, list := range p.byCIDR {
		if other.Bits() < cidr.Bits() && other.Contains(cidr.Addr()) && (!wide.IsValid() || other.Bits() > wide.Bits()) {
			key, wide = list[0].key, other
		}
	}
	return key, wide
}

// complainOfPools has the problems of all pools found anew.
func (g *Graph) complainOfPools() {
	for key := range g.poolCIDRs {
		g.problems.mark(key)
	}
}

// blockProblems are what is wrong with a block of this node: every agent tells of its own.
func (g *Graph) blockProblems(key model.Key) []model.Problem {
	b := g.own.blocks[key]
	if b == nil || !b.cidr.IsValid() || g.pools.around(b.cidr) != nil {
		return nil
	}
	return []model.Problem{{
		Severity: model.Warning, Object: key.String(), Field: "spec.cidr", Value: b.cidr.String(),
		Message: "lies in no IPPool: its pods are reached without encapsulation, and have no NAT",
	}}
}
