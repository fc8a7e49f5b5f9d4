package convert

import (
	"fmt"
	"strings"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/selector"
)

// networkPolicy converts Calico's policy for the pods of one namespace.
func networkPolicy(p *api.NetworkPolicy, invalid []api.FieldError) Result {
	r := result(model.KindPolicy, p.Namespace, p.Name, nil)
	return r.calicoPolicy(&p.Spec, p.Namespace, invalid,
		inNamespace(p.Namespace),
		has(selector.Parse(p.Spec.Selector)),
		serviceAccounts(p.Spec.ServiceAccountSelector))
}

// globalNetworkPolicy converts Calico's policy for all namespaces. Those for host
// endpoints alone select no pod, and are no more than reported.
func globalNetworkPolicy(p *api.GlobalNetworkPolicy, invalid []api.FieldError) Result {
	r := result(model.KindGlobalPolicy, "", p.Name, nil)
	if p.Spec.DoNotTrack || p.Spec.PreDNAT {
		field := "spec.doNotTrack"
		if p.Spec.PreDNAT {
			field = "spec.preDNAT"
		}
		r.invalid(invalid)
		r.problem(model.Warning, field, "true", "host endpoints are not supported yet; the policy selects no pod and has no effect")
		return r
	}
	if p.Spec.ApplyOnForward {
		r.problem(model.Warning, "spec.applyOnForward", "true", "host endpoints are not supported yet; the policy applies to pods only")
	}
	namespaces := has(selector.All(), nil)
	if p.Spec.NamespaceSelector != "" {
		namespaces = has(selector.ParseIn(selector.Namespaces, p.Spec.NamespaceSelector))
	}
	return r.calicoPolicy(&p.Spec.PolicySpec, "", invalid,
		namespaces,
		has(selector.Parse(p.Spec.Selector)),
		serviceAccounts(p.Spec.ServiceAccountSelector))
}

// serviceAccounts selects the pods of service accounts with these labels; all, if none
// are named.
func serviceAccounts(text string) part {
	if text == "" {
		return has(selector.All(), nil)
	}
	return has(selector.ParseIn(selector.ServiceAccounts, text))
}

// calicoPolicy converts what both kinds of Calico's policies have in common. subject are
// the parts of the selector of endpoints.
func (r Result) calicoPolicy(s *api.PolicySpec, namespace string, invalid []api.FieldError, subject ...part) Result {
	broken, rest := brokenParts(invalid)
	r.invalid(rest)
	for _, e := range invalid {
		if _, inRule := e.Rule(); inRule {
			r.ruleProblem(s, e)
		}
	}
	selects, err := allOf(subject...)
	if err != nil {
		r.unreadable("spec.selector", s.Selector, "%v", err)
		return r
	}
	v := &model.Policy{Tier: s.Tier, Order: model.Unordered(), Selector: selects.String()}
	if v.Tier == "" {
		v.Tier = model.DefaultTier
	}
	if s.Order != nil {
		v.Order = *s.Order
	}
	r.Value = v
	if r.Unreadable {
		deny(v)
		return r
	}
	for _, t := range s.Types {
		v.Types = v.Types.With(direction(t))
	}
	v.Ingress = r.calicoRules(s.Ingress, namespace, api.PolicyTypeIngress, broken)
	v.Egress = r.calicoRules(s.Egress, namespace, api.PolicyTypeEgress, broken)
	return r
}

// calicoRules converts the rules of one direction.
func (r *Result) calicoRules(from []api.Rule, namespace string, d api.PolicyType, broken map[api.RuleRef]conditions) []model.Rule {
	var rules []model.Rule
	for i := range from {
		if rule, ok := r.calicoRule(&from[i], namespace, api.RuleRef{Direction: d, Index: i}, broken); ok {
			rules = append(rules, rule)
		}
	}
	return rules
}

// deny makes the policy deny all that it selects: it stands for one of which no more
// can be read.
func deny(p *model.Policy) {
	p.Types = p.Types.With(model.Ingress).With(model.Egress)
	p.Ingress = []model.Rule{{Action: model.Deny}}
	p.Egress = []model.Rule{{Action: model.Deny}}
}

func direction(t api.PolicyType) model.Direction {
	if t == api.PolicyTypeEgress {
		return model.Egress
	}
	return model.Ingress
}

// conditions are the names of the conditions of one rule that cannot be understood, such
// as "protocol" or "source.nets"; the empty name is the rule itself.
type conditions map[string]bool

// brokenParts sorts the problems of a policy into those of single rules, by the
// condition that they break, and the others.
func brokenParts(invalid []api.FieldError) (map[api.RuleRef]conditions, []api.FieldError) {
	broken := map[api.RuleRef]conditions{}
	var rest []api.FieldError
	for _, e := range invalid {
		ref, inRule := e.Rule()
		if !inRule {
			rest = append(rest, e)
			continue
		}
		if e.Warning {
			continue
		}
		if broken[ref] == nil {
			broken[ref] = conditions{}
		}
		broken[ref][condition(e.Field)] = true
	}
	return broken, rest
}

// condition is the part of the rule that a field path leads into.
func condition(field string) string {
	_, inner, _ := strings.Cut(field, "].")
	parts := strings.SplitN(inner, ".", 3)
	if len(parts) > 1 && (parts[0] == "source" || parts[0] == "destination") {
		return parts[0] + "." + withoutIndex(parts[1])
	}
	return withoutIndex(parts[0])
}

func withoutIndex(name string) string {
	name, _, _ = strings.Cut(name, "[")
	return name
}

// ruleProblem reports a problem of one rule, and what it does to the rule.
func (r *Result) ruleProblem(s *api.PolicySpec, e api.FieldError) {
	if e.Warning {
		r.problem(model.Warning, e.Field, e.Value, "%s", e.Message)
		return
	}
	ref, _ := e.Rule()
	r.problem(model.Failure, e.Field, e.Value, "%s; %s", e.Message, consequence(ruleAt(s, ref)))
}

func ruleAt(s *api.PolicySpec, ref api.RuleRef) *api.Rule {
	rules := s.Ingress
	if ref.Direction == api.PolicyTypeEgress {
		rules = s.Egress
	}
	if ref.Index < len(rules) {
		return &rules[ref.Index]
	}
	return &api.Rule{}
}

// consequence says what becomes of a rule that cannot be understood as a whole.
func consequence(rule *api.Rule) string {
	switch rule.Action {
	case api.Allow:
		return "the rule allows nothing"
	case api.Deny:
		return "the rule denies without regard to it"
	}
	return fmt.Sprintf("everything is denied from this rule on (%s)", actionName(rule.Action))
}

func actionName(a api.Action) string {
	if a == "" {
		return "no action"
	}
	return string(a)
}
