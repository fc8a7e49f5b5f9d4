package api

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IPAMConfig is how Calico's IPAM hands out blocks. projectcalico.org/v3 calls it IPAMConfiguration.
type IPAMConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              IPAMConfigSpec `json:"spec"`
}

// IPAMConfigSpec holds the settings.
type IPAMConfigSpec struct {
	// StrictAffinity keeps nodes from borrowing addresses of each other's blocks; default false.
	StrictAffinity bool `json:"strictAffinity"`
	// AutoAllocateBlocks lets nodes claim blocks by themselves; default true.
	AutoAllocateBlocks *bool `json:"autoAllocateBlocks,omitempty"`
	// MaxBlocksPerHost limits a node's blocks; 0: no limit.
	MaxBlocksPerHost int `json:"maxBlocksPerHost,omitempty"`
	// KubeVirtVMAddressPersistence keeps a virtual machine's addresses over its restarts.
	KubeVirtVMAddressPersistence string `json:"kubeVirtVMAddressPersistence,omitempty"`
}

// Default sets AutoAllocateBlocks.
func (c *IPAMConfig) Default() {
	if c.Spec.AutoAllocateBlocks == nil {
		auto := true
		c.Spec.AutoAllocateBlocks = &auto
	}
}

// Validate checks the limit.
func (c *IPAMConfig) Validate() []FieldError {
	var ps problems
	ps.meta(&c.ObjectMeta)
	if n := c.Spec.MaxBlocksPerHost; n < 0 || n > 1_000_000 {
		ps.add((*path)(nil).at("spec").at("maxBlocksPerHost"), strconv.Itoa(n), "must be from 0 to 1000000")
	}
	return ps
}
