package api

import (
	"encoding/json"
	"errors"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BlockAffinity is a node's claim on a block; Calico's IPAM writes it before the block itself.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName={affinity,affinities}
// +kubebuilder:printcolumn:name="CIDR",type=string,JSONPath=`.spec.cidr`
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.spec.node`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type BlockAffinity struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              BlockAffinitySpec `json:"spec"`
}

// BlockAffinitySpec is the claim.
type BlockAffinitySpec struct {
	// State is confirmed, pending, pendingDeletion or empty.
	//
	// +kubebuilder:validation:Enum="";confirmed;pending;pendingDeletion
	State string `json:"state"`
	// Node is the node's name.
	//
	// +kubebuilder:validation:MinLength=1
	Node string `json:"node"`
	// Type is host (the default) or virtual.
	//
	// +kubebuilder:validation:Enum="";host;virtual
	Type string `json:"type,omitempty"`
	// CIDR is the block.
	//
	// +kubebuilder:validation:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self) == cidr(self).masked()",message="not a CIDR without host bits"
	CIDR string `json:"cidr"`
	// Deleted marks a claim on its way out.
	Deleted Flag `json:"deleted,omitempty"`
}

// Flag is a truth value that may also be written as a string: projectcalico.org/v3 has a boolean where
// crd.projectcalico.org/v1 has "true" and "false".
type Flag bool

// UnmarshalJSON takes a boolean, or a string that reads like one; an empty string is false.
func (f *Flag) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		return json.Unmarshal(b, (*bool)(f))
	}
	if s == "" {
		*f = false
		return nil
	}
	v, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("want true or false")
	}
	*f = Flag(v)
	return nil
}

// Default sets the type.
func (a *BlockAffinity) Default() {
	if a.Spec.Type == "" {
		a.Spec.Type = "host"
	}
}

// Validate checks range, node and state.
func (a *BlockAffinity) Validate() []FieldError {
	var ps problems
	ps.meta(&a.ObjectMeta)
	spec := (*path)(nil).at("spec")
	ps.cidr(spec.at("cidr"), a.Spec.CIDR)
	if a.Spec.Node == "" {
		ps.add(spec.at("node"), "", "required")
	}
	oneOf(&ps, spec.at("state"), a.Spec.State, "confirmed", "pending", "pendingDeletion")
	oneOf(&ps, spec.at("type"), a.Spec.Type, "host", "virtual")
	return ps
}
