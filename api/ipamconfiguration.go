package api

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IPAMConfiguration is how Calico's IPAM hands out blocks. crd.projectcalico.org/v1 calls it IPAMConfig.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=ipamconfig
// +kubebuilder:printcolumn:name="Strict",type=boolean,JSONPath=`.spec.strictAffinity`,description="Nodes do not borrow addresses of each other's blocks"
// +kubebuilder:printcolumn:name="Auto",type=boolean,JSONPath=`.spec.autoAllocateBlocks`,description="Nodes claim blocks by themselves"
// +kubebuilder:printcolumn:name="Max blocks",type=integer,JSONPath=`.spec.maxBlocksPerHost`,description="Most blocks of a node, 0 for no limit"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type IPAMConfiguration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              IPAMConfigurationSpec `json:"spec"`
}

// IPAMConfigurationSpec holds the settings.
type IPAMConfigurationSpec struct {
	// StrictAffinity keeps nodes from borrowing addresses of each other's blocks; default false.
	//
	// +kubebuilder:default=false
	// +optional
	StrictAffinity bool `json:"strictAffinity"`
	// AutoAllocateBlocks lets nodes claim blocks by themselves; default true.
	//
	// +kubebuilder:default=true
	AutoAllocateBlocks *bool `json:"autoAllocateBlocks,omitempty"`
	// MaxBlocksPerHost limits a node's blocks; 0: no limit.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	MaxBlocksPerHost int `json:"maxBlocksPerHost,omitempty"`
	// KubeVirtVMAddressPersistence keeps a virtual machine's addresses over its restarts.
	KubeVirtVMAddressPersistence string `json:"kubeVirtVMAddressPersistence,omitempty"`
}

// Default sets AutoAllocateBlocks.
func (c *IPAMConfiguration) Default() {
	if c.Spec.AutoAllocateBlocks == nil {
		auto := true
		c.Spec.AutoAllocateBlocks = &auto
	}
}

// Validate checks the limit.
func (c *IPAMConfiguration) Validate() []FieldError {
	var ps problems
	ps.meta(&c.ObjectMeta)
	if n := c.Spec.MaxBlocksPerHost; n < 0 || n > 1_000_000 {
		ps.add((*path)(nil).at("spec").at("maxBlocksPerHost"), strconv.Itoa(n), "must be from 0 to 1000000")
	}
	return ps
}
