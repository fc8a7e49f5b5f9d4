package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// Policy is a policy's chains, which the chains of all its endpoints jump to, and the sets of
// nets that its rules name.
func (r *Renderer) Policy(p *rules.Policy) Part {
	var out Part
	if !r.on() {
		return out
	}
	for _, d := range []model.Direction{model.Ingress, model.Egress} {
		if !hasChain(p, d) {
			continue
		}
		var all []iptables.Rule
		for i := range p.Rules(d) {
			all = append(all, r.policyRule(&out, p.ID, &p.Rules(d)[i])...)
		}
		out.chain(iptables.Filter, PolicyChain(p.ID, d), all...)
	}
	return out
}

func hasChain(p *rules.Policy, d model.Direction) bool { return p.Types.Has(d) || len(p.Rules(d)) > 0 }

// policyRule is one rule for each combination of alternatives.
func (r *Renderer) policyRule(p *Part, id model.PolicyID, rule *rules.Rule) []iptables.Rule {
	var do []iptables.Words
	switch rule.Action {
	case model.Allow:
		do = []iptables.Words{iptables.Goto(allowed)}
	case model.Pass:
		do = []iptables.Words{iptables.Goto(passed)}
	case model.Deny:
		do = []iptables.Words{r.deny()}
	case model.Log:
		do = r.log()
	}
	comment := fmt.Sprintf("%v rule %d", id, rule.Index)
	var out []iptables.Rule
	for _, c := range r.matches(p, rule) {
		out = append(out, iptables.NewRule(comment, append(c, do...)...))
	}
	return out
}

// log is what a Log rule does. A packet over the limit goes on unlogged. The kernel has room
// for 29 characters of prefix.
func (r *Renderer) log() []iptables.Words {
	const longest = 29 - len(": ")
	prefix := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '\'' {
			return '?'
		}
		return c
	}, r.settings.LogPrefix)
	line := matching(`-j LOG --log-prefix "%s: "`, prefix[:min(len(prefix), longest)])
	limit := r.settings.LogLimit
	if limit.Count == 0 {
		return []iptables.Words{line}
	}
	unit := map[time.Duration]string{time.Second: "second", time.Minute: "minute", time.Hour: "hour", 24 * time.Hour: "day"}[limit.Per]
	return []iptables.Words{matching("-m limit --limit %d/%s --limit-burst %d", limit.Count, unit, max(limit.Burst, 1)), line}
}
