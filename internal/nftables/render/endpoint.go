package render

import (
	"slices"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// Policies finds a reduced policy of the family; nil for one that is not known.
type Policies func(model.PolicyID) *rules.Policy

// Endpoint is a pod's chains, its entries in the maps, and the sources that it may have.
// Of its policies only the Pass rules matter (see SameToEndpoints).
func (r *Renderer) Endpoint(ep *model.LocalEndpoint, policies Policies) Part {
	var p Part
	if !r.on() {
		return p
	}
	where, err := whereKey().Element(nft.Iface(ep.Interface))
	if err != nil {
		return p // no interface can have such a name
	}
	p.entry(where, pods, nft.Accept())
	for _, way := range []struct {
		direction model.Direction
		dispatch  string
	}{{model.Egress, fromPods}, {model.Ingress, toPods}} {
		p.entry(where, way.dispatch, nft.Jump(endpointChain(ep.Interface, way.direction)))
		r.direction(&p, ep, way.direction, policies)
	}
	r.sources(&p, ep, where)
	return p
}

// sources are the pod's own address and, where the node and the pod's annotation both say
// so, further nets. Those are few pods': each has a chain of its own, as nftables' maps of
// intervals would cost every packet.
func (r *Renderer) sources(p *Part, ep *model.LocalEndpoint, where nft.Element) {
	if a := ep.Addresses.Get(r.family); a.IsValid() {
		if e, err := r.sourceKey().Element(nft.Iface(ep.Interface), nft.Addr(a)); err == nil {
			p.member(r.named(sources), e)
		}
	}
	if !r.settings.AllowSpoofing {
		return
	}
	if nets := rules.Nets(ep.AllowedSources, r.family); len(nets) > 0 {
		chain := grantedChain(ep.Interface)
		p.chain(chain, nft.NewRule(ep.ID.String(), nft.SAddr(r.family).Is(netValues(nets)...), nft.Accept()))
		p.entry(where, granted, nft.Jump(chain))
	}
}

// direction is the chain that the map leads to, with a chain for each tier but the last.
func (r *Renderer) direction(p *Part, ep *model.LocalEndpoint, d model.Direction, policies Policies) {
	var all []nft.Rule
	if d == model.Ingress {
		all = slices.Clone(r.shared.arrival)
	}
	tiers := slices.DeleteFunc(slices.Clone(ep.Tiers), func(t model.TierPolicies) bool {
		return len(t.Policies(d)) == 0
	})
	for i := range tiers {
		t := &tiers[i]
		if i == len(tiers)-1 {
			all = append(all, r.tier(t, d, policies, nft.Accept())...)
			break
		}
		name := tierChain(ep.Interface, t.Name, d)
		p.chain(name, r.tier(t, d, policies, nft.Return())...)
		all = append(all, nft.NewRule("", nft.Jump(name)))
	}
	if len(tiers) == 0 {
		all = append(all, nft.NewRule("no "+d.String()+" policy", nft.Accept()))
	}
	p.chain(endpointChain(ep.Interface, d), all...)
}

// tier is the policies of a tier and its end; pass is the verdict that leaves the tier.
func (r *Renderer) tier(t *model.TierPolicies, d model.Direction, policies Policies, pass nft.Verdict) []nft.Rule {
	var out []nft.Rule
	for _, id := range t.Policies(d) {
		policy := policies(id)
		if policy == nil {
			out = append(out, nft.NewRule(id.String()+" is not known", nft.Drop()))
			continue
		}
		out = append(out, r.jointOf(policy, d, pass)...)
	}
	end := nft.Drop()
	if t.Default == model.Pass {
		end = pass
	}
	return append(out, r.endOf(t.Name, end))
}
