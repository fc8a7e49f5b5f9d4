package api

import (
	"net/netip"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EncapMode says which of the packets between a pool's pods are put into a tunnel.
//
// +kubebuilder:validation:Enum=Never;Always;CrossSubnet
type EncapMode string

// The modes of an encapsulation.
const (
	EncapNever  EncapMode = "Never"
	EncapAlways EncapMode = "Always"
	// EncapCrossSubnet is for packets between nodes that are not in one subnet.
	EncapCrossSubnet EncapMode = "CrossSubnet"
)

// AllowedUse is what a pool's addresses may be given to.
//
// +kubebuilder:validation:Enum=Workload;Tunnel;LoadBalancer
type AllowedUse string

// The uses of a pool.
const (
	UseWorkload     AllowedUse = "Workload"
	UseTunnel       AllowedUse = "Tunnel"
	UseLoadBalancer AllowedUse = "LoadBalancer"
)

// IPPool is a range of one family that pods get their addresses from, and what is done with their traffic.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="CIDR",type=string,JSONPath=`.spec.cidr`
// +kubebuilder:printcolumn:name="VXLAN",type=string,JSONPath=`.spec.vxlanMode`
// +kubebuilder:printcolumn:name="IPIP",type=string,JSONPath=`.spec.ipipMode`
// +kubebuilder:printcolumn:name="NAT",type=boolean,JSONPath=`.spec.natOutgoing`
// +kubebuilder:printcolumn:name="Block",type=integer,JSONPath=`.spec.blockSize`
// +kubebuilder:printcolumn:name="Disabled",type=boolean,JSONPath=`.spec.disabled`
// +kubebuilder:printcolumn:name="Nodes",type=string,JSONPath=`.spec.nodeSelector`,priority=1
// +kubebuilder:printcolumn:name="Uses",type=string,JSONPath=`.spec.allowedUses`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type IPPool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              IPPoolSpec `json:"spec"`
	// Status is what agents say of the pool.
	Status Status `json:"status,omitzero"`
}

// IPPoolSpec is the pool's range and modes.
//
// +kubebuilder:validation:XValidation:rule="!has(self.vxlanMode) || self.vxlanMode == 'Never' || !has(self.ipipMode) || self.ipipMode == 'Never'",message="a pool has one encapsulation: VXLAN and IPIP exclude each other",fieldPath=".ipipMode"
// +kubebuilder:validation:XValidation:rule="!has(self.ipipMode) || self.ipipMode == 'Never' || !isCIDR(self.cidr) || cidr(self.cidr).ip().family() == 4",message="IPIP carries IPv4 only, this pool is IPv6",fieldPath=".ipipMode"
// +kubebuilder:validation:XValidation:rule="!has(self.blockSize) || !isCIDR(self.cidr) || (cidr(self.cidr).ip().family() == 4 ? self.blockSize >= 20 && self.blockSize <= 32 : self.blockSize >= 116 && self.blockSize <= 128)",message="blockSize must be from 20 to 32 for IPv4, from 116 to 128 for IPv6",fieldPath=".blockSize"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self.cidr) || (has(self.blockSize) ? self.blockSize : cidr(self.cidr).ip().family() == 4 ? 26 : 122) >= cidr(self.cidr).prefixLength()",message="a block of this size (left out: /26 for IPv4, /122 for IPv6) is larger than the pool",fieldPath=".blockSize"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self.cidr) || (has(self.blockSize) ? self.blockSize : cidr(self.cidr).ip().family() == 4 ? 26 : 122) == (has(oldSelf.blockSize) ? oldSelf.blockSize : cidr(self.cidr).ip().family() == 4 ? 26 : 122)",message="blockSize cannot be changed: blocks of the old size are in use",fieldPath=".blockSize"
type IPPoolSpec struct {
	// CIDR is of either family, without host bits. It cannot be changed: make another pool.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="not a CIDR: write <address>/<prefix length>"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || cidr(self) == cidr(self).masked()",message="host bits are set"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || (cidr(self).ip().family() == 4 ? !cidr('169.254.0.0/16').containsCIDR(self) && !cidr(self).containsIP('169.254.0.0') : !cidr('fe80::/10').containsCIDR(self) && !cidr(self).containsIP('fe80::'))",message="overlaps the link-local range"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a pool's CIDR cannot be changed: make another pool"
	CIDR string `json:"cidr"`
	// VXLANMode and IPIPMode are Never by default; at most one of them may be another. IPIP is for IPv4.
	//
	// +kubebuilder:default=Never
	VXLANMode EncapMode `json:"vxlanMode,omitempty"`
	// IPIPMode is Never by default, and for IPv6.
	//
	// +kubebuilder:default=Never
	IPIPMode EncapMode `json:"ipipMode,omitempty"`
	// NATOutgoing masquerades packets from the pool to addresses outside of all pools; default false, for
	// both families.
	NATOutgoing bool `json:"natOutgoing,omitempty"`
	// Disabled stops new addresses from being assigned; those assigned stay good.
	Disabled bool `json:"disabled,omitempty"`
	// DisableBGPExport keeps the pool's routes out of BGP.
	DisableBGPExport bool `json:"disableBGPExport,omitempty"`
	// BlockSize is the prefix length of the blocks that nodes get: for IPv4 20 to 32, default 26; for IPv6
	// 116 to 128, default 122. It is not shorter than that of the CIDR, and cannot be changed.
	//
	// +kubebuilder:validation:Minimum=20
	// +kubebuilder:validation:Maximum=128
	BlockSize int `json:"blockSize,omitempty"`
	// NodeSelector limits the nodes that assign from the pool; default "all()".
	//
	// +kubebuilder:default="all()"
	NodeSelector Selector `json:"nodeSelector,omitempty"`
	// NamespaceSelector limits the namespaces whose pods get addresses from it; empty: no limit.
	NamespaceSelector Selector `json:"namespaceSelector,omitempty"`
	// AllowedUses is Workload and Tunnel by default.
	//
	// +listType=set
	// +kubebuilder:validation:MaxItems=3
	// +kubebuilder:default={Workload,Tunnel}
	AllowedUses []AllowedUse `json:"allowedUses,omitempty"`
	// AssignmentMode is Automatic by default; Manual pools are used only by pods that name them.
	//
	// +kubebuilder:validation:Enum=Automatic;Manual
	// +kubebuilder:default=Automatic
	AssignmentMode string `json:"assignmentMode,omitempty"`
}

