package api

import "strings"

// PolicyType is a direction of traffic, as seen from the endpoint.
type PolicyType string

// The directions of traffic.
const (
	PolicyTypeIngress PolicyType = "Ingress"
	PolicyTypeEgress  PolicyType = "Egress"
)

// PolicySpec is what NetworkPolicy and GlobalNetworkPolicy have in common.
type PolicySpec struct {
	// Tier is the name of the policy's tier; default: "default".
	Tier string `json:"tier,omitempty"`
	// Order is the policy's place in its tier, lowest first. Without one, it comes after those that have
	// one; equals are sorted by name.
	Order *float64 `json:"order,omitempty"`
	// Selector picks the endpoints that the policy is for; empty: all of them.
	Selector string `json:"selector,omitempty"`
	// ServiceAccountSelector limits them to pods under service accounts with these labels.
	ServiceAccountSelector string `json:"serviceAccountSelector,omitempty"`
	// Types are the directions that the policy decides on; traffic of a listed direction that no rule
	// matches is dropped at the end of the tier. Default: those that have rules, Ingress if none has.
	Types   []PolicyType `json:"types,omitempty"`
	Ingress []Rule       `json:"ingress,omitempty"`
	Egress  []Rule       `json:"egress,omitempty"`
	// PerformanceHints never change what the policy does.
	PerformanceHints []string `json:"performanceHints,omitempty"`
}

func (s *PolicySpec) setDefaults() {
	if s.Tier == "" {
		s.Tier = DefaultTier
	}
	if len(s.Types) > 0 {
		return
	}
	if len(s.Ingress) > 0 || len(s.Egress) == 0 {
		s.Types = append(s.Types, PolicyTypeIngress)
	}
	if len(s.Egress) > 0 {
		s.Types = append(s.Types, PolicyTypeEgress)
	}
}

// SplitTierName takes apart the name of a policy of crd.projectcalico.org/v1, which is "<tier>.<name>", and
// returns the name that the same policy has in projectcalico.org/v3. The tier is that of the spec, or
// without one, the name's first label. False means that the name is not of that form: it is returned whole.
func SplitTierName(specTier, name string) (tier, short string, ok bool) {
	prefix, rest, dotted := strings.Cut(name, ".")
	tier = specTier
	if tier == "" {
		tier = DefaultTier
		if dotted {
			tier = prefix
		}
	}
	if !dotted || prefix != tier || rest == "" {
		return tier, name, false
	}
	return tier, rest, true
}
