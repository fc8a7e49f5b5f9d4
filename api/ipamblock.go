package api

import (
	"iter"
	"net/netip"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IPAMBlock is a part of a pool that one node assigns addresses from, with what it has assigned.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:printcolumn:name="CIDR",type=string,JSONPath=`.spec.cidr`
// +kubebuilder:printcolumn:name="Affinity",type=string,JSONPath=`.spec.affinity`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type IPAMBlock struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              IPAMBlockSpec `json:"spec"`
}

// IPAMBlockSpec is the block's range, owner and allocations.
type IPAMBlockSpec struct {
	// CIDR is of either family, with the pool's block size.
	//
	// +kubebuilder:validation:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self) == cidr(self).masked()",message="not a CIDR without host bits"
	CIDR string `json:"cidr"`
	// Affinity is "host:<node>" or "virtual:<name>"; nil: the block is nobody's.
	//
	// +kubebuilder:validation:Pattern=`^(host|virtual):.+$`
	Affinity *string `json:"affinity,omitempty"`
	// AffinityClaimTime is when the node took the block.
	AffinityClaimTime *metav1.Time `json:"affinityClaimTime,omitempty"`
	// Allocations has an element for every address of the block, in order: nil if it is free, else the
	// place in Attributes of what is known about it. (The generator of definitions has no way to say that
	// elements may be null.)
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Allocations []*int `json:"allocations"`
	// Unallocated are the free ordinals in the order of their next use.
	Unallocated []int `json:"unallocated"`
	// Attributes say what the allocations are for.
	Attributes []AllocationAttribute `json:"attributes"`
	// SequenceNumber and its per-allocation copies serve Calico's IPAM only.
	SequenceNumber              uint64            `json:"sequenceNumber,omitempty"`
	SequenceNumberForAllocation map[string]uint64 `json:"sequenceNumberForAllocation,omitempty"`
	// Deleted marks a block on its way out: it counts as gone.
	Deleted bool `json:"deleted,omitempty"`
	// StrictAffinity is not used by Calico any more.
	StrictAffinity bool `json:"strictAffinity,omitempty"`
}

// AllocationAttribute says what an address was given to.
type AllocationAttribute struct {
	// HandleID is the allocation's key; for a pod, "k8s-pod-network." and its container's id.
	HandleID *string `json:"handle_id,omitempty"`
	// Secondary holds, for a pod, "pod", "namespace" and "node"; for a tunnel's address, "type" and "node".
	Secondary map[string]string `json:"secondary,omitempty"`
	// Alternate is the owner that takes over, while a virtual machine moves.
	Alternate map[string]string `json:"alternate,omitempty"`
}

// Allocation is one address of a block that is in use.
//
// +kubebuilder:object:generate=false
type Allocation struct {
	Addr      netip.Addr
	Attribute AllocationAttribute
}

// Default sets nothing: a block has no defaults.
func (b *IPAMBlock) Default() {}

// Host returns the node that the block belongs to; false if it belongs to none.
func (b *IPAMBlock) Host() (string, bool) {
	if b.Spec.Affinity == nil {
		return "", false
	}
	return strings.CutPrefix(*b.Spec.Affinity, "host:")
}

// Allocated returns the addresses in use, in order. Allocations beyond the block's range, or without
// attributes, are left out: Validate reports them.
func (b *IPAMBlock) Allocated() iter.Seq[Allocation] {
	return func(yield func(Allocation) bool) {
		cidr, err := ParseCIDR(b.Spec.CIDR)
		if err != nil {
			return
		}
		addr := cidr.Addr()
		for _, a := range b.Spec.Allocations {
			if !addr.IsValid() || !cidr.Contains(addr) {
				return
			}
			if a != nil && *a >= 0 && *a < len(b.Spec.Attributes) {
				if !yield(Allocation{Addr: addr, Attribute: b.Spec.Attributes[*a]}) {
					return
				}
			}
			addr = addr.Next()
		}
	}
}

// Validate checks the range, the owner, and that the allocations lie within both lists.
func (b *IPAMBlock) Validate() []FieldError {
	var ps problems
	ps.meta(&b.ObjectMeta)
	s, spec := &b.Spec, (*path)(nil).at("spec")
	cidr, ok := ps.cidr(spec.at("cidr"), s.CIDR)
	if a := s.Affinity; a != nil {
		kind, name, cut := strings.Cut(*a, ":")
		if !cut || name == "" || kind != "host" && kind != "virtual" {
			ps.add(spec.at("affinity"), *a, "must be host:<node> or virtual:<name>")
		}
	}
	if ok && !fits(cidr, len(s.Allocations)) {
		ps.add(spec.at("allocations"), strconv.Itoa(len(s.Allocations)), "more allocations than addresses in "+s.CIDR)
	}
	for i, a := range s.Allocations {
		if a != nil && (*a < 0 || *a >= len(s.Attributes)) {
			ps.add(spec.at("allocations").item(i), strconv.Itoa(*a), "no such element of attributes")
		}
	}
	return ps
}

// fits reports whether the net has at least n addresses.
func fits(cidr netip.Prefix, n int) bool {
	hostBits := cidr.Addr().BitLen() - cidr.Bits()
	return hostBits >= 63 || int64(n) <= 1<<hostBits
}