// blockSizes are the limits and the default of a pool's BlockSize, by family.
func blockSizes(cidr netip.Prefix) (shortest, longest, standard int) {
	if cidr.Addr().Is4() {
		return 20, 32, 26
	}
	return 116, 128, 122
}

// Default sets modes, block size (by family; not if the CIDR is unreadable), node selector and uses.
func (p *IPPool) Default() {
	s := &p.Spec
	if s.VXLANMode == "" {
		s.VXLANMode = EncapNever
	}
	if s.IPIPMode == "" {
		s.IPIPMode = EncapNever
	}
	if cidr, err := ParseCIDR(s.CIDR); err == nil && s.BlockSize == 0 {
		_, _, s.BlockSize = blockSizes(cidr)
	}
	if s.NodeSelector == "" {
		s.NodeSelector = "all()"
	}
	if len(s.AllowedUses) == 0 {
		s.AllowedUses = []AllowedUse{UseWorkload, UseTunnel}
	}
	if s.AssignmentMode == "" {
		s.AssignmentMode = "Automatic"
	}
}

// Validate checks the range, and the modes against its family.
func (p *IPPool) Validate() []FieldError {
	var ps problems
	ps.meta(&p.ObjectMeta)
	s, spec := &p.Spec, (*path)(nil).at("spec")
	cidr, ok := ps.cidr(spec.at("cidr"), s.CIDR)
	oneOf(&ps, spec.at("vxlanMode"), s.VXLANMode, EncapNever, EncapAlways, EncapCrossSubnet)
	oneOf(&ps, spec.at("ipipMode"), s.IPIPMode, EncapNever, EncapAlways, EncapCrossSubnet)
	if encapsulates(s.VXLANMode) && encapsulates(s.IPIPMode) {
		ps.add(spec.at("ipipMode"), string(s.IPIPMode), "vxlanMode is "+string(s.VXLANMode)+", a pool has one encapsulation")
	}
	if ok {
		ps.poolFamily(spec, s, cidr)
	}
	for i, u := range s.AllowedUses {
		oneOf(&ps, spec.at("allowedUses").item(i), u, UseWorkload, UseTunnel, UseLoadBalancer)
	}
	oneOf(&ps, spec.at("assignmentMode"), s.AssignmentMode, "Automatic", "Manual")
	return ps
}

func encapsulates(m EncapMode) bool { return m != "" && m != EncapNever }

// poolFamily checks what depends on the family of the pool's range.
func (ps *problems) poolFamily(spec *path, s *IPPoolSpec, cidr netip.Prefix) {
	if encapsulates(s.IPIPMode) && !cidr.Addr().Is4() {
		ps.add(spec.at("ipipMode"), string(s.IPIPMode), "IPIP carries IPv4 only, this pool is IPv6")
	}
	for _, local := range []string{"169.254.0.0/16", "fe80::/10"} {
		if cidr.Overlaps(netip.MustParsePrefix(local)) {
			ps.add(spec.at("cidr"), s.CIDR, "overlaps link-local "+local)
		}
	}
	if s.BlockSize == 0 {
		return
	}
	shortest, longest, _ := blockSizes(cidr)
	switch size := strconv.Itoa(s.BlockSize); {
	case s.BlockSize < shortest || s.BlockSize > longest:
		ps.add(spec.at("blockSize"), size, "must be from "+strconv.Itoa(shortest)+" to "+strconv.Itoa(longest)+" for this family")
	case s.BlockSize < cidr.Bits():
		ps.add(spec.at("blockSize"), size, "a block of this size is larger than the pool "+s.CIDR)
	}
}
