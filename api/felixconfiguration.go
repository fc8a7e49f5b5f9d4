package api

import (
	"encoding/json"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FelixConfiguration is a set of settings: for all nodes under the name "default", for one node under
// "node.<name>", or for the nodes that its nodeSelector picks.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
type FelixConfiguration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	// Spec is the settings by their JSON names, each with its value as written. Package config owns the
	// names, the types and the defaults; an unknown setting is its to report. The API server's definition, which
	// knows the types too, is made of package schema.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Spec map[string]json.RawMessage `json:"spec"`
	// Status is what agents say of the settings.
	Status Status `json:"status,omitzero"`
}

// Default sets nothing: package config owns the defaults.
func (c *FelixConfiguration) Default() {}

// Validate checks the name only: package config checks the settings.
func (c *FelixConfiguration) Validate() []FieldError {
	var ps problems
	ps.meta(&c.ObjectMeta)
	return ps
}

// Node returns the node that the settings are for, by the object's name.
func (c *FelixConfiguration) Node() (string, bool) { return strings.CutPrefix(c.Name, "node.") }

// NodeSelector returns the selector of the nodes that the settings are for; false if there is none, or if
// what stands there is no string.
func (c *FelixConfiguration) NodeSelector() (string, bool) {
	raw, ok := c.Spec["nodeSelector"]
	if !ok {
		return "", false
	}
	var s string
	if json.Unmarshal(raw, &s) != nil || s == "" {
		return "", false
	}
	return s, true
}
