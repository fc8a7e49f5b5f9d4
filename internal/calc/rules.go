package calc

import (
	"slices"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/selector"
)

// eachUse yields the uses that a policy's rules make of selectors, always in the same
// order, each with the list in the rule that its sets belong in.
func eachUse(v *model.Policy, yield func(u setUse, into *[]model.SetID)) {
	for _, rules := range [][]model.Rule{v.Ingress, v.Egress} {
		for i := range rules {
			r := &rules[i]
			for _, e := range []*model.Peer{&r.Source, &r.Destination} {
				eachUseOf(e, r.Protocol, yield)
			}
		}
	}
}

func eachUseOf(e *model.Peer, protocol model.Protocol, yield func(u setUse, into *[]model.SetID)) {
	if e.Selector != "" {
		yield(setUse{selector: e.Selector}, &e.Sets)
	}
	if e.NotSelector != "" {
		yield(setUse{selector: e.NotSelector}, &e.NotSets)
	}
	whose := e.Selector
	if whose == "" {
		whose = "all()"
	}
	for _, name := range e.NamedPorts {
		yield(setUse{selector: whose, port: name, protocol: protocol}, &e.PortSets)
	}
	for _, name := range e.NotNamedPorts {
		yield(setUse{selector: whose, port: name, protocol: protocol}, &e.NotPortSets)
	}
}

// resolved is the policy as it is handed over, with the sets that its uses stand for.
func (p *policies) resolved(id uint32, v *model.Policy) *model.ActivePolicy {
	refs := p.active[id].refs
	eachUse(v, func(_ setUse, into *[]model.SetID) {
		*into = append(*into, refs[0].ids()...)
		refs = refs[1:]
	})
	return &model.ActivePolicy{ID: p.rows.at(id).key, Tier: v.Tier, Types: v.Types, Ingress: v.Ingress, Egress: v.Egress}
}

// enforceable replaces rules with selectors that cannot be read, which the conversion
// should not have let through, so that nothing is opened: an Allow matches nothing and
// goes; a Deny matches without the selector; at a Pass or a Log, that direction is denied
// from there on.
func (p *policies) enforceable(v *model.Policy) (problems []model.Problem) {
	for _, rules := range []*[]model.Rule{&v.Ingress, &v.Egress} {
		kept := (*rules)[:0]
		for _, r := range *rules {
			bad := append(p.unreadable(&r.Source), p.unreadable(&r.Destination)...)
			problems = append(problems, bad...)
			switch {
			case len(bad) == 0 || r.Action == model.Deny:
				kept = append(kept, r)
			case r.Action != model.Allow:
				kept = append(kept, model.Rule{Action: model.Deny})
			}
			if len(bad) > 0 && r.Action != model.Allow && r.Action != model.Deny {
				break
			}
		}
		*rules = slices.Clip(kept)
	}
	return problems
}

// unreadable takes selectors out of the peer that cannot be read.
func (p *policies) unreadable(e *model.Peer) (problems []model.Problem) {
	for _, text := range []*string{&e.Selector, &e.NotSelector} {
		if *text == "" || p.index.findQuery(*text) != 0 {
			continue
		}
		if _, err := selector.Parse(*text); err != nil {
			problems = append(problems, model.Problem{Severity: model.Failure, Field: "selector", Value: *text, Message: err.Error()})
			*text = ""
		}
	}
	return problems
}
