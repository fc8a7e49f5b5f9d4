// Code generated from the table in internal/config by "go generate ./api". DO NOT EDIT.

package schema

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// Settings are those that a FelixConfiguration can make and that have an effect.
type Settings struct {

	// Ipv4Support: IPv4 for pods. Off, its routes, sets and policy are removed, and its traffic on pod interfaces stays dropped in every hook. (true or false; default true)
	Ipv4Support *bool `json:"ipv4Support,omitempty"`

	// Ipv6Support: IPv6 for pods. Off, its routes, sets and policy are removed, and its traffic on pod interfaces stays dropped in every hook. (true or false; default true)
	Ipv6Support *bool `json:"ipv6Support,omitempty"`

	// InterfacePrefix: What the names of pod interfaces start with. Traffic of such an interface is dropped unless a pod is known for it; that of prefixes given up too, until the agent is restarted. (list of interface name prefixes; default cali)
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	InterfacePrefix json.RawMessage `json:"interfacePrefix,omitempty"`

	// InterfaceExclude: Interfaces that are never host endpoints. (list of interface names, or regular expressions between slashes; default kube-ipvs0)
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	InterfaceExclude json.RawMessage `json:"interfaceExclude,omitempty"`

	// InterfaceRefreshInterval: How often the settings of pod interfaces are read again of which the kernel does not tell when somebody changes them (`rp_filter`, `accept_ra` and the like), in seconds; a tenth less at random. 0 is never. (seconds, or a duration like 90s; default 90)
	//
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)?)*$`
	InterfaceRefreshInterval string `json:"interfaceRefreshInterval,omitempty"`

	// Ipv4NormalRoutePriority: Metric of IPv4 routes to pods; the lower one wins. (whole number, 1 to 2147483646; default 1024)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483646
	Ipv4NormalRoutePriority *int64 `json:"ipv4NormalRoutePriority,omitempty"`

	// Ipv4ElevatedRoutePriority: Metric of an IPv4 route to a pod that has just moved here. (whole number, 1 to 2147483646; default 512)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483646
	Ipv4ElevatedRoutePriority *int64 `json:"ipv4ElevatedRoutePriority,omitempty"`

	// Ipv6NormalRoutePriority: Metric of IPv6 routes to pods; the lower one wins. (whole number, 1 to 2147483646; default 1024)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483646
	Ipv6NormalRoutePriority *int64 `json:"ipv6NormalRoutePriority,omitempty"`

	// Ipv6ElevatedRoutePriority: Metric of an IPv6 route to a pod that has just moved here. (whole number, 1 to 2147483646; default 512)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483646
	Ipv6ElevatedRoutePriority *int64 `json:"ipv6ElevatedRoutePriority,omitempty"`

	// DeviceRouteProtocol: Route protocol on the routes to local pods, both families (3 is `boot` in `ip route`). (route protocol, 3 to 255 without 9; default 3)
	//
	// +kubebuilder:validation:Minimum=3
	// +kubebuilder:validation:Maximum=255
	DeviceRouteProtocol *int64 `json:"deviceRouteProtocol,omitempty"`

	// DeviceRouteSourceAddress: Source address of IPv4 routes to local pods. While the node does not have it, the routes stand without it. Unset, the kernel chooses. (IPv4 address)
	//
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self == 'none' || isIP(self) && ip(self).family() == 4",message="not an IPv4 address"
	DeviceRouteSourceAddress string `json:"deviceRouteSourceAddress,omitempty"`

	// DeviceRouteSourceAddressIPv6: Source address of IPv6 routes to local pods, likewise. (IPv6 address)
	//
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self == 'none' || isIP(self) && ip(self).family() == 6",message="not an IPv6 address"
	DeviceRouteSourceAddressIPv6 string `json:"deviceRouteSourceAddressIPv6,omitempty"`

	// ProgramClusterRoutes: Whether routes to other nodes' pods are programmed, both families, or left to a BGP daemon. Those of pools with VXLAN always are. `EnabledIPIPOnly` adds those of pools with IPIP, `Enabled` those of all other pools. (one of EnabledIPIPOnly, Enabled, Disabled; default EnabledIPIPOnly)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(EnabledIPIPOnly|Enabled|Disabled)?$`
	ProgramClusterRoutes string `json:"programClusterRoutes,omitempty"`

	// RemoveExternalRoutes: Remove routes of others on a known pod's interface, both families. Link-local, kernel and router-advertised routes always stay. (true or false; default true)
	RemoveExternalRoutes *bool `json:"removeExternalRoutes,omitempty"`

	// RouteSyncDisabled: Leave all routes alone, both families: policy only. (true or false; default false)
	RouteSyncDisabled *bool `json:"routeSyncDisabled,omitempty"`

	// IpForwarding: Whether the agent switches the host's forwarding on, in each family that is on. `Disabled` leaves the sysctls as they are. (one of Enabled, Disabled; default Enabled)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(Enabled|Disabled)?$`
	IpForwarding string `json:"ipForwarding,omitempty"`

	// RouteTableRanges: Routing tables that the agent may use for itself. WireGuard takes the first two, one for each family's device. Unset, they are 1 and 2. (list of FIRST-LAST)
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	RouteTableRanges json.RawMessage `json:"routeTableRanges,omitempty"`

	// DefaultEndpointToHostAction: What becomes of traffic from a pod to its own node, once the pod's egress policy allows it. `RETURN` leaves it to the host's other rules. (one of DROP, ACCEPT, RETURN; default DROP)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(DROP|ACCEPT|RETURN)?$`
	DefaultEndpointToHostAction string `json:"defaultEndpointToHostAction,omitempty"`

	// WorkloadSourceSpoofing: Whether a pod may send from the prefixes in its annotation `cni.projectcalico.org/allowedSourcePrefixes`. (one of Disabled, Any; default Disabled)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(Disabled|Any)?$`
	WorkloadSourceSpoofing string `json:"workloadSourceSpoofing,omitempty"`

	// DisableConntrackInvalidCheck: Do not drop packets that connection tracking calls invalid. (true or false; default false)
	DisableConntrackInvalidCheck *bool `json:"disableConntrackInvalidCheck,omitempty"`

	// AllowVXLANPacketsFromWorkloads: Let pods send VXLAN themselves (UDP to `VXLANPort`), if policy allows it. (true or false; default false)
	AllowVXLANPacketsFromWorkloads *bool `json:"allowVXLANPacketsFromWorkloads,omitempty"`

	// AllowIPIPPacketsFromWorkloads: Let pods send IP in IP themselves (protocol 4), if policy allows it. (true or false; default false)
	AllowIPIPPacketsFromWorkloads *bool `json:"allowIPIPPacketsFromWorkloads,omitempty"`

	// PolicyCounters: Every rule counts its packets and bytes. (true or false; default false)
	PolicyCounters *bool `json:"policyCounters,omitempty"`

	// LogPrefix: Starts the kernel's log line of a rule with action Log. (text, up to 100 bytes; default calico-packet)
	LogPrefix string `json:"logPrefix,omitempty"`

	// LogActionRateLimit: How many such lines a rule may write. Unset, there is no limit. (rate, as 10/second, up to 9999 a second, minute, hour or day)
	//
	// +kubebuilder:validation:Pattern=`^([1-9][0-9]{0,3}/(second|minute|hour|day)|none)?$`
	LogActionRateLimit string `json:"logActionRateLimit,omitempty"`

	// LogActionRateLimitBurst: How many lines may come at once before the limit holds. (whole number, 0 to 9999; default 5)
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9999
	LogActionRateLimitBurst *int64 `json:"logActionRateLimitBurst,omitempty"`

	// FailsafeInboundHostPorts: Ports of the host that stay reachable whatever policy says, both families unless a net is given. (list of PROTOCOL:PORT or PROTOCOL:NET:PORT, an IPv6 net in brackets; default tcp:22,udp:68,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667)
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	FailsafeInboundHostPorts json.RawMessage `json:"failsafeInboundHostPorts,omitempty"`

	// FailsafeOutboundHostPorts: Ports that the host may reach whatever policy says, both families unless a net is given. (list of PROTOCOL:PORT or PROTOCOL:NET:PORT, an IPv6 net in brackets; default udp:53,udp:67,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667)
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	FailsafeOutboundHostPorts json.RawMessage `json:"failsafeOutboundHostPorts,omitempty"`

	// NatOutgoingAddress: Source address that IPv4 traffic leaves with. Unset, it is that of the outgoing interface. (IPv4 address)
	//
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self == 'none' || isIP(self) && ip(self).family() == 4",message="not an IPv4 address"
	NatOutgoingAddress string `json:"natOutgoingAddress,omitempty"`

	// NatOutgoingAddressIPv6: Source address that IPv6 traffic leaves with. Unset, it is that of the outgoing interface. (IPv6 address)
	//
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self == 'none' || isIP(self) && ip(self).family() == 6",message="not an IPv6 address"
	NatOutgoingAddressIPv6 string `json:"natOutgoingAddressIPv6,omitempty"`

	// NatOutgoingExclusions: Destinations that are reached without NAT: all pools, or all pools and the nodes, both families. (one of IPPoolsOnly, IPPoolsAndHostIPs; default IPPoolsOnly)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(IPPoolsOnly|IPPoolsAndHostIPs)?$`
	NatOutgoingExclusions string `json:"natOutgoingExclusions,omitempty"`

	// NatPortRange: Source ports for NAT, both families. Unset, the kernel chooses. UDP never takes the tunnels' ports. (port range, as 32768:60999)
	//
	// +kubebuilder:validation:XIntOrString
	NatPortRange intstr.IntOrString `json:"natPortRange,omitempty"`

	// IptablesNATOutgoingInterfaceFilter: Outgoing interface that NAT is for; a `+` at its end stands for any continuation. Unset, any. (interface name, a final + matching any ending)
	IptablesNATOutgoingInterfaceFilter string `json:"iptablesNATOutgoingInterfaceFilter,omitempty"`

	// MtuIfacePattern: Interfaces of the host whose smallest MTU counts if the node's own address says nothing of it: if no interface has that address, or a loopback one. (regular expression; default ^((en|wl|ww|sl|ib)[Pcopsvx].*|(eth|wlan|wwan).*))
	MtuIfacePattern string `json:"mtuIfacePattern,omitempty"`

	// RequireMTUFile: Not ready until the pods' MTU is written for the CNI plugin. (true or false; default false)
	RequireMTUFile *bool `json:"requireMTUFile,omitempty"`

	// VxlanUnderlay: The family that VXLAN packets travel over: each pod address family its own, in a device each, or one family for both, in one device. With `IPv6`, IPv4 pods reach each other across nodes that have IPv6 addresses only. To be the same on all nodes. (one of PerFamily, IPv4, IPv6; default PerFamily)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(PerFamily|IPv4|IPv6)?$`
	VxlanUnderlay string `json:"vxlanUnderlay,omitempty"`

	// VxlanEnabled: Make the IPv4 VXLAN device, or never. Unset, it is there when a pool wants it, as for IPv6. (true or false; unset decides by itself)
	VxlanEnabled *bool `json:"vxlanEnabled,omitempty"`

	// VxlanPort: UDP port, both families. Pods may not send to it, and outgoing NAT never picks it as a source. (port, 1 to 65535; default 4789)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	VxlanPort *int64 `json:"vxlanPort,omitempty"`

	// VxlanVNI: Network identifier, both families. (whole number, 1 to 16777215; default 4096)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16777215
	VxlanVNI *int64 `json:"vxlanVNI,omitempty"`

	// VxlanMTU: MTU of the IPv4 device. 0 is 50 less than the host's. (bytes, 68 to 65535, or 0 for automatic; default 0)
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	VxlanMTU *int64 `json:"vxlanMTU,omitempty"`

	// VxlanMTUV6: MTU of the IPv6 device. 0 is 70 less than the host's. (bytes, 1280 to 65535, or 0 for automatic; default 0)
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	VxlanMTUV6 *int64 `json:"vxlanMTUV6,omitempty"`

	// FeatureDetectOverride: `ChecksumOffloadBroken=true` has the checksums inside of VXLAN packets made in software, for network cards that get them wrong: TCP through the tunnel then stalls, ping does not. (list of NAME=true or NAME=false)
	FeatureDetectOverride string `json:"featureDetectOverride,omitempty"`

	// ExternalNodesList: Nets outside the cluster that tunnelled packets are taken from. (list of CIDRs, both families)
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	ExternalNodesList json.RawMessage `json:"externalNodesList,omitempty"`

	// IpipEnabled: Make the IPIP device `tunl0`, or never. Unset, it is there when an IPv4 pool wants it. (true or false; unset decides by itself)
	IpipEnabled *bool `json:"ipipEnabled,omitempty"`

	// IpipMTU: MTU of the IPIP device. 0 is 20 less than the host's. (bytes, 68 to 65535, or 0 for automatic; default 0)
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	IpipMTU *int64 `json:"ipipMTU,omitempty"`

	// WireguardEnabled: Encrypt IPv4 traffic between pods of different nodes. (true or false; default false)
	WireguardEnabled *bool `json:"wireguardEnabled,omitempty"`

	// WireguardInterfaceName: Name of the IPv4 device. (interface name; default wireguard.cali)
	WireguardInterfaceName string `json:"wireguardInterfaceName,omitempty"`

	// WireguardListeningPort: UDP port of the IPv4 device. Outgoing NAT never picks it as a source. (port, 1 to 65535; default 51820)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	WireguardListeningPort *int64 `json:"wireguardListeningPort,omitempty"`

	// WireguardMTU: MTU of the IPv4 device. 0 is 60 less than the host's. (bytes, 68 to 65535, or 0 for automatic; default 0)
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	WireguardMTU *int64 `json:"wireguardMTU,omitempty"`

	// WireguardEnabledV6: Encrypt IPv6 traffic between pods of different nodes. (true or false; default false)
	WireguardEnabledV6 *bool `json:"wireguardEnabledV6,omitempty"`

	// WireguardInterfaceNameV6: Name of the IPv6 device. (interface name; default wg-v6.cali)
	WireguardInterfaceNameV6 string `json:"wireguardInterfaceNameV6,omitempty"`

	// WireguardListeningPortV6: UDP port of the IPv6 device. Outgoing NAT never picks it as a source. (port, 1 to 65535; default 51821)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	WireguardListeningPortV6 *int64 `json:"wireguardListeningPortV6,omitempty"`

	// WireguardMTUV6: MTU of the IPv6 device. 0 is 80 less than the host's. (bytes, 1280 to 65535, or 0 for automatic; default 0)
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	WireguardMTUV6 *int64 `json:"wireguardMTUV6,omitempty"`

	// WireguardRoutingRulePriority: Priority of the routing rule for the tunnel, both families. (whole number, 1 to 32765; default 99)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32765
	WireguardRoutingRulePriority *int64 `json:"wireguardRoutingRulePriority,omitempty"`

	// WireguardKeepAlive: Time between keep-alives, both families; 0 sends none. (seconds, or a duration like 90s; default 0)
	//
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)?)*$`
	WireguardKeepAlive string `json:"wireguardKeepAlive,omitempty"`

	// WireguardHostEncryptionEnabled: Encrypt traffic between the nodes themselves too, both families. (true or false; default false)
	WireguardHostEncryptionEnabled *bool `json:"wireguardHostEncryptionEnabled,omitempty"`

	// WireguardThreadingEnabled: Use threaded NAPI on the devices, both families. (true or false; default false)
	WireguardThreadingEnabled *bool `json:"wireguardThreadingEnabled,omitempty"`

	// WireguardBackend: Where the devices are, both families: the kernel's own, or in user space in the agent's process, where packets cost several times as much and the tunnel is down while no agent runs. `Auto` takes the kernel's where it has them. (one of Auto, Kernel, Userspace; default Auto)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(Auto|Kernel|Userspace)?$`
	WireguardBackend string `json:"wireguardBackend,omitempty"`

	// WireguardRequired: Drop what goes to pods of nodes that have published no key, both families, instead of sending it in the clear. (true or false; default false)
	WireguardRequired *bool `json:"wireguardRequired,omitempty"`

	// NftablesMode: Policy in nftables (Enabled), in iptables (Disabled), or in nftables wherever the kernel has it (Auto). See docs/backends.md. (one of Auto, Enabled, Disabled; default Auto)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(Auto|Enabled|Disabled)?$`
	NftablesMode string `json:"nftablesMode,omitempty"`

	// NftablesFilterDenyAction: How denied packets are refused, both families. (one of DROP, REJECT; default DROP)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(DROP|REJECT)?$`
	NftablesFilterDenyAction string `json:"nftablesFilterDenyAction,omitempty"`

	// NftablesMarkMask: Packet mark bits that the agent may use, both families. Policy in nftables needs none; WireGuard's own packets carry the highest. (mask, at least 2 bits of 32; default 0xffff0000)
	//
	// +kubebuilder:validation:Minimum=3
	// +kubebuilder:validation:Maximum=4294967295
	NftablesMarkMask *int64 `json:"nftablesMarkMask,omitempty"`

	// IptablesBackend: Which of the iptables programs to use; Auto takes the variant in which Kubernetes' own chains are. (one of Auto, Legacy, NFT; default Auto)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(Auto|Legacy|NFT)?$`
	IptablesBackend string `json:"iptablesBackend,omitempty"`

	// ChainInsertMode: Whether the agent's rule is the first or the last of the kernel's chains. In nat's POSTROUTING it is the last. (one of insert, append; default insert)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(insert|append)?$`
	ChainInsertMode string `json:"chainInsertMode,omitempty"`

	// IptablesFilterAllowAction: What becomes of a packet that policy allows, in the filter table. (one of ACCEPT, RETURN; default ACCEPT)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(ACCEPT|RETURN)?$`
	IptablesFilterAllowAction string `json:"iptablesFilterAllowAction,omitempty"`

	// IptablesMangleAllowAction: The same in the mangle table. (one of ACCEPT, RETURN; default ACCEPT)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(ACCEPT|RETURN)?$`
	IptablesMangleAllowAction string `json:"iptablesMangleAllowAction,omitempty"`

	// IptablesFilterDenyAction: How denied packets are refused. (one of DROP, REJECT; default DROP)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(DROP|REJECT)?$`
	IptablesFilterDenyAction string `json:"iptablesFilterDenyAction,omitempty"`

	// IptablesMarkMask: Packet mark bits that the agent may use: the two lowest for policy, the highest for WireGuard's own packets. (mask, at least 2 bits of 32; default 0xffff0000)
	//
	// +kubebuilder:validation:Minimum=3
	// +kubebuilder:validation:Maximum=4294967295
	IptablesMarkMask *int64 `json:"iptablesMarkMask,omitempty"`

	// IptablesRefreshInterval: Time between reads of the rules to repair them; 0 is never. (seconds, or a duration like 90s; default 180)
	//
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)?)*$`
	IptablesRefreshInterval string `json:"iptablesRefreshInterval,omitempty"`

	// IptablesPostWriteCheckInterval: Time after a write when the rules are read back. (seconds, or a duration like 90s; default 5)
	//
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)?)*$`
	IptablesPostWriteCheckInterval string `json:"iptablesPostWriteCheckInterval,omitempty"`

	// IptablesLockProbeInterval: Time between attempts to get the xtables lock. (milliseconds, or a duration like 50ms; default 50)
	//
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)?)*$`
	IptablesLockProbeInterval string `json:"iptablesLockProbeInterval,omitempty"`

	// IpsetsRefreshInterval: Time between reads of the IP sets to repair them; 0 is never. (seconds, or a duration like 90s; default 90)
	//
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)?)*$`
	IpsetsRefreshInterval string `json:"ipsetsRefreshInterval,omitempty"`

	// MaxIpsetSize: Most members of an IP set. (whole number, 1 or more; default 1048576)
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	MaxIpsetSize *int64 `json:"maxIpsetSize,omitempty"`

	// HealthEnabled: Serve `/liveness` and `/readiness`. (true or false; default true)
	HealthEnabled *bool `json:"healthEnabled,omitempty"`

	// HealthHost: Where to listen. `localhost` is both 127.0.0.1 and ::1; `::` is everywhere, both families. (host name or address; default localhost)
	HealthHost string `json:"healthHost,omitempty"`

	// HealthPort: TCP port; 0 takes any free one. (port, 0 to 65535; default 9099)
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	HealthPort *int64 `json:"healthPort,omitempty"`

	// HealthTimeoutOverrides: How long a component (`calculation`, `dataplane`) may be silent and still count as live. (list of NAME=DURATION)
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	HealthTimeoutOverrides json.RawMessage `json:"healthTimeoutOverrides,omitempty"`

	// PrometheusMetricsEnabled: Serve `/metrics`. (true or false; default true)
	PrometheusMetricsEnabled *bool `json:"prometheusMetricsEnabled,omitempty"`

	// PrometheusMetricsHost: Where to listen, as for `HealthHost`. (host name or address; default localhost)
	PrometheusMetricsHost string `json:"prometheusMetricsHost,omitempty"`

	// PrometheusMetricsPort: TCP port; 0 takes any free one. (port, 0 to 65535; default 9091)
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	PrometheusMetricsPort *int64 `json:"prometheusMetricsPort,omitempty"`

	// PrometheusGoMetricsEnabled: Include the metrics of the Go runtime. (true or false; default true)
	PrometheusGoMetricsEnabled *bool `json:"prometheusGoMetricsEnabled,omitempty"`

	// PrometheusProcessMetricsEnabled: Include the metrics of the process. (true or false; default true)
	PrometheusProcessMetricsEnabled *bool `json:"prometheusProcessMetricsEnabled,omitempty"`

	// PrometheusWireGuardMetricsEnabled: Include the metrics of WireGuard peers. (true or false; default true)
	PrometheusWireGuardMetricsEnabled *bool `json:"prometheusWireGuardMetricsEnabled,omitempty"`

	// PrometheusMetricsCertFile: Certificate of the server, PEM. With it, metrics are served over TLS; it is read again when it has changed. (path)
	PrometheusMetricsCertFile string `json:"prometheusMetricsCertFile,omitempty"`

	// PrometheusMetricsKeyFile: Key of the server, PEM. (path)
	PrometheusMetricsKeyFile string `json:"prometheusMetricsKeyFile,omitempty"`

	// PrometheusMetricsCAFile: Authorities that sign clients' certificates, PEM. Where these are verified and there are none, no client is let in. (path)
	PrometheusMetricsCAFile string `json:"prometheusMetricsCAFile,omitempty"`

	// PrometheusMetricsClientAuth: What certificate a client must show. (one of NoClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert; default NoClientCert)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(NoClientCert|RequireAnyClientCert|VerifyClientCertIfGiven|RequireAndVerifyClientCert)?$`
	PrometheusMetricsClientAuth string `json:"prometheusMetricsClientAuth,omitempty"`

	// DebugHost: Where the profiler listens, as for `HealthHost`. It has no access control. (host name or address; default localhost)
	DebugHost string `json:"debugHost,omitempty"`

	// DebugPort: TCP port of the profiler (`/debug/pprof`); 0 is none. (port, 0 to 65535; default 0)
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	DebugPort *int64 `json:"debugPort,omitempty"`

	// LogSeverityScreen: Least severity that is logged on standard error. (one of TRACE, DEBUG, INFO, WARNING, ERROR, FATAL, or none; default INFO)
	//
	// +kubebuilder:validation:Pattern=`^(?i)(TRACE|DEBUG|INFO|WARNING|ERROR|FATAL|none)?$`
	LogSeverityScreen string `json:"logSeverityScreen,omitempty"`

	// GoGCThreshold: Percentage that the heap, counted as 12 MiB larger than it is, may grow before it is collected; -1 is never. `GOGC` goes before it. (whole number, -1 or more; default 40)
	//
	// +kubebuilder:validation:Minimum=-1
	// +kubebuilder:validation:Maximum=2147483647
	GoGCThreshold *int64 `json:"goGCThreshold,omitempty"`

	// GoMemoryLimitMB: Soft memory limit in MiB; -1 is none. `GOMEMLIMIT` goes before it. (whole number, -1 or more; default -1)
	//
	// +kubebuilder:validation:Minimum=-1
	// +kubebuilder:validation:Maximum=2147483647
	GoMemoryLimitMB *int64 `json:"goMemoryLimitMB,omitempty"`

	// GoMaxProcs: Processors used at a time; -1 is all. `GOMAXPROCS` goes before it. (whole number, -1 or more; default -1)
	//
	// +kubebuilder:validation:Minimum=-1
	// +kubebuilder:validation:Maximum=2147483647
	GoMaxProcs *int64 `json:"goMaxProcs,omitempty"`
}
