package api

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NetworkPolicy is a policy for the pods of one namespace. It is Calico's kind, not that of
// networking.k8s.io.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName={cnp,caliconetworkpolicy,caliconetworkpolicies}
// +kubebuilder:printcolumn:name="Tier",type=string,JSONPath=`.spec.tier`
// +kubebuilder:printcolumn:name="Order",type=number,JSONPath=`.spec.order`
// +kubebuilder:printcolumn:name="Selector",type=string,JSONPath=`.spec.selector`
// +kubebuilder:printcolumn:name="Types",type=string,JSONPath=`.spec.types`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type NetworkPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              PolicySpec `json:"spec"`
	// Status is written by Calico's controllers, and not read here.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Status json.RawMessage `json:"status,omitempty"`
}

// Default sets tier and types.
func (p *NetworkPolicy) Default() { p.Spec.setDefaults() }

// Validate checks the name, the spec and every rule.
func (p *NetworkPolicy) Validate() []FieldError {
	var ps problems
	ps.meta(&p.ObjectMeta)
	ps.policy(&p.Spec, false)
	return ps
}
