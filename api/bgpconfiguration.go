package api

import (
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BGPConfiguration is the cluster's BGP set-up under the name "default", or one node's under "node.<name>".
// The agent speaks no BGP; it reads the service ranges, whose unserved addresses must not loop.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName={bgpconfig,bgpconfigs}
// +kubebuilder:printcolumn:name="AS",type=string,JSONPath=`.spec.asNumber`
// +kubebuilder:printcolumn:name="Mesh",type=boolean,JSONPath=`.spec.nodeToNodeMeshEnabled`
// +kubebuilder:printcolumn:name="Cluster IPs",type=string,JSONPath=`.spec.serviceClusterIPs[*].cidr`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type BGPConfiguration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              BGPConfigurationSpec `json:"spec"`
}

// BGPConfigurationSpec holds the settings, with Calico's defaults.
//
// +kubebuilder:validation:XValidation:rule="!has(self.nodeMeshPassword) || !has(self.nodeToNodeMeshEnabled) || self.nodeToNodeMeshEnabled",message="needs nodeToNodeMeshEnabled",fieldPath=".nodeMeshPassword"
type BGPConfigurationSpec struct {
	// LogSeverityScreen is Info by default.
	LogSeverityScreen string `json:"logSeverityScreen,omitempty"`
	// NodeToNodeMeshEnabled is true by default.
	NodeToNodeMeshEnabled *bool `json:"nodeToNodeMeshEnabled,omitempty"`
	// ASNumber is 64512 by default.
	ASNumber *ASNumber `json:"asNumber,omitempty"`
	// ListenPort is 179 by default.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	ListenPort *int `json:"listenPort,omitempty"`
	// ServiceClusterIPs, ServiceExternalIPs and ServiceLoadBalancerIPs are the ranges of both families whose
	// services are advertised.
	//
	// +kubebuilder:validation:MaxItems=256
	ServiceClusterIPs []CIDRBlock `json:"serviceClusterIPs,omitempty"`
	// +kubebuilder:validation:MaxItems=256
	ServiceExternalIPs []CIDRBlock `json:"serviceExternalIPs,omitempty"`
	// +kubebuilder:validation:MaxItems=256
	ServiceLoadBalancerIPs []CIDRBlock `json:"serviceLoadBalancerIPs,omitempty"`
	// ServiceLoadBalancerAggregation is Enabled by default.
	//
	// +kubebuilder:validation:Enum=Enabled;Disabled
	ServiceLoadBalancerAggregation string `json:"serviceLoadBalancerAggregation,omitempty"`
	// +kubebuilder:validation:MaxItems=64
	Communities []Community `json:"communities,omitempty"`
	// +kubebuilder:validation:MaxItems=64
	PrefixAdvertisements []PrefixAdvertisement `json:"prefixAdvertisements,omitempty"`
	NodeMeshPassword     *BGPPassword          `json:"nodeMeshPassword,omitempty"`
	// NodeMeshMaxRestartTime is a duration ("120s").
	NodeMeshMaxRestartTime *metav1.Duration `json:"nodeMeshMaxRestartTime,omitempty"`
	// +kubebuilder:validation:Enum=None;NodeIP
	BindMode          string   `json:"bindMode,omitempty"`
	IgnoredInterfaces []string `json:"ignoredInterfaces,omitempty"`
	// LocalWorkloadPeeringIPV4 and its IPv6 fellow are the addresses that pods peer with.
	//
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || isIP(self) && ip(self).family() == 4",message="not an IPv4 address"
	LocalWorkloadPeeringIPV4 string `json:"localWorkloadPeeringIPV4,omitempty"`
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || isIP(self) && ip(self).family() == 6",message="not an IPv6 address"
	LocalWorkloadPeeringIPV6 string `json:"localWorkloadPeeringIPV6,omitempty"`
	// ProgramClusterRoutes is Enabled where BIRD, not the agent, writes the routes between nodes.
	//
	// +kubebuilder:validation:Enum=Enabled;Disabled
	ProgramClusterRoutes string `json:"programClusterRoutes,omitempty"`
}

// CIDRBlock is one range of either family.
type CIDRBlock struct {
	CIDR Net `json:"cidr,omitempty"`
}

// Community gives a name to a BGP community, "aa:nn" or "aa:nn:mm".
type Community struct {
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name,omitempty"`
	// +kubebuilder:validation:MaxLength=32
	// +required
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+(:[0-9]+){1,2}$') && self.split(':').all(n, n.size() <= 10 && int(n) <= (self.split(':').size() == 2 ? 65535 : 4294967295))",message="not a community aa:nn or aa:nn:mm"
	Value string `json:"value,omitempty"`
}

