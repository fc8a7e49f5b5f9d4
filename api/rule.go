package api

// Action is what a rule does with a packet that it matches.
type Action string

// The actions of a rule.
const (
	// Allow lets the packet through this endpoint; no later policy is asked.
	Allow Action = "Allow"
	// Deny drops the packet.
	Deny Action = "Deny"
	// Log notes the packet and goes on with the next rule.
	Log Action = "Log"
	// Pass leaves the tier: the next one decides, or after the last one, the profiles.
	Pass Action = "Pass"
)

// Rule matches packets by everything that it names, all of which must hold, and acts on those that match.
//
// +kubebuilder:validation:XValidation:rule="!has(self.source) || !has(self.source.ports) || size(self.source.ports) == 0 || has(self.protocol) && string(self.protocol).lowerAscii() in ['tcp', 'udp', 'sctp', '6', '17', '132']",message="ports need protocol TCP, UDP or SCTP",fieldPath=".source.ports"
// +kubebuilder:validation:XValidation:rule="!has(self.source) || !has(self.source.notPorts) || size(self.source.notPorts) == 0 || has(self.protocol) && string(self.protocol).lowerAscii() in ['tcp', 'udp', 'sctp', '6', '17', '132']",message="notPorts need protocol TCP, UDP or SCTP",fieldPath=".source.notPorts"
// +kubebuilder:validation:XValidation:rule="!has(self.destination) || !has(self.destination.ports) || size(self.destination.ports) == 0 || has(self.protocol) && string(self.protocol).lowerAscii() in ['tcp', 'udp', 'sctp', '6', '17', '132']",message="ports need protocol TCP, UDP or SCTP",fieldPath=".destination.ports"
// +kubebuilder:validation:XValidation:rule="!has(self.destination) || !has(self.destination.notPorts) || size(self.destination.notPorts) == 0 || has(self.protocol) && string(self.protocol).lowerAscii() in ['tcp', 'udp', 'sctp', '6', '17', '132']",message="notPorts need protocol TCP, UDP or SCTP",fieldPath=".destination.notPorts"
// +kubebuilder:validation:XValidation:rule="!has(self.icmp) || has(self.protocol) && (self.protocol in [1, 58] || string(self.protocol).lowerAscii() in ['icmp', 'icmpv6', '1', '58'])",message="icmp needs protocol ICMP or ICMPv6",fieldPath=".icmp"
// +kubebuilder:validation:XValidation:rule="!has(self.notICMP) || has(self.protocol) && (self.protocol in [1, 58] || string(self.protocol).lowerAscii() in ['icmp', 'icmpv6', '1', '58'])",message="notICMP needs protocol ICMP or ICMPv6",fieldPath=".notICMP"
// +kubebuilder:validation:XValidation:rule="!has(self.protocol) || !has(self.ipVersion) || self.ipVersion == 4 || !(string(self.protocol).lowerAscii() in ['icmp', '1'])",message="protocol is of IPv4, and the rule's ipVersion is another",fieldPath=".protocol"
// +kubebuilder:validation:XValidation:rule="!has(self.protocol) || !has(self.ipVersion) || self.ipVersion == 6 || !(string(self.protocol).lowerAscii() in ['icmpv6', '58'])",message="protocol is of IPv6, and the rule's ipVersion is another",fieldPath=".protocol"
// +kubebuilder:validation:XValidation:rule="!has(self.notProtocol) || !has(self.ipVersion) || self.ipVersion == 4 || !(string(self.notProtocol).lowerAscii() in ['icmp', '1'])",message="notProtocol is of IPv4, and the rule's ipVersion is another",fieldPath=".notProtocol"
// +kubebuilder:validation:XValidation:rule="!has(self.notProtocol) || !has(self.ipVersion) || self.ipVersion == 6 || !(string(self.notProtocol).lowerAscii() in ['icmpv6', '58'])",message="notProtocol is of IPv6, and the rule's ipVersion is another",fieldPath=".notProtocol"
// +kubebuilder:validation:XValidation:rule="!has(self.http) || self.action == 'Allow'",message="http is only for Allow rules",fieldPath=".http"
// +kubebuilder:validation:XValidation:rule="!has(self.http) || !has(self.protocol) || string(self.protocol).lowerAscii() in ['tcp', '6']",message="http needs protocol TCP or none",fieldPath=".http"
// +kubebuilder:validation:XValidation:rule="!has(self.destination) || !has(self.destination.services) || (!has(self.destination.ports) || size(self.destination.ports) == 0) && (!has(self.destination.notPorts) || size(self.destination.notPorts) == 0)",message="a service excludes ports: its own are used",fieldPath=".destination.services"
type Rule struct {
	// Action is what becomes of packets that match.
	//
	// +kubebuilder:validation:Enum=Allow;Deny;Log;Pass
	Action Action `json:"action"`
	// IPVersion restricts the rule to one family: 4 or 6. Without it the rule is for both, as far as its
	// nets and protocols leave it so.
	//
	// +kubebuilder:validation:Enum=4;6
	IPVersion *int `json:"ipVersion,omitempty"`
	// Protocol must be one with ports if the rule names ports, and ICMP or ICMPv6 if it names ICMP types.
	Protocol *Protocol `json:"protocol,omitempty"`
	// NotProtocol matches every protocol but this one.
	NotProtocol *Protocol `json:"notProtocol,omitempty"`
	// ICMP matches type, or type and code, of the ICMP that Protocol names.
	ICMP *ICMPFields `json:"icmp,omitempty"`
	// NotICMP matches all that ICMP with the same value would not.
	NotICMP *ICMPFields `json:"notICMP,omitempty"`
	// Source is the end that sends the packet.
	Source EntityRule `json:"source,omitzero"`
	// Destination is the end that receives it.
	Destination EntityRule `json:"destination,omitzero"`
	// HTTP matches requests, which a packet filter cannot see: it is for proxies, on Allow rules for
	// ingress.
	HTTP *HTTPMatch `json:"http,omitempty"`
	// Metadata is for people and tools.
	Metadata *RuleMetadata `json:"metadata,omitempty"`
}

