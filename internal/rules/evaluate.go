package rules

import (
	"fmt"

	"github.com/margay-net/margay/internal/model"
)

// Evaluator says what the policies make of a packet. All that it looks at is of one
// family.
type Evaluator struct {
	// Policies are the reduced policies. One that an endpoint names and that is not
	// here denies.
	Policies map[model.PolicyID]*Policy
	Sets     Sets
}

// outcome is what a policy or a tier makes of a packet.
type outcome uint8

const (
	undecided outcome = iota
	allowed
	denied
	passed // on to the next tier
)

// Evaluate says what the endpoint's policies for one direction make of a packet, and
// what had a say in it.
func (e *Evaluator) Evaluate(p *Packet, ep *model.LocalEndpoint, d model.Direction) (bool, []Step) {
	stage := StageIngress
	if d == model.Egress {
		stage = StageEgress
	}
	var steps []Step
	applied := false
	for i := range ep.Tiers {
		t := &ep.Tiers[i]
		if len(t.Policies(d)) == 0 {
			continue
		}
		applied = true
		out, said := e.tier(p, t, d, stage)
		steps = append(steps, said...)
		if out != passed {
			return out == allowed, steps
		}
	}
	reason := "no tier is left: allowed"
	if !applied {
		reason = fmt.Sprintf("no %s policy selects %v: allowed", d, ep.ID)
	}
	return true, append(steps, Step{Stage: stage, Reason: reason})
}

// tier never returns undecided.
func (e *Evaluator) tier(p *Packet, t *model.TierPolicies, d model.Direction, stage Stage) (outcome, []Step) {
	var steps []Step
	for _, id := range t.Policies(d) {
		out, said := e.policy(p, id, d)
		for _, s := range said {
			s.Stage, s.Tier = stage, t.Name
			steps = append(steps, s)
		}
		if out != undecided {
			return out, steps
		}
	}
	end := Step{Stage: stage, Tier: t.Name, Reason: "end of tier: denied"}
	out := denied
	if t.Default == model.Pass {
		end.Reason = "end of tier: passed"
		out = passed
	}
	return out, append(steps, end)
}

func (e *Evaluator) policy(p *Packet, id model.PolicyID, d model.Direction) (outcome, []Step) {
	policy, ok := e.Policies[id]
	if !ok {
		return denied, []Step{{Reason: fmt.Sprintf("%v is not known: denied", id)}}
	}
	var steps []Step
	for i := range policy.Rules(d) {
		r := &policy.Rules(d)[i]
		if !r.Matches(p, e.Sets) {
			continue
		}
		steps = append(steps, Step{Policy: id, Rule: r.Index, Reason: r.Action.String()})
		switch r.Action {
		case model.Allow:
			return allowed, steps
		case model.Pass:
			return passed, steps
		case model.Deny:
			return denied, steps
		}
	}
	return undecided, steps
}
