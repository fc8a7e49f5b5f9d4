package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NetworkSetSpec is a list of nets, CIDRs or addresses of either family, which the set's labels stand for
// in the selectors of rules.
type NetworkSetSpec struct {
	// +kubebuilder:validation:MaxItems=100000
	Nets []Net `json:"nets,omitempty"`
}

// NetworkSet gives labels to nets, for the policies of its namespace and for those that select it by
// namespaceSelector.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName=netsets
// +kubebuilder:printcolumn:name="Nets",type=string,JSONPath=`.spec.nets`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type NetworkSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              NetworkSetSpec `json:"spec"`
}

// Default sets nothing: a network set has no defaults.
func (s *NetworkSet) Default() {}

// Validate checks name, labels and nets.
func (s *NetworkSet) Validate() []FieldError { return s.Spec.validate(&s.ObjectMeta) }

// GlobalNetworkSet gives labels to nets, for global policies and for namespaceSelector "global()".
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:printcolumn:name="Nets",type=string,JSONPath=`.spec.nets`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GlobalNetworkSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              NetworkSetSpec `json:"spec"`
}

// Default sets nothing: a network set has no defaults.
func (s *GlobalNetworkSet) Default() {}

// Validate checks name, labels and nets.
func (s *GlobalNetworkSet) Validate() []FieldError { return s.Spec.validate(&s.ObjectMeta) }

// namespaceLabel is the label that Calico gives to all that is in a namespace.
const namespaceLabel = "projectcalico.org/namespace"

func (s *NetworkSetSpec) validate(meta *metav1.ObjectMeta) []FieldError {
	var ps problems
	ps.meta(meta)
	if v, ok := meta.Labels[namespaceLabel]; ok {
		ps.add((*path)(nil).at("metadata").at("labels").at(namespaceLabel), v,
			"the label is given by the object's namespace, it cannot be set")
	}
	ps.nets((*path)(nil).at("spec").at("nets"), s.Nets)
	return ps
}