// PrefixAdvertisement gives communities, by name or value, to the routes within a range.
type PrefixAdvertisement struct {
	CIDR Net `json:"cidr,omitempty"`
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^([^:]+|[0-9]+(:[0-9]+){1,2})$`
	Communities []string `json:"communities,omitempty"`
}

// BGPPassword points to a key of a Secret.
type BGPPassword struct {
	SecretKeyRef *SecretKeyRef `json:"secretKeyRef,omitempty"`
}

// SecretKeyRef is a key of a Secret in the namespace of Calico's nodes.
type SecretKeyRef struct {
	Name     string `json:"name,omitempty"`
	Key      string `json:"key,omitempty"`
	Optional *bool  `json:"optional,omitempty"`
}

// Default sets log level, mesh, AS number, port and aggregation.
func (c *BGPConfiguration) Default() {
	s := &c.Spec
	if s.LogSeverityScreen == "" {
		s.LogSeverityScreen = "Info"
	}
	if s.NodeToNodeMeshEnabled == nil {
		mesh := true
		s.NodeToNodeMeshEnabled = &mesh
	}
	if s.ASNumber == nil {
		as := ASNumber("64512")
		s.ASNumber = &as
	}
	if s.ListenPort == nil {
		port := 179
		s.ListenPort = &port
	}
	if s.ServiceLoadBalancerAggregation == "" {
		s.ServiceLoadBalancerAggregation = "Enabled"
	}
}

// Validate checks ranges, communities, numbers and enumerations.
func (c *BGPConfiguration) Validate() []FieldError {
	var ps problems
	ps.meta(&c.ObjectMeta)
	s, spec := &c.Spec, (*path)(nil).at("spec")
	if s.ASNumber != nil {
		ps.asNumber(spec.at("asNumber"), *s.ASNumber)
	}
	if p := s.ListenPort; p != nil && (*p < 1 || *p > 65535) {
		ps.add(spec.at("listenPort"), strconv.Itoa(*p), "port must be from 1 to 65535")
	}
	ps.blocks(spec.at("serviceClusterIPs"), s.ServiceClusterIPs)
	ps.blocks(spec.at("serviceExternalIPs"), s.ServiceExternalIPs)
	ps.blocks(spec.at("serviceLoadBalancerIPs"), s.ServiceLoadBalancerIPs)
	ps.communities(spec, s)
	ps.workloadPeering(spec, s)
	oneOf(&ps, spec.at("bindMode"), s.BindMode, "None", "NodeIP")
	oneOf(&ps, spec.at("programClusterRoutes"), s.ProgramClusterRoutes, "Enabled", "Disabled")
	oneOf(&ps, spec.at("serviceLoadBalancerAggregation"), s.ServiceLoadBalancerAggregation, "Enabled", "Disabled")
	if mesh := s.NodeToNodeMeshEnabled; mesh != nil && !*mesh && s.NodeMeshPassword != nil {
		ps.add(spec.at("nodeMeshPassword"), "", "needs nodeToNodeMeshEnabled")
	}
	return ps
}

// blocks checks a list of ranges; like Calico, a bare address counts as a range.
func (ps *problems) blocks(p *path, blocks []CIDRBlock) {
	for i, b := range blocks {
		if _, err := ParseNet(b.CIDR); err != nil {
			ps.add(p.item(i).at("cidr"), b.CIDR, err.Error())
		}
	}
}

// workloadPeering checks the two addresses that pods peer with, each of its own family.
func (ps *problems) workloadPeering(spec *path, s *BGPConfigurationSpec) {
	for _, f := range []struct {
		name, value string
		v4          bool
	}{
		{"localWorkloadPeeringIPV4", s.LocalWorkloadPeeringIPV4, true},
		{"localWorkloadPeeringIPV6", s.LocalWorkloadPeeringIPV6, false},
	} {
		if f.value == "" {
			continue
		}
		if a, err := ParseAddr(f.value); err != nil {
			ps.add(spec.at(f.name), f.value, err.Error())
		} else if a.Is4() != f.v4 {
			ps.add(spec.at(f.name), f.value, "an address of the other family")
		}
	}
}

func (ps *problems) communities(spec *path, s *BGPConfigurationSpec) {
	names := map[string]bool{}
	for i, c := range s.Communities {
		names[c.Name] = true
		if !isCommunity(c.Value) {
			ps.add(spec.at("communities").item(i).at("value"), c.Value, "not a community aa:nn or aa:nn:mm")
		}
	}
	for i, a := range s.PrefixAdvertisements {
		at := spec.at("prefixAdvertisements").item(i)
		if _, err := ParseNet(a.CIDR); err != nil {
			ps.add(at.at("cidr"), a.CIDR, err.Error())
		}
		for j, c := range a.Communities {
			if !names[c] && !isCommunity(c) {
				ps.add(at.at("communities").item(j), c, "neither a community's name nor a value aa:nn or aa:nn:mm")
			}
		}
	}
}

// isCommunity reports whether s is a standard community of two 16-bit numbers or a large one of three
// 32-bit numbers (RFC 1997, RFC 8092).
func isCommunity(s string) bool {
	parts := strings.Split(s, ":")
	bits := 16
	switch len(parts) {
	case 2:
	case 3:
		bits = 32
	default:
		return false
	}
	for _, p := range parts {
		if _, err := strconv.ParseUint(p, 10, bits); err != nil {
			return false
		}
	}
	return true
}