// EntityRule matches one end of a packet: its source or its destination.
//
// +kubebuilder:validation:XValidation:rule="!has(self.selector) || !self.selector.contains('global(')",message="global() stands only in the namespaceSelector of a rule",fieldPath=".selector"
// +kubebuilder:validation:XValidation:rule="!has(self.notSelector) || !self.notSelector.contains('global(')",message="global() stands only in the namespaceSelector of a rule",fieldPath=".notSelector"
// +kubebuilder:validation:XValidation:rule="!has(self.namespaceSelector) || !self.namespaceSelector.contains('global(') || self.namespaceSelector.matches('^[ ()]*global[ ()]*$')",message="global() cannot be combined with other terms",fieldPath=".namespaceSelector"
// +kubebuilder:validation:XValidation:rule="!has(self.services) || !has(self.selector) && !has(self.notSelector) && !has(self.namespaceSelector) && !has(self.serviceAccounts) && (!has(self.nets) || size(self.nets) == 0) && (!has(self.notNets) || size(self.notNets) == 0)",message="a service excludes selectors, service accounts and nets on the same end",fieldPath=".services"
type EntityRule struct {
	// Nets are CIDRs or addresses of either family, at least one of which holds the address. Nets of both
	// families may stand in one list; each is compared with packets of its own family.
	//
	// +kubebuilder:validation:MaxItems=256
	Nets []RuleNet `json:"nets,omitempty"`
	// NotNets are nets none of which holds the address.
	//
	// +kubebuilder:validation:MaxItems=256
	NotNets []RuleNet `json:"notNets,omitempty"`
	// Selector matches the addresses of endpoints and network sets with these labels. NotSelector matches
	// every address, of the cluster or not, that Selector with the same text would not.
	Selector    Selector `json:"selector,omitempty"`
	NotSelector Selector `json:"notSelector,omitempty"`
	// NamespaceSelector limits the selectors to namespaces with these labels. "global()" limits them to
	// what is in no namespace. Empty means the policy's own namespace, or in a global policy, all.
	NamespaceSelector Selector `json:"namespaceSelector,omitempty"`
	// Services matches the endpoints of a Kubernetes service, each on its own port.
	Services *ServiceMatch `json:"services,omitempty"`
	// Ports are numbers, ranges "first:last", or names of ports of the endpoint.
	//
	// +kubebuilder:validation:MaxItems=50
	Ports []Port `json:"ports,omitempty"`
	// NotPorts are ports none of which is the packet's.
	//
	// +kubebuilder:validation:MaxItems=50
	NotPorts []Port `json:"notPorts,omitempty"`
	// ServiceAccounts matches pods that run under these service accounts.
	ServiceAccounts *ServiceAccountMatch `json:"serviceAccounts,omitempty"`
}

// ICMPFields names an ICMP type, 0 to 254, and with it a code, 0 to 255. Numbers differ between the
// families; the rule's protocol says which family's they are.
//
// +kubebuilder:validation:XValidation:rule="!has(self.code) || has(self.type)",message="a code needs a type",fieldPath=".code"
type ICMPFields struct {
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=254
	Type *int `json:"type,omitempty"`
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=255
	Code *int `json:"code,omitempty"`
}

// ServiceMatch names a Kubernetes service. Without a namespace it is one of the policy's own namespace; a
// global policy must name it.
type ServiceMatch struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name,omitempty"`
	// +kubebuilder:validation:MaxLength=253
	Namespace string `json:"namespace,omitempty"`
}

// ServiceAccountMatch names service accounts by name, by label, or by both, which must then both hold.
type ServiceAccountMatch struct {
	Names    []string `json:"names,omitempty"`
	Selector Selector `json:"selector,omitempty"`
}

// HTTPMatch names HTTP methods and paths; a request must match one of each list that is not empty.
type HTTPMatch struct {
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MaxLength=32
	Methods []string `json:"methods,omitempty"`
	// +kubebuilder:validation:MaxItems=20
	Paths []HTTPPath `json:"paths,omitempty"`
}

// HTTPPath is one path, either exactly or as a prefix.
//
// +kubebuilder:validation:XValidation:rule="has(self.exact) != has(self.prefix)",message="needs either exact or prefix"
type HTTPPath struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Exact string `json:"exact,omitempty"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Prefix string `json:"prefix,omitempty"`
}

// RuleMetadata is for people and tools; it changes nothing about the rule.
type RuleMetadata struct {
	Annotations map[string]string `json:"annotations,omitempty"`
}
