package calc

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// pools keeps the IP pools. Of several with one CIDR the one with the smallest key counts.
type pools struct {
	byCIDR map[netip.Prefix][]namedPool
	cidrs  bart.Lite // the same CIDRs
	ledger ledger[netip.Prefix, model.NATPool]
}

type namedPool struct {
	key  model.Key
	pool *model.Pool
}

func (p *pools) add(key model.Key, v *model.Pool) {
	cidr := plain(v.CIDR)
	list := p.byCIDR[cidr]
	i, _ := slices.BinarySearchFunc(list, key, func(n namedPool, k model.Key) int { return n.key.Compare(k) })
	p.byCIDR[cidr] = slices.Insert(list, i, namedPool{key, v})
	p.cidrs.Insert(cidr)
	p.ledger.mark(cidr)
}

func (p *pools) remove(key model.Key, cidr netip.Prefix) {
	list := slices.DeleteFunc(p.byCIDR[cidr], func(n namedPool) bool { return n.key == key })
	if p.byCIDR[cidr] = list; len(list) == 0 {
		delete(p.byCIDR, cidr)
		p.cidrs.Delete(cidr)
	}
	p.ledger.mark(cidr)
}

// around is the smallest pool that holds all of the destination; nil for none.
func (p *pools) around(to netip.Prefix) *model.Pool {
	if cidr, found := p.cidrs.LookupPrefixLPM(to); found {
		return p.byCIDR[cidr][0].pool
	}
	return nil
}

// ask says whether any pool of a family has an encapsulation. Disabled ones have too: pods that
// have an address of such a pool keep it.
func (p *pools) ask(e model.Encapsulation, f family.Family) bool {
	for cidr, list := range p.byCIDR {
		if asks, _ := list[0].pool.Encapsulation(); asks == e && family.OfPrefix(cidr) == f {
			return true
		}
	}
	return false
}

func (p *pools) present(cidr netip.Prefix) (model.NATPool, bool) {
	list := p.byCIDR[cidr]
	if len(list) == 0 {
		return model.NATPool{}, false
	}
	return model.NATPool{CIDR: cidr, Outgoing: list[0].pool.NATOutgoing}, true
}

// problem is said about a pool that does not count because another has its CIDR.
func (p *pools) problem(key model.Key, cidr netip.Prefix) []model.Problem {
	if list := p.byCIDR[cidr]; len(list) > 0 && list[0].key != key {
		return []model.Problem{{
			Severity: model.Failure, Object: key.String(), Field: "spec.cidr", Value: cidr.String(),
			Message: "has no effect: " + list[0].key.String() + " has the same CIDR",
		}}
	}
	return nil
}

func (p *pools) flush(b *Batch) {
	changed, gone := p.ledger.settle(p.present)
	slices.SortFunc(changed, comparePrefixes)
	slices.SortFunc(gone, comparePrefixes)
	for _, cidr := range changed {
		b.Pools = append(b.Pools, p.ledger.sent[cidr])
	}
	b.PoolsGone = gone
}
