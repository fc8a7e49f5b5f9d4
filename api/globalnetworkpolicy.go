package api

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GlobalNetworkPolicy is a policy for endpoints of every namespace and of none.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName={gnp,cgnp,calicoglobalnetworkpolicies}
// +kubebuilder:printcolumn:name="Tier",type=string,JSONPath=`.spec.tier`
// +kubebuilder:printcolumn:name="Order",type=number,JSONPath=`.spec.order`
// +kubebuilder:printcolumn:name="Selector",type=string,JSONPath=`.spec.selector`
// +kubebuilder:printcolumn:name="Types",type=string,JSONPath=`.spec.types`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GlobalNetworkPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              GlobalNetworkPolicySpec `json:"spec"`
	// Status is written by Calico's controllers, and not read here.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Status json.RawMessage `json:"status,omitempty"`
}

// GlobalNetworkPolicySpec adds to PolicySpec what only a global policy has.
//
// +kubebuilder:validation:XValidation:rule="!has(self.namespaceSelector) || !self.namespaceSelector.contains('global(')",message="global() stands only in the namespaceSelector of a rule",fieldPath=".namespaceSelector"
// +kubebuilder:validation:XValidation:rule="!(has(self.doNotTrack) && self.doNotTrack && has(self.preDNAT) && self.preDNAT)",message="doNotTrack and preDNAT exclude each other",fieldPath=".preDNAT"
// +kubebuilder:validation:XValidation:rule="!(has(self.doNotTrack) && self.doNotTrack || has(self.preDNAT) && self.preDNAT) || has(self.applyOnForward) && self.applyOnForward",message="must be true where doNotTrack or preDNAT is",fieldPath=".applyOnForward"
// +kubebuilder:validation:XValidation:rule="!(has(self.preDNAT) && self.preDNAT) || (!has(self.egress) || size(self.egress) == 0) && (!has(self.types) || !('Egress' in self.types))",message="a preDNAT policy has no egress",fieldPath=".egress"
// +kubebuilder:validation:XValidation:rule="!has(self.ingress) || self.ingress.all(r, !has(r.source) || !has(r.source.services) || has(r.source.services.__namespace__) && size(r.source.services.__namespace__) > 0)",message="the service of a global policy needs a namespace",fieldPath=".ingress"
// +kubebuilder:validation:XValidation:rule="!has(self.egress) || self.egress.all(r, !has(r.destination) || !has(r.destination.services) || has(r.destination.services.__namespace__) && size(r.destination.services.__namespace__) > 0)",message="the service of a global policy needs a namespace",fieldPath=".egress"
type GlobalNetworkPolicySpec struct {
	PolicySpec `json:",inline"`
	// NamespaceSelector limits the policy to pods of namespaces with these labels; empty: no limit.
	NamespaceSelector Selector `json:"namespaceSelector,omitempty"`
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
