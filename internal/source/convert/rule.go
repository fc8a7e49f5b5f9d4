package convert

import (
	"fmt"
	"maps"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// calicoRule converts one rule. ref is its place, broken what validation could not
// understand. ok is false for an Allow rule that cannot be understood: it matches nothing.
func (r *Result) calicoRule(from *api.Rule, namespace string, ref api.RuleRef, broken map[api.RuleRef]conditions) (rule model.Rule, ok bool) {
	c := ruleConverter{result: r, from: from, namespace: namespace, ref: ref, bad: conditions{}}
	maps.Copy(c.bad, broken[ref])
	rule = c.rule()
	switch {
	case len(c.bad) == 0:
		return rule, true
	case from.Action == api.Allow:
		return rule, false
	case from.Action == api.Deny && !c.bad[""]:
		return rule, true
	}
	return model.Rule{Action: model.Deny}, true // a Pass, a Log, or no action at all: closed from here on
}

// ruleConverter converts one rule, and notes in bad each condition that it must leave out.
type ruleConverter struct {
	result    *Result
	from      *api.Rule
	namespace string
	ref       api.RuleRef
	bad       conditions
}

func (c *ruleConverter) rule() model.Rule {
	rule := model.Rule{Action: action(c.from.Action)}
	if v := c.from.IPVersion; v != nil && !c.bad["ipVersion"] {
		rule.Families = family.NewSet(family.Family(*v))
	}
	rule.Protocol = c.protocol("protocol", c.from.Protocol, &rule)
	rule.NotProtocol = c.protocol("notProtocol", c.from.NotProtocol, &rule)
	rule.ICMP = c.icmp("icmp", c.from.ICMP)
	rule.NotICMP = c.icmp("notICMP", c.from.NotICMP)
	if c.from.HTTP != nil {
		c.refuse("http", "", "matches of HTTP requests are not supported")
	}
	rule.Source = c.peer("source", &c.from.Source)
	rule.Destination = c.peer("destination", &c.from.Destination)
	return rule
}

func action(a api.Action) model.Action {
	switch a {
	case api.Allow:
		return model.Allow
	case api.Pass:
		return model.Pass
	case api.Log:
		return model.Log
	}
	return model.Deny
}

// refuse notes a condition that is well formed, but cannot be enforced.
func (c *ruleConverter) refuse(name, value, message string) {
	c.bad[name] = true
	prefix := "spec.ingress"
	if c.ref.Direction == api.PolicyTypeEgress {
		prefix = "spec.egress"
	}
	field := fmt.Sprintf("%s[%d].%s", prefix, c.ref.Index, name)
	c.result.problem(model.Failure, field, value, "%s; %s", message, consequence(c.from))
}

// protocol reads a protocol. An IP version in its place is taken as the rule's IP
// version where validation has found that harmless (a rule that does not allow).
func (c *ruleConverter) protocol(name string, p *api.Protocol, rule *model.Rule) model.Protocol {
	if p == nil || c.bad[name] {
		return model.AnyProtocol
	}
	if v := p.IPVersion(); v != 0 {
		rule.Families = family.NewSet(family.Family(v))
		return model.AnyProtocol
	}
	n, err := p.Number()
	if err != nil {
		c.refuse(name, string(*p), err.Error())
	}
	return model.Protocol(n)
}

func (c *ruleConverter) icmp(name string, f *api.ICMPFields) *model.ICMPMatch {
	if f == nil || f.Type == nil || c.bad[name] {
		return nil
	}
	m := &model.ICMPMatch{Type: uint8(*f.Type)}
	if f.Code != nil {
		code := uint8(*f.Code)
		m.Code = &code
	}
	return m
}
