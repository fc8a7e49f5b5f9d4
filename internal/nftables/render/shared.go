package render

import (
	"slices"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// shared remembers the rules that stand in the chains of many pods. Most changes of a pod
// render them again: a policy that comes to apply to all pods of a node would otherwise
// have every rule of every pod made and hashed anew.
type shared struct {
	// arrival is how the chain of a receiving pod begins.
	arrival []nft.Rule
	joints  map[jointKey]jointRules
	ends    map[endKey]nft.Rule
}

// jointKey names what an endpoint's chain holds of a policy: in the last tier, where a
// Pass is an accept, or before.
type jointKey struct {
	policy    model.PolicyID
	direction model.Direction
	pass      nft.Verdict
}

// jointRules are those of one version of the policy.
type jointRules struct {
	of    *rules.Policy
	rules []nft.Rule
}

// endKey names the rule at the end of a tier.
type endKey struct {
	tier string
	do   nft.Verdict
}

func (r *Renderer) newShared() shared {
	return shared{
		arrival: final(slices.Concat(r.tracked(), r.neverForwarded())),
		joints:  map[jointKey]jointRules{},
		ends:    map[endKey]nft.Rule{},
	}
}

// Forget forgets what is remembered of a policy that is gone.
func (r *Renderer) Forget(id model.PolicyID) {
	for _, d := range []model.Direction{model.Ingress, model.Egress} {
		for _, pass := range []nft.Verdict{nft.Accept(), nft.Return()} {
			delete(r.shared.joints, jointKey{id, d, pass})
		}
	}
}

// jointOf is what an endpoint's chain holds of a policy (see joint).
func (r *Renderer) jointOf(p *rules.Policy, d model.Direction, pass nft.Verdict) []nft.Rule {
	key := jointKey{p.ID, d, pass}
	known, ok := r.shared.joints[key]
	if !ok || known.of != p {
		known = jointRules{of: p, rules: final(r.joint(p, d, pass))}
		r.shared.joints[key] = known
	}
	return known.rules
}

// endOf is the rule at the end of a tier.
func (r *Renderer) endOf(tier string, do nft.Verdict) nft.Rule {
	key := endKey{tier, do}
	rule, ok := r.shared.ends[key]
	if !ok {
		rule = nft.NewRule("end of tier "+tier, append(r.counted(nil), do)...).Final()
		r.shared.ends[key] = rule
	}
	return rule
}

func final(in []nft.Rule) []nft.Rule {
	for i := range in {
		in[i] = in[i].Final()
	}
	return in
}
