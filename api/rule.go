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
type Rule struct {
	Action Action `json:"action"`
	// IPVersion restricts the rule to one family: 4 or 6. Without it the rule is for both, as far as its
	// nets and protocols leave it so.
	IPVersion *int `json:"ipVersion,omitempty"`
	// Protocol must be one with ports if the rule names ports, and ICMP or ICMPv6 if it names ICMP types.
	Protocol *Protocol `json:"protocol,omitempty"`
	// NotProtocol matches every protocol but this one.
	NotProtocol *Protocol `json:"notProtocol,omitempty"`
	// ICMP matches type, or type and code, of the ICMP that Protocol names.
	ICMP *ICMPFields `json:"icmp,omitempty"`
	// NotICMP matches all that ICMP with the same value would not.
	NotICMP     *ICMPFields `json:"notICMP,omitempty"`
	Source      EntityRule  `json:"source,omitzero"`
	Destination EntityRule  `json:"destination,omitzero"`
	// HTTP matches requests, which a packet filter cannot see: it is for proxies, on Allow rules for
	// ingress.
	HTTP     *HTTPMatch    `json:"http,omitempty"`
	Metadata *RuleMetadata `json:"metadata,omitempty"`
}

// EntityRule matches one end of a packet: its source or its destination.
type EntityRule struct {
	// Nets are CIDRs or addresses of either family, at least one of which holds the address. Nets of both
	// families may stand in one list; each is compared with packets of its own family.
	Nets    []string `json:"nets,omitempty"`
	NotNets []string `json:"notNets,omitempty"`
	// Selector matches the addresses of endpoints and network sets with these labels. NotSelector matches
	// every address, of the cluster or not, that Selector with the same text would not.
	Selector    string `json:"selector,omitempty"`
	NotSelector string `json:"notSelector,omitempty"`
	// NamespaceSelector limits the selectors to namespaces with these labels. "global()" limits them to
	// what is in no namespace. Empty means the policy's own namespace, or in a global policy, all.
	NamespaceSelector string `json:"namespaceSelector,omitempty"`
	// Services matches the endpoints of a Kubernetes service, each on its own port.
	Services *ServiceMatch `json:"services,omitempty"`
	// Ports are numbers, ranges "first:last", or names of ports of the endpoint.
	Ports    []Port `json:"ports,omitempty"`
	NotPorts []Port `json:"notPorts,omitempty"`
	// ServiceAccounts matches pods that run under these service accounts.
	ServiceAccounts *ServiceAccountMatch `json:"serviceAccounts,omitempty"`
}

// ICMPFields names an ICMP type, 0 to 254, and with it a code, 0 to 255. Numbers differ between the
// families; the rule's protocol says which family's they are.
type ICMPFields struct {
	Type *int `json:"type,omitempty"`
	Code *int `json:"code,omitempty"`
}

// ServiceMatch names a Kubernetes service. Without a namespace it is one of the policy's own namespace; a
// global policy must name it.
type ServiceMatch struct {
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// ServiceAccountMatch names service accounts by name, by label, or by both, which must then both hold.
type ServiceAccountMatch struct {
	Names    []string `json:"names,omitempty"`
	Selector string   `json:"selector,omitempty"`
}

// HTTPMatch names HTTP methods and paths; a request must match one of each list that is not empty.
type HTTPMatch struct {
	Methods []string   `json:"methods,omitempty"`
	Paths   []HTTPPath `json:"paths,omitempty"`
}

// HTTPPath is one path, either exactly or as a prefix.
type HTTPPath struct {
	Exact  string `json:"exact,omitempty"`
	Prefix string `json:"prefix,omitempty"`
}

// RuleMetadata is for people and tools; it changes nothing about the rule.
type RuleMetadata struct {
	Annotations map[string]string `json:"annotations,omitempty"`
}
