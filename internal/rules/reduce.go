package rules

import (
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Reduce is the policy as family f sees it. A rule that no packet of the family can
// match is left out; a condition that every packet of the family meets is left out of
// its rule.
//
// A negative condition that says nothing about the family (notNets with nets of the
// other family only) is met in a Deny, and is not in an Allow, Pass or Log: what is not
// understood never opens anything.
func Reduce(p *model.ActivePolicy, f family.Family) *Policy {
	return &Policy{
		ID:      p.ID,
		Family:  f,
		Tier:    p.Tier,
		Types:   p.Types,
		Ingress: reduceRules(p.Ingress, f),
		Egress:  reduceRules(p.Egress, f),
	}
}

func reduceRules(in []model.Rule, f family.Family) []Rule {
	var out []Rule
	for i := range in {
		if r, ok := reduceRule(&in[i], f); ok {
			r.Index = i
			out = append(out, r)
		}
	}
	return out
}

// truth is what can be said of a condition without seeing a packet.
type truth uint8

const (
	depends truth = iota // on the packet
	always
	never
)

// unsaid is the truth of a negative condition that says nothing about the family.
func unsaid(a model.Action) truth {
	if a == model.Deny {
		return always
	}
	return never
}

// reduceRule returns false for a rule that nothing of the family can match.
func reduceRule(in *model.Rule, f family.Family) (Rule, bool) {
	if !in.Families.Empty() && !in.Families.Has(f) {
		return Rule{}, false
	}
	out := Rule{Action: in.Action, Protocol: in.Protocol, NotProtocol: in.NotProtocol}
	conditions := []func(in *model.Rule, out *Rule, f family.Family) truth{
		reduceICMP, reduceProtocol, reduceNotICMP, // in this order: an ICMP type brings its protocol
		reduceSource, reduceDestination,
	}
	for _, reduce := range conditions {
		if reduce(in, &out, f) == never {
			return Rule{}, false
		}
	}
	return out, true
}

// reduceICMP takes a type without a protocol to mean the family's own ICMP.
func reduceICMP(in *model.Rule, out *Rule, f family.Family) truth {
	if in.ICMP == nil {
		return always
	}
	if in.Protocol != model.AnyProtocol && in.Protocol != ICMPOf(f) {
		return never
	}
	out.Protocol = ICMPOf(f)
	out.ICMP = in.ICMP
	return depends
}

// reduceProtocol takes numbers as they are but for the other family's ICMP. A
// notProtocol of the other family's ICMP is kept: the header of this family can say it.
func reduceProtocol(_ *model.Rule, out *Rule, f family.Family) truth {
	switch {
	case out.Protocol == model.AnyProtocol:
		return depends
	case out.Protocol == ICMPOf(f.Other()), out.Protocol == out.NotProtocol:
		return never
	}
	out.NotProtocol = model.AnyProtocol // said already
	return depends
}

func reduceNotICMP(in *model.Rule, out *Rule, f family.Family) truth {
	switch {
	case in.NotICMP == nil:
		return always
	case out.Protocol == model.AnyProtocol: // which ICMP, it does not say
		return unsaid(in.Action)
	case out.Protocol != ICMPOf(f):
		return always
	}
	out.NotICMP = in.NotICMP
	return depends
}

func reduceSource(in *model.Rule, out *Rule, f family.Family) truth {
	return reduceEnd(&in.Source, out, &out.Source, f)
}

func reduceDestination(in *model.Rule, out *Rule, f family.Family) truth {
	return reduceEnd(&in.Destination, out, &out.Destination, f)
}
