package schema

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/margay-net/margay/api"
)

// FelixConfiguration is a set of settings: for all nodes under the name "default", for one node under
// "node.<name>", or for the nodes that its nodeSelector picks.
//
// +kubebuilder:resource:scope=Cluster,shortName={felixconfig,felixconfigs}
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="IPv4",type=boolean,JSONPath=`.spec.ipv4Support`
// +kubebuilder:printcolumn:name="IPv6",type=boolean,JSONPath=`.spec.ipv6Support`
// +kubebuilder:printcolumn:name="WireGuard4",type=boolean,JSONPath=`.spec.wireguardEnabled`
// +kubebuilder:printcolumn:name="WireGuard6",type=boolean,JSONPath=`.spec.wireguardEnabledV6`
// +kubebuilder:printcolumn:name="To host",type=string,JSONPath=`.spec.defaultEndpointToHostAction`
// +kubebuilder:printcolumn:name="Log",type=string,JSONPath=`.spec.logSeverityScreen`
// +kubebuilder:printcolumn:name="Nodes",type=string,JSONPath=`.spec.nodeSelector`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type FelixConfiguration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	// Spec has the settings. Those of other versions, and those of Felix's that have no effect here, are kept as
	// they are.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	Spec FelixConfigurationSpec `json:"spec"`
	// Status is what agents say of the settings.
	Status api.Status `json:"status,omitzero"`
}

// FelixConfigurationSpec is the nodes and the settings.
type FelixConfigurationSpec struct {
	// NodeSelector picks the nodes that the settings are for, by their labels.
	//
	// +kubebuilder:validation:MaxLength=1024
	NodeSelector string `json:"nodeSelector,omitempty"`
	Settings     `json:",inline"`
}
