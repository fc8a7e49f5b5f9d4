package api

import "strings"

// Selector is an expression over labels, as package selector reads it. The API server checks that it is made
// of the language's words; whether they make sense together, the agent does.
//
// +kubebuilder:validation:MaxLength=1024
// +kubebuilder:validation:Pattern=`^([ \t\r\n]*([A-Za-z0-9_./-]+|"[^"]*"|'[^']*'|==|!=|!|&&|\|\||[(){},]))*[ \t\r\n]*$`
type Selector = string

// PolicyType is a direction of traffic, as seen from the endpoint.
//
// +kubebuilder:validation:Enum=Ingress;Egress
type PolicyType string

// The directions of traffic.
const (
	PolicyTypeIngress PolicyType = "Ingress"
	PolicyTypeEgress  PolicyType = "Egress"
)

// PolicySpec is what NetworkPolicy and GlobalNetworkPolicy have in common.
//
// +kubebuilder:validation:XValidation:rule="!has(self.selector) || !self.selector.contains('global(')",message="global() stands only in the namespaceSelector of a rule",fieldPath=".selector"
// +kubebuilder:validation:XValidation:rule="!has(self.serviceAccountSelector) || !self.serviceAccountSelector.contains('global(')",message="global() stands only in the namespaceSelector of a rule",fieldPath=".serviceAccountSelector"
// +kubebuilder:validation:XValidation:rule="!has(self.egress) || self.egress.all(r, !has(r.http))",message="http is not for egress rules",fieldPath=".egress"
// +kubebuilder:validation:XValidation:rule="!has(self.ingress) || self.ingress.all(r, !has(r.destination) || !has(r.destination.services))",message="only the source of an ingress rule can be a service",fieldPath=".ingress"
// +kubebuilder:validation:XValidation:rule="!has(self.egress) || self.egress.all(r, !has(r.source) || !has(r.source.services))",message="only the destination of an egress rule can be a service",fieldPath=".egress"
type PolicySpec struct {
	// Tier is the name of the policy's tier; default: "default".
	//
	// +kubebuilder:default=default
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Tier string `json:"tier,omitempty"`
	// Order is the policy's place in its tier, lowest first. Without one, it comes after those that have
	// one; equals are sorted by name.
	Order *float64 `json:"order,omitempty"`
	// Selector picks the endpoints that the policy is for; empty: all of them.
	Selector Selector `json:"selector,omitempty"`
	// ServiceAccountSelector limits them to pods under service accounts with these labels.
	ServiceAccountSelector Selector `json:"serviceAccountSelector,omitempty"`
	// Types are the directions that the policy decides on; traffic of a listed direction that no rule
	// matches is dropped at the end of the tier. Default: those that have rules, Ingress if none has.
	//
	// +listType=set
	// +kubebuilder:validation:MaxItems=2
	Types []PolicyType `json:"types,omitempty"`
	// Ingress are the rules for traffic to the endpoint, the first that matches decides.
	//
	// +kubebuilder:validation:MaxItems=1024
	Ingress []Rule `json:"ingress,omitempty"`
	// Egress are the rules for traffic from the endpoint.
	//
	// +kubebuilder:validation:MaxItems=1024
	Egress []Rule `json:"egress,omitempty"`
	// PerformanceHints never change what the policy does.
	//
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=64
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
