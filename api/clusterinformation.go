package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ClusterInformation is what Calico's components tell each other about the cluster, under the name
// "default".
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=clusterinformations,scope=Cluster,shortName=clusterinfo
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.clusterType`
// +kubebuilder:printcolumn:name="Calico",type=string,JSONPath=`.spec.calicoVersion`
// +kubebuilder:printcolumn:name="Ready",type=boolean,JSONPath=`.spec.datastoreReady`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ClusterInformation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ClusterInformationSpec `json:"spec"`
}

// ClusterInformationSpec identifies the cluster.
type ClusterInformationSpec struct {
	ClusterGUID   string `json:"clusterGUID,omitempty"`
	ClusterType   string `json:"clusterType,omitempty"`
	CalicoVersion string `json:"calicoVersion,omitempty"`
	// DatastoreReady is false while the datastore is being migrated and must not be acted upon; nil: ready.
	DatastoreReady *bool  `json:"datastoreReady,omitempty"`
	Variant        string `json:"variant,omitempty"`
}

// Default sets nothing.
func (c *ClusterInformation) Default() {}

// Validate checks the name.
func (c *ClusterInformation) Validate() []FieldError {
	var ps problems
	ps.meta(&c.ObjectMeta)
	return ps
}
