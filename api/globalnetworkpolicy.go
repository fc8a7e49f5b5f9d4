package api

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GlobalNetworkPolicy is a policy for endpoints of every namespace and of none.
type GlobalNetworkPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              GlobalNetworkPolicySpec `json:"spec"`
	// Status is written by Calico's controllers, and not read here.
	Status json.RawMessage `json:"status,omitempty"`
}

// GlobalNetworkPolicySpec adds to PolicySpec what only a global policy has.
type GlobalNetworkPolicySpec struct {
	PolicySpec `json:",inline"`
	// NamespaceSelector limits the policy to pods of namespaces with these labels; empty: no limit.
	NamespaceSelector string `json:"namespaceSelector,omitempty"`
	// DoNotTrack, PreDNAT and ApplyOnForward are for host endpoints: rules ahead of connection tracking,
	// rules ahead of DNAT, and rules for forwarded traffic too. The first two exclude each other and need
	// the third.
	DoNotTrack     bool `json:"doNotTrack,omitempty"`
	PreDNAT        bool `json:"preDNAT,omitempty"`
	ApplyOnForward bool `json:"applyOnForward,omitempty"`
}

// Default sets tier and types.
func (p *GlobalNetworkPolicy) Default() { p.Spec.setDefaults() }

// Validate checks the name, the spec and every rule.
func (p *GlobalNetworkPolicy) Validate() []FieldError {
	var ps problems
	ps.meta(&p.ObjectMeta)
	ps.policy(&p.Spec.PolicySpec, true)
	spec := (*path)(nil).at("spec")
	ps.noGlobal(spec.at("namespaceSelector"), p.Spec.NamespaceSelector)
	if p.Spec.DoNotTrack && p.Spec.PreDNAT {
		ps.add(spec.at("preDNAT"), "true", "excludes doNotTrack, which is set too")
	}
	if (p.Spec.DoNotTrack || p.Spec.PreDNAT) && !p.Spec.ApplyOnForward {
		ps.add(spec.at("applyOnForward"), "false", "must be true where doNotTrack or preDNAT is")
	}
	if p.Spec.PreDNAT {
		ps.noEgress(spec, &p.Spec.PolicySpec)
	}
	return ps
}

// noEgress checks that a pre-DNAT policy is for ingress alone.
func (ps *problems) noEgress(spec *path, s *PolicySpec) {
	if len(s.Egress) > 0 {
		ps.add(spec.at("egress"), "", "a preDNAT policy has no egress rules")
		return
	}
	for i, t := range s.Types {
		if t == PolicyTypeEgress {
			ps.add(spec.at("types").item(i), string(t), "a preDNAT policy has no egress")
		}
	}
}
