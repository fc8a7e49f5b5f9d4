package render

import (
	"fmt"
	"slices"

	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// Endpoint is a pod's leaves on the trees, and the sources that it may have. The chains that
// the leaves lead to are parts of their own (see Direction), for it is those that policies
// change.
func (r *Renderer) Endpoint(ep *model.LocalEndpoint) Part {
	var p Part
	if !r.on() || !writable(ep.Interface) {
		return p
	}
	name := ep.Interface
	p.leaf(iptables.Filter, fromDispatch, name, iptables.Goto(EndpointChain(name, model.Egress)))
	p.leaf(iptables.Filter, toDispatch, name, iptables.Goto(EndpointChain(name, model.Ingress)))
	p.leaf(iptables.Filter, toKnown, name, back)
	if len(rules.Exchanged(r.family)) > 0 {
		p.leaf(iptables.Raw, fromKnown, name, back)
	}
	r.sources(&p, ep)
	return p
}

// sources are the pod's own address and, where the node and the pod's annotation both say
// so, further nets.
func (r *Renderer) sources(p *Part, ep *model.LocalEndpoint) {
	if a := ep.Addresses.Get(r.family); a.IsValid() {
		p.member(r.named(sources), ipset.Source(a, ep.Interface))
	}
	nets := rules.Nets(ep.AllowedSources, r.family)
	if !r.settings.AllowSpoofing || len(nets) == 0 {
		return
	}
	var may []iptables.Rule
	for _, n := range nets {
		may = append(may, iptables.NewRule(ep.ID.String(), matching("-s %v", n), back))
	}
	chain := grantedChain(ep.Interface)
	p.chain(iptables.Raw, chain, append(may, iptables.NewRule("not the pod's own source", drop))...)
	p.leaf(iptables.Raw, granted, ep.Interface, iptables.Goto(chain))
}

// Direction is the chain that the tree leads to for one direction. A packet that comes back
// from it is allowed. Of its policies it matters what can come out of them, not how (see
// SameToEndpoints).
func (r *Renderer) Direction(ep *model.LocalEndpoint, d model.Direction, policies rules.Finder) Part {
	var p Part
	if !r.on() || !writable(ep.Interface) {
		return p
	}
	var out []iptables.Rule
	if d == model.Ingress {
		out = r.tracked(back)
		if len(rules.NeverForwarded(r.family)) > 0 {
			out = append(out, iptables.NewRule("", iptables.Jump(neverForward)))
		}
	}
	tiers := ep.TiersWith(d)
	end := fmt.Sprintf("%v: no %v policy", ep.ID, d)
	if len(tiers) > 0 {
		end = fmt.Sprintf("%v: allowed", ep.ID)
		out = append(out, r.clearMarks())
	}
	for i, t := range tiers {
		rest, passes := r.tier(t, d, policies)
		out = append(out, rest...)
		if passes && i < len(tiers)-1 {
			out = append(out, r.clearMarks())
		}
	}
	p.chain(iptables.Filter, EndpointChain(ep.Interface, d), append(out, iptables.NewRule(end, back))...)
	return p
}

// tier is the policies of a tier and its end. passes says whether a packet can leave it by
// the pass mark: what follows is then for those only that have not got it.
func (r *Renderer) tier(t *model.TierPolicies, d model.Direction, policies rules.Finder) (out []iptables.Rule, passes bool) {
	rule := func(comment string, words ...iptables.Words) {
		if passes {
			words = slices.Insert(words, 0, r.notPassed())
		}
		out = append(out, iptables.NewRule(comment, words...))
	}
	for _, id := range t.Policies(d) {
		policy := policies(id)
		if policy == nil {
			rule(id.String()+" is not known", r.deny())
			continue
		}
		if !hasChain(policy, d) {
			continue
		}
		rule("", iptables.Jump(PolicyChain(id, d)))
		if can(policy, d, model.Allow) {
			out = append(out, iptables.NewRule("", marked(r.idiom.Marks.Accept), back))
		}
		passes = passes || can(policy, d, model.Pass)
	}
	if t.Default != model.Pass {
		rule("end of tier "+t.Name, r.deny())
	}
	return out, passes
}

func (r *Renderer) notPassed() iptables.Words {
	return matching("-m mark ! --mark %#x/%#x", r.idiom.Marks.Pass, r.idiom.Marks.Pass)
}

// can says whether a policy can do with a packet what the action says.
func can(p *rules.Policy, d model.Direction, a model.Action) bool {
	return slices.ContainsFunc(p.Rules(d), func(rule rules.Rule) bool { return rule.Action == a })
}

// SameToEndpoints says whether the chains of endpoints under a policy stay as they are when
// the policy changes from a to b. Otherwise these endpoints are to be rendered anew, with the
// policy.
func (r *Renderer) SameToEndpoints(a, b *rules.Policy) bool {
	for _, d := range []model.Direction{model.Ingress, model.Egress} {
		if hasChain(a, d) != hasChain(b, d) || can(a, d, model.Allow) != can(b, d, model.Allow) ||
			can(a, d, model.Pass) != can(b, d, model.Pass) {
			return false
		}
	}
	return true
}

// Forget is there for policies that are gone; nothing is remembered of them.
func (r *Renderer) Forget(model.PolicyID) {}
