package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Status is what agents say of an object: it is theirs to write, through the subresource of that name.
type Status struct {
	// Conditions are by type; each says since when, and why.
	//
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
