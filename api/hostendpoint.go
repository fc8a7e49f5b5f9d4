package api

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HostEndpoint puts an interface of a node under policy.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName={hep,heps}
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.spec.node`
// +kubebuilder:printcolumn:name="Interface",type=string,JSONPath=`.spec.interfaceName`
// +kubebuilder:printcolumn:name="IPs",type=string,JSONPath=`.spec.expectedIPs`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type HostEndpoint struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              HostEndpointSpec `json:"spec"`
}

// HostEndpointSpec names the interface: by InterfaceName ("*" for all of them), or by an address that it has.
//
// +kubebuilder:validation:XValidation:rule="has(self.node) && size(self.node) > 0",message="required",fieldPath=".node"
// +kubebuilder:validation:XValidation:rule="has(self.interfaceName) && size(self.interfaceName) > 0 || has(self.expectedIPs) && size(self.expectedIPs) > 0",message="required where expectedIPs is empty",fieldPath=".interfaceName"
type HostEndpointSpec struct {
	// +kubebuilder:validation:MaxLength=253
	Node string `json:"node,omitempty"`
	// +kubebuilder:validation:MaxLength=15
	InterfaceName string `json:"interfaceName,omitempty"`
	// ExpectedIPs are addresses of either family; they are also what selectors of rules find.
	//
	// +kubebuilder:validation:MaxItems=256
	ExpectedIPs []Address `json:"expectedIPs,omitempty"`
	Profiles    []string  `json:"profiles,omitempty"`
	// +kubebuilder:validation:MaxItems=256
	Ports []EndpointPort `json:"ports,omitempty"`
}

// EndpointPort gives a name to a port, for rules to use.
//
// +kubebuilder:validation:XValidation:rule="string(self.protocol).lowerAscii() in ['tcp', 'udp', 'sctp', '6', '17', '132']",message="must be TCP, UDP or SCTP",fieldPath=".protocol"
type EndpointPort struct {
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_.-]*[A-Za-z][A-Za-z0-9_.-]*$`
	Name     string   `json:"name"`
	Protocol Protocol `json:"protocol"`
	// Port is from 1 to 65535.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int `json:"port"`
}

// Default sets nothing: a host endpoint has no defaults.
func (h *HostEndpoint) Default() {}

// longestInterface is IFNAMSIZ of linux/if.h, less the closing zero.
const longestInterface = 15

// Validate checks node, interface, addresses and ports.
func (h *HostEndpoint) Validate() []FieldError {
	var ps problems
	ps.meta(&h.ObjectMeta)
	s, spec := &h.Spec, (*path)(nil).at("spec")
	if s.Node == "" {
		ps.add(spec.at("node"), "", "required")
	}
	if s.InterfaceName == "" && len(s.ExpectedIPs) == 0 {
		ps.add(spec.at("interfaceName"), "", "required where expectedIPs is empty")
	}
	if len(s.InterfaceName) > longestInterface {
		ps.add(spec.at("interfaceName"), s.InterfaceName, "an interface's name has at most 15 bytes")
	}
	for i, a := range s.ExpectedIPs {
		if _, err := ParseAddr(a); err != nil {
			ps.add(spec.at("expectedIPs").item(i), a, err.Error())
		}
	}
	for i, p := range s.Ports {
		ps.endpointPort(spec.at("ports").item(i), p)
	}
	return ps
}

func (ps *problems) endpointPort(at *path, p EndpointPort) {
	if !portName(p.Name) {
		ps.add(at.at("name"), p.Name, "not a port's name")
	}
	if !p.Protocol.HasPorts() {
		ps.add(at.at("protocol"), string(p.Protocol), "must be TCP, UDP or SCTP")
	}
	if p.Port < 1 || p.Port > 65535 {
		ps.add(at.at("port"), strconv.Itoa(p.Port), "port must be from 1 to 65535")
	}
}
