package render

import (
	"slices"
	"time"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// Policy is a policy's chains, which the chains of all its endpoints jump to. Its Pass
// rules are in those (see joint), and cut the policy into several chains.
func (r *Renderer) Policy(p *rules.Policy) Part {
	var out Part
	if !r.on() {
		return out
	}
	for _, d := range []model.Direction{model.Ingress, model.Egress} {
		if !hasChains(p, d) {
			continue
		}
		for i, run := range runs(p.Rules(d)) {
			out.chain(policyChain(p.ID, d, i), r.policyRules(p.ID, run)...)
		}
	}
	return out
}

func hasChains(p *rules.Policy, d model.Direction) bool { return p.Types.Has(d) || len(p.Rules(d)) > 0 }

// runs are the rules before the first Pass, between that and the next, and so on. There is
// always a first run, perhaps an empty one.
func runs(in []rules.Rule) [][]rules.Rule {
	out := [][]rules.Rule{nil}
	for _, rule := range in {
		if rule.Action == model.Pass {
			out = append(out, nil)
			continue
		}
		last := len(out) - 1
		out[last] = append(out[last], rule)
	}
	return out
}

func (r *Renderer) policyRules(id model.PolicyID, in []rules.Rule) []nft.Rule {
	var out []nft.Rule
	for i := range in {
		switch in[i].Action {
		case model.Allow:
			out = append(out, r.policyRule(id, &in[i], nft.Accept())...)
		case model.Deny:
			out = append(out, r.policyRule(id, &in[i], nft.Drop())...)
		case model.Log:
			out = append(out, r.policyRule(id, &in[i], r.log()...)...)
		}
	}
	return out
}

// log are the statements of a Log rule. A packet over the limit goes on unlogged.
func (r *Renderer) log() []nft.Statement {
	line := nft.Log{Prefix: r.settings.LogPrefix + ": "}
	limit := r.settings.LogLimit
	if limit.Count == 0 {
		return []nft.Statement{line}
	}
	return []nft.Statement{
		nft.Limit{Rate: uint64(limit.Count), Per: nft.Unit(limit.Per / time.Second), Burst: uint32(limit.Burst)},
		line,
	}
}

func (r *Renderer) policyRule(id model.PolicyID, rule *rules.Rule, do ...nft.Statement) []nft.Rule {
	var out []nft.Rule
	for _, c := range r.matches(rule) {
		out = append(out, nft.NewRule(id.String(), append(r.counted(c), do...)...))
	}
	return out
}

func (r *Renderer) counted(c conjunction) []nft.Statement {
	if r.settings.Counters {
		return append(c, nft.Count())
	}
	return c
}

// joint is what an endpoint's chain holds of a policy for one direction: a jump to each
// of its chains that has any rules, and between them the Pass rules, which leave the tier
// by the verdict pass.
func (r *Renderer) joint(p *rules.Policy, d model.Direction, pass nft.Verdict) []nft.Rule {
	var out []nft.Rule
	jump := func(n int, run []rules.Rule) {
		if len(run) > 0 || n == 0 && hasChains(p, d) {
			out = append(out, nft.NewRule("", nft.Jump(policyChain(p.ID, d, n))))
		}
	}
	all := runs(p.Rules(d))
	jump(0, all[0])
	n := 0
	for i := range p.Rules(d) {
		if rule := &p.Rules(d)[i]; rule.Action == model.Pass {
			out = append(out, r.policyRule(p.ID, rule, pass)...)
			n++
			jump(n, all[n])
		}
	}
	return out
}

// SameToEndpoints says whether the chains of endpoints under a policy stay as they are
// when the policy changes from a to b, which they do but for its Pass rules. Otherwise
// these endpoints are to be rendered anew, with the policy.
func (r *Renderer) SameToEndpoints(a, b *rules.Policy) bool {
	for _, d := range []model.Direction{model.Ingress, model.Egress} {
		same := slices.EqualFunc(r.joint(a, d, nft.Return()), r.joint(b, d, nft.Return()),
			func(x, y nft.Rule) bool { return x.Hash() == y.Hash() })
		if !same {
			return false
		}
	}
	return true
}
