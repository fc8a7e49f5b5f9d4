package api

import (
	"encoding/json"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// DefaultTierOrder is the order of the tier "default", and the only one it may have.
const DefaultTierOrder = 1_000_000

// Tier is a group of policies that decide together: a packet goes through the tiers by their order.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:printcolumn:name="Order",type=number,JSONPath=`.spec.order`
// +kubebuilder:printcolumn:name="Default",type=string,JSONPath=`.spec.defaultAction`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="a tier's name is at most 63 lower case letters, digits and -, without dots"
// +kubebuilder:validation:XValidation:rule="self.metadata.name != 'default' || !has(self.spec.order) || self.spec.order == 1000000.0",message="the default tier's order is 1000000",fieldPath=".spec.order"
// +kubebuilder:validation:XValidation:rule="self.metadata.name != 'default' || !has(self.spec.defaultAction) || self.spec.defaultAction == 'Deny'",message="the default tier's is Deny",fieldPath=".spec.defaultAction"
// +kubebuilder:validation:XValidation:rule="!(self.metadata.name in ['kube-admin', 'kube-baseline']) || !has(self.spec.defaultAction) || self.spec.defaultAction == 'Pass'",message="this tier's is Pass",fieldPath=".spec.defaultAction"
type Tier struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              TierSpec `json:"spec"`
	// Status is written by Calico's controllers, and not read here.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Status json.RawMessage `json:"status,omitempty"`
}

// TierSpec orders the tier among the others and says how it ends.
type TierSpec struct {
	// Order is the tier's place, lowest first. Without one, it comes after those that have one; equals are
	// sorted by name. The tier "default" has 1000000.
	Order *float64 `json:"order,omitempty"`
	// DefaultAction is what happens to a packet of an endpoint that the tier has policies for, when none of
	// them decided: Deny (the default) or Pass.
	//
	// +kubebuilder:validation:Enum=Deny;Pass
	DefaultAction Action `json:"defaultAction,omitempty"`
}

// Default sets the default action, and the order of the default tier.
func (t *Tier) Default() {
	if t.Spec.DefaultAction == "" {
		t.Spec.DefaultAction = Deny
		if passTier(t.Name) {
			t.Spec.DefaultAction = Pass
		}
	}
	if t.Name == DefaultTier && t.Spec.Order == nil {
		order := float64(DefaultTierOrder)
		t.Spec.Order = &order
	}
}

// passTier reports whether the tier is one of the two that hold Kubernetes' cluster network policies.
func passTier(name string) bool { return name == "kube-admin" || name == "kube-baseline" }

// Validate checks the name, which has no dots because it becomes part of the names of policies, and what is
// fixed for the tiers that Calico itself makes.
func (t *Tier) Validate() []FieldError {
	var ps problems
	ps.meta(&t.ObjectMeta)
	ps.tierName((*path)(nil).at("metadata").at("name"), t.Name)
	spec := (*path)(nil).at("spec")
	oneOf(&ps, spec.at("defaultAction"), t.Spec.DefaultAction, Deny, Pass)
	if t.Name == DefaultTier {
		if o := t.Spec.Order; o != nil && *o != DefaultTierOrder {
			ps.add(spec.at("order"), strconv.FormatFloat(*o, 'g', -1, 64), "the default tier's order is 1000000")
		}
		if t.Spec.DefaultAction == Pass {
			ps.add(spec.at("defaultAction"), string(Pass), "the default tier's is Deny")
		}
	}
	if passTier(t.Name) && t.Spec.DefaultAction == Deny {
		ps.add(spec.at("defaultAction"), string(Deny), "this tier's is Pass")
	}
	return ps
}

// tierName checks the name of a tier.
func (ps *problems) tierName(p *path, name string) {
	if name != "" && len(validation.IsDNS1123Label(name)) > 0 {
		ps.add(p, name, "a tier's name is at most 63 lower case letters, digits and -, without dots")
	}
}
