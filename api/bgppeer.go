package api

import (
	"net/netip"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BGPPeer is a BGP session of some nodes with something else. The agent speaks no BGP: the object is
// checked and reported.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:printcolumn:name="Peer",type=string,JSONPath=`.spec.peerIP`
// +kubebuilder:printcolumn:name="AS",type=string,JSONPath=`.spec.asNumber`
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.spec.node`
// +kubebuilder:printcolumn:name="Nodes",type=string,JSONPath=`.spec.nodeSelector`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type BGPPeer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              BGPPeerSpec `json:"spec"`
}

// BGPPeerSpec says which nodes peer (Node or NodeSelector, or all) and with whom (PeerIP, PeerSelector or
// LocalWorkloadSelector).
//
// +kubebuilder:validation:XValidation:rule="!has(self.node) || size(self.node) == 0 || !has(self.nodeSelector) || size(self.nodeSelector) == 0",message="must be empty where nodeSelector is set",fieldPath=".node"
// +kubebuilder:validation:XValidation:rule="!has(self.peerIP) || size(self.peerIP) == 0 || !has(self.peerSelector) || size(self.peerSelector) == 0",message="must be empty where peerSelector is set",fieldPath=".peerIP"
// +kubebuilder:validation:XValidation:rule="!has(self.peerIP) || size(self.peerIP) == 0 || !has(self.localWorkloadSelector) || size(self.localWorkloadSelector) == 0",message="must be empty where localWorkloadSelector is set",fieldPath=".peerIP"
// +kubebuilder:validation:XValidation:rule="!has(self.peerSelector) || size(self.peerSelector) == 0 || !has(self.localWorkloadSelector) || size(self.localWorkloadSelector) == 0",message="must be empty where localWorkloadSelector is set",fieldPath=".peerSelector"
// +kubebuilder:validation:XValidation:rule="!has(self.asNumber) || !has(self.peerSelector) || size(self.peerSelector) == 0",message="must be empty where peerSelector is set",fieldPath=".asNumber"
// +kubebuilder:validation:XValidation:rule="has(self.asNumber) || !has(self.localWorkloadSelector) || size(self.localWorkloadSelector) == 0",message="required with localWorkloadSelector",fieldPath=".asNumber"
// +kubebuilder:validation:XValidation:rule="!has(self.reachableBy) || has(self.peerIP) && size(self.peerIP) > 0",message="needs peerIP",fieldPath=".reachableBy"
// +kubebuilder:validation:XValidation:rule="!has(self.reachableBy) || !has(self.peerIP) || !isIP(self.reachableBy) || (self.peerIP.contains('.') ? 4 : 6) == ip(self.reachableBy).family()",message="not of the family of peerIP",fieldPath=".reachableBy"
type BGPPeerSpec struct {
	// +kubebuilder:validation:MaxLength=253
	Node         string   `json:"node,omitempty"`
	NodeSelector Selector `json:"nodeSelector,omitempty"`
	// PeerIP is an address of either family, or "<IPv4>:port", or "[<IPv6>]:port".
	//
	// +kubebuilder:validation:MaxLength=53
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || isIP(self) || self.matches('^[0-9.]+:[1-9][0-9]{0,4}$') && isIP(self.split(':')[0]) && ip(self.split(':')[0]).family() == 4 && int(self.split(':')[1]) <= 65535 || self.matches('^\\\\[[0-9a-fA-F:.]+\\\\]:[1-9][0-9]{0,4}$') && isIP(self.substring(1, self.indexOf(']'))) && int(self.substring(self.indexOf(']') + 2)) <= 65535",message="not an address, nor <IPv4>:port, nor [<IPv6>]:port"
	PeerIP string `json:"peerIP,omitempty"`
	// ASNumber is the peer's.
	ASNumber ASNumber `json:"asNumber,omitempty"`
	// LocalASNumber is the node's towards this peer.
	LocalASNumber *ASNumber `json:"localASNumber,omitempty"`
	// PeerSelector picks nodes to peer with, over each family that both have.
	PeerSelector          Selector `json:"peerSelector,omitempty"`
	LocalWorkloadSelector Selector `json:"localWorkloadSelector,omitempty"`
	KeepOriginalNextHop   bool     `json:"keepOriginalNextHop,omitempty"`
	// +kubebuilder:validation:Enum=Auto;Self;Keep
	NextHopMode string       `json:"nextHopMode,omitempty"`
	Password    *BGPPassword `json:"password,omitempty"`
	// SourceAddress is UseNodeIP by default.
	//
	// +kubebuilder:validation:Enum=UseNodeIP;None
	SourceAddress            string           `json:"sourceAddress,omitempty"`
	MaxRestartTime           *metav1.Duration `json:"maxRestartTime,omitempty"`
	KeepaliveTime            *metav1.Duration `json:"keepaliveTime,omitempty"`
	NumAllowedLocalASNumbers *int32           `json:"numAllowedLocalASNumbers,omitempty"`
	// TTLSecurity is the number of hops to the peer, 0 to 255.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=255
	TTLSecurity *int     `json:"ttlSecurity,omitempty"`
	Filters     []string `json:"filters,omitempty"`
	// ReachableBy is the gateway to the peer, of the peer's family.
	//
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || isIP(self)",message="not an IP address"
	ReachableBy string `json:"reachableBy,omitempty"`
	// ReversePeering is Auto by default.
	//
	// +kubebuilder:validation:Enum=Auto;Manual
	ReversePeering string `json:"reversePeering,omitempty"`
}

// Default sets the source address and the reverse peering.
func (p *BGPPeer) Default() {
	if p.Spec.SourceAddress == "" {
		p.Spec.SourceAddress = "UseNodeIP"
	}
	if p.Spec.ReversePeering == "" {
		p.Spec.ReversePeering = "Auto"
	}
}

// Validate checks addresses, numbers and what excludes what.
func (p *BGPPeer) Validate() []FieldError {
	var ps problems
	ps.meta(&p.ObjectMeta)
	s, spec := &p.Spec, (*path)(nil).at("spec")
	ps.peerAddresses(spec, s)
	ps.asNumber(spec.at("asNumber"), s.ASNumber)
	if s.LocalASNumber != nil {
		ps.asNumber(spec.at("localASNumber"), *s.LocalASNumber)
	}
	oneOf(&ps, spec.at("sourceAddress"), s.SourceAddress, "UseNodeIP", "None")
	oneOf(&ps, spec.at("nextHopMode"), s.NextHopMode, "Auto", "Self", "Keep")
	oneOf(&ps, spec.at("reversePeering"), s.ReversePeering, "Auto", "Manual")
	if t := s.TTLSecurity; t != nil && (*t < 0 || *t > 255) {
		ps.add(spec.at("ttlSecurity"), strconv.Itoa(*t), "must be from 0 to 255")
	}
	ps.excludes(spec, "node", s.Node, "nodeSelector", s.NodeSelector)
	ps.excludes(spec, "peerIP", s.PeerIP, "peerSelector", s.PeerSelector)
	ps.excludes(spec, "peerIP", s.PeerIP, "localWorkloadSelector", s.LocalWorkloadSelector)
	ps.excludes(spec, "peerSelector", s.PeerSelector, "localWorkloadSelector", s.LocalWorkloadSelector)
	ps.excludes(spec, "asNumber", string(s.ASNumber), "peerSelector", s.PeerSelector)
	if s.LocalWorkloadSelector != "" && s.ASNumber == "" {
		ps.add(spec.at("asNumber"), "", "required with localWorkloadSelector")
	}
	return ps
}

// excludes checks that at most one of two fields is set.
func (ps *problems) excludes(spec *path, name, value, other, otherValue string) {
	if value != "" && otherValue != "" {
		ps.add(spec.at(name), value, "must be empty where "+other+" is set")
	}
}

func (ps *problems) peerAddresses(spec *path, s *BGPPeerSpec) {
	peer, ok := peerAddr(s.PeerIP)
	if s.PeerIP != "" && !ok {
		ps.add(spec.at("peerIP"), s.PeerIP, "not an address, nor <IPv4>:port, nor [<IPv6>]:port")
	}
	if s.ReachableBy == "" {
		return
	}
	by, err := ParseAddr(s.ReachableBy)
	switch {
	case err != nil:
		ps.add(spec.at("reachableBy"), s.ReachableBy, err.Error())
	case s.PeerIP == "":
		ps.add(spec.at("reachableBy"), s.ReachableBy, "needs peerIP")
	case ok && by.Is4() != peer.Is4():
		ps.add(spec.at("reachableBy"), s.ReachableBy, "not of the family of peerIP "+s.PeerIP)
	}
}

// peerAddr reads an address with or without a port.
func peerAddr(s string) (netip.Addr, bool) {
	if a, err := ParseAddr(s); err == nil {
		return a, true
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil || ap.Port() == 0 || ap.Addr().Zone() != "" {
		return netip.Addr{}, false
	}
	return ap.Addr(), true
}
