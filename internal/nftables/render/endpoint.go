package render

import (
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// Endpoint is a pod's entries in the maps, and the sources that it may have. The chains
// that the entries lead to are parts of their own (see Direction), for it is those that
// policies change.
func (r *Renderer) Endpoint(ep *model.LocalEndpoint) Part {
	var p Part
	if !r.on() {
		return p
	}
	where, err := whereKey().Element(nft.Iface(ep.Interface))
	if err != nil {
		return p // no interface can have such a name
	}
	p.entry(where, pods, nft.Accept())
	p.entry(where, fromPods, nft.Jump(endpointChain(ep.Interface, model.Egress)))
	p.entry(where, toPods, nft.Jump(endpointChain(ep.Interface, model.Ingress)))
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

// Direction is the chain that the map leads to for one direction, with a chain for each
// tier but the last. Of the policies only the Pass rules matter (see SameToEndpoints).
func (r *Renderer) Direction(ep *model.LocalEndpoint, d model.Direction, policies rules.Finder) Part {
	var p Part
	if !r.on() {
		return p
	}
	if _, err := whereKey().Element(nft.Iface(ep.Interface)); err != nil {
		return p
	}
	tiers := ep.TiersWith(d)
	room := len(r.shared.arrival) + len(tiers)
	if n := len(tiers); n > 0 {
		room += len(tiers[n-1].Policies(d))
	}
	all := make([]nft.Rule, 0, room)
	if d == model.Ingress {
		all = append(all, r.shared.arrival...)
	}
	for i, t := range tiers {
		if i == len(tiers)-1 {
			all = r.tier(all, t, d, policies, nft.Accept())
			break
		}
		name := tierChain(ep.Interface, t.Name, d)
		p.chain(name, r.tier(make([]nft.Rule, 0, len(t.Policies(d))+1), t, d, policies, nft.Return())...)
		all = append(all, nft.NewRule("", nft.Jump(name)).Final())
	}
	if len(tiers) == 0 {
		all = append(all, nft.NewRule("no "+d.String()+" policy", nft.Accept()))
	}
	p.chain(endpointChain(ep.Interface, d), all...)
	return p
}

// tier appends the policies of a tier and its end; pass is the verdict that leaves the tier.
func (r *Renderer) tier(out []nft.Rule, t *model.TierPolicies, d model.Direction, policies rules.Finder, pass nft.Verdict) []nft.Rule {
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
