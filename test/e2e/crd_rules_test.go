package e2e

import "testing"

// Why the server and the agent may differ.
const (
	bound         = "a bound that the server needs and the agent does not"
	later         = "left to the agent: the server could only tell at a cost that it does not grant"
	settingsApart = "package config checks settings"
	canonical     = "the server takes one spelling of a number, the agent any"
)

// TestDefinitions has a real API server judge objects by the definitions of deploy/crds, and compares
// with what the agent itself says of the same objects.
func TestDefinitions(t *testing.T) {
	d := startDefinitions(t)
	for kind, cases := range map[string][]specCase{
		"IPPool": pools, "NetworkPolicy": append(networkPolicies, rules()...), "GlobalNetworkPolicy": append(globalPolicies, rules()...),
		"NetworkSet": networkSets, "GlobalNetworkSet": networkSets, "Tier": tiers,
		"BGPConfiguration": bgpConfigurations, "BGPPeer": bgpPeers, "HostEndpoint": hostEndpoints,
		"IPAMBlock": blocks, "BlockAffinity": affinities, "IPAMConfiguration": ipamConfigurations,
		"ClusterInformation": {{spec: "{clusterGUID: x, datastoreReady: true}"}},
		"FelixConfiguration": felixConfigurations,
	} {
		t.Run(kind, func(t *testing.T) {
			d.check(t, kind, cases)
			if kind == "IPPool" {
				d.checkPoolsStayWhatTheyAre(t)
			}
			d.checkEveryRuleRefused(t, kind)
		})
	}
	t.Run("Columns", d.checkColumns)
	t.Run("Status", d.checkStatus)
}

var pools = []specCase{
	{spec: "{cidr: 10.244.0.0/16}"},
	{spec: `{cidr: "fd00:10:244::/48"}`},
	{spec: "{cidr: 10.0.0.0/26, blockSize: 26, ipipMode: Always}"},
	{spec: "{cidr: 10.0.0.0/16, blockSize: 20, vxlanMode: CrossSubnet, ipipMode: Never}"},
	{spec: "{cidr: 10.0.0.0/16, blockSize: 32, natOutgoing: true, disabled: true, disableBGPExport: true}"},
	{spec: `{cidr: "fd00::/64", blockSize: 116, vxlanMode: Always}`},
	{spec: `{cidr: "fd00::/64", blockSize: 128, allowedUses: [Workload], assignmentMode: Manual, nodeSelector: rack == 'a', namespaceSelector: has(x)}`},
	{spec: `{cidr: "FD00:0::/64"}`},
	{spec: "{}", want: "spec.cidr: Required value"},
	{spec: "{cidr: 10.0.0.0}", want: "not a CIDR"},
	{spec: "{cidr: 10.0.0.0/33}", want: "not a CIDR"},
	{spec: `{cidr: "::ffff:10.0.0.0/112"}`, want: "not a CIDR"},
	{spec: "{cidr: ten}", want: "not a CIDR"},
	{spec: "{cidr: 10.0.0.1/16}", want: "host bits are set"},
	{spec: `{cidr: "fd00::1/64"}`, want: "host bits are set"},
	{spec: "{cidr: 169.254.0.0/20}", want: "link-local"},
	{spec: "{cidr: 169.0.0.0/8}", want: "link-local"},
	{spec: `{cidr: "fe80::/64"}`, want: "link-local"},
	{spec: `{cidr: "fe00::/8"}`, want: "link-local"},
	{spec: "{cidr: 10.0.0.0/16, blockSize: 19}", want: "blockSize"},
	{spec: "{cidr: 10.0.0.0/16, blockSize: 33}", want: "blockSize must be from 20 to 32 for IPv4, from 116 to 128 for IPv6"},
	{spec: "{cidr: 10.0.0.0/16, blockSize: 122}", want: "blockSize must be"},
	{spec: `{cidr: "fd00::/64", blockSize: 115}`, want: "blockSize must be"},
	{spec: `{cidr: "fd00::/64", blockSize: 26}`, want: "blockSize must be"},
	{spec: `{cidr: "fd00::/64", blockSize: 129}`, want: "blockSize"},
	{spec: "{cidr: 10.0.0.0/24, blockSize: 20}", want: "larger than the pool"},
	{spec: "{cidr: 10.0.0.0/27}", want: "larger than the pool"},
	{spec: `{cidr: "fd00::/124"}`, want: "larger than the pool"},
	{spec: `{cidr: "fd00::/64", ipipMode: CrossSubnet}`, want: "IPIP carries IPv4 only"},
	{spec: "{cidr: 10.0.0.0/16, ipipMode: Always, vxlanMode: CrossSubnet}", want: "VXLAN and IPIP exclude each other"},
	{spec: "{cidr: 10.0.0.0/16, vxlanMode: always}", want: `Unsupported value: "always"`},
	{spec: "{cidr: 10.0.0.0/16, allowedUses: [Workload, Pods]}", want: `Unsupported value: "Pods"`},
	{spec: "{cidr: 10.0.0.0/16, assignmentMode: Auto}", want: `Unsupported value: "Auto"`},
	{spec: "{cidr: 10.0.0.0/16, nodeSelector: a = 'b'}", want: "spec.nodeSelector", agent: later},
}

var networkSets = []specCase{
	{spec: `{nets: [10.0.0.0/8, "fd00::1", "fd00::/64", 192.0.2.1]}`},
	{spec: "{}"},
	{spec: `{nets: ["fd00::1/64"]}`, want: "host bits are set"},
	{spec: "{nets: [x]}", want: "neither a CIDR nor an address"},
	{spec: `{nets: ["::ffff:10.0.0.1"]}`, want: "neither a CIDR nor an address"},
}

var tiers = []specCase{
	{spec: "{order: 100, defaultAction: Pass}"},
	{spec: "{order: -1.5}"},
	{spec: "{}", name: "default"},
	{spec: "{order: 1000000, defaultAction: Deny}", name: "default"},
	{spec: "{order: 1000, defaultAction: Pass}", name: "kube-admin"},
	{spec: "{defaultAction: Allow}", want: `Unsupported value: "Allow"`},
	{spec: "{}", name: "a.b", want: "without dots"},
	{spec: "{order: 100}", name: "default", want: "the default tier's order is 1000000"},
	{spec: "{defaultAction: Pass}", name: "default", want: "the default tier's is Deny"},
	{spec: "{defaultAction: Deny}", name: "kube-baseline", want: "this tier's is Pass"},
}

var hostEndpoints = []specCase{
	{spec: "{node: n1, interfaceName: '*'}"},
	{spec: `{node: n1, expectedIPs: ["fd00::1", 192.0.2.1], ports: [{name: dns, protocol: UDP, port: 53}]}`},
	{spec: "{interfaceName: eth0}", want: "spec.node"},
	{spec: "{node: n1}", want: "required where expectedIPs is empty"},
	{spec: "{node: n1, interfaceName: averyverylongname}", want: "spec.interfaceName"},
	{spec: "{node: n1, expectedIPs: [10.0.0.0/8]}", want: "not an IP address"},
	{spec: "{node: n1, interfaceName: a, ports: [{name: '1', protocol: TCP, port: 1}]}", want: "ports[0].name"},
	{spec: "{node: n1, interfaceName: a, ports: [{name: a, protocol: ICMP, port: 1}]}", want: "must be TCP, UDP or SCTP"},
	{spec: "{node: n1, interfaceName: a, ports: [{name: a, protocol: 256, port: 1}]}", want: "its number from 1 to 255"},
	{spec: "{node: n1, interfaceName: a, ports: [{name: a, protocol: TCP, port: 0}]}", want: "ports[0].port"},
}

var blocks = []specCase{
	{spec: `{cidr: "fd00::/122", affinity: "host:n1", allocations: [null, 0], unallocated: [0], attributes: [{handle_id: h, secondary: {pod: p}}]}`},
	{spec: "{cidr: 10.0.0.1/26, allocations: [], unallocated: [], attributes: []}", want: "not a CIDR without host bits"},
	{spec: "{cidr: 10.0.0.0/26, affinity: n1, allocations: [], unallocated: [], attributes: []}", want: "spec.affinity"},
}

var affinities = []specCase{
	{spec: "{cidr: 10.0.0.0/26, node: n1, state: confirmed, deleted: false}"},
	{spec: "{cidr: 10.0.0.1/26, node: n1, state: confirmed}", want: "not a CIDR without host bits"},
	{spec: "{cidr: 10.0.0.0/26, node: n1, state: done}", want: `Unsupported value: "done"`},
	{spec: "{cidr: 10.0.0.0/26, node: '', state: pending}", want: "spec.node"},
}

var ipamConfigurations = []specCase{
	{spec: "{strictAffinity: true, maxBlocksPerHost: 20}"},
	{spec: "{}"},
	{spec: "{maxBlocksPerHost: -1}", want: "spec.maxBlocksPerHost"},
	{spec: "{maxBlocksPerHost: 1000001}", want: "spec.maxBlocksPerHost"},
}

var felixConfigurations = []specCase{
	{spec: "{ipv6Support: true, wireguardEnabled: false, routeRefreshInterval: 90s}"},
	{spec: "{aSettingOfTomorrow: [1, {a: b}]}"},
	{spec: `{defaultEndpointToHostAction: Accept, natPortRange: "30000:32000", failsafeInboundHostPorts: [{protocol: tcp, port: 22, net: "fd00::/8"}],
	  interfacePrefix: "cali,tap", interfaceExclude: [kube-ipvs0], deviceRouteSourceAddressIPv6: "fd00::1", healthTimeoutOverrides: [{name: a, timeout: 5s}]}`},
	{spec: "{deviceRouteSourceAddress: none, logActionRateLimit: 10/second, iptablesMarkMask: 4294901760, nodeSelector: rack == 'a'}"},
	{spec: "{ipv6Support: 'yes'}", want: "spec.ipv6Support", agent: settingsApart},
	{spec: "{healthPort: 65536}", want: "spec.healthPort", agent: settingsApart},
	{spec: "{interfaceRefreshInterval: 90}", want: "spec.interfaceRefreshInterval", agent: settingsApart},
	{spec: "{interfaceRefreshInterval: soon}", want: "spec.interfaceRefreshInterval", agent: settingsApart},
	{spec: "{defaultEndpointToHostAction: Allow}", want: "spec.defaultEndpointToHostAction", agent: settingsApart},
	{spec: `{deviceRouteSourceAddress: "fd00::1"}`, want: "not an IPv4 address", agent: settingsApart},
	{spec: "{natOutgoingAddressIPv6: 192.0.2.1}", want: "not an IPv6 address", agent: settingsApart},
}

var bgpConfigurations = []specCase{
	{spec: `{asNumber: 64512, serviceClusterIPs: [{cidr: 10.96.0.0/16}, {cidr: "fd00:10:96::/112"}], listenPort: 179}`},
	{spec: `{asNumber: "1.10", communities: [{name: a, value: "1:2"}], prefixAdvertisements: [{cidr: 10.0.0.0/8, communities: [a, "1:2:3"]}]}`},
	{spec: `{localWorkloadPeeringIPV4: 192.0.2.1, localWorkloadPeeringIPV6: "fd00::1", bindMode: NodeIP, programClusterRoutes: Enabled}`},
	{spec: "{asNumber: x}", want: "spec.asNumber"},
	{spec: "{asNumber: 4294967296}", want: "not an AS number"},
	{spec: `{asNumber: "65536.1"}`, want: "not an AS number"},
	{spec: "{listenPort: 0}", want: "spec.listenPort"},
	{spec: `{serviceClusterIPs: [{cidr: "fd00::1/112"}]}`, want: "host bits are set"},
	{spec: "{serviceClusterIPs: [{cidr: ten}]}", want: "neither a CIDR nor an address"},
	{spec: `{communities: [{name: b, value: "65536:1"}]}`, want: "not a community"},
	{spec: `{prefixAdvertisements: [{cidr: 10.0.0.0/8, communities: ["1:x"]}]}`, want: "communities[0]"},
	{spec: `{prefixAdvertisements: [{cidr: 10.0.0.0/8, communities: [c]}]}`, agent: later},
	{spec: `{localWorkloadPeeringIPV4: "fd00::1"}`, want: "not an IPv4 address"},
	{spec: "{localWorkloadPeeringIPV6: 192.0.2.1}", want: "not an IPv6 address"},
	{spec: "{nodeToNodeMeshEnabled: false, nodeMeshPassword: {}}", want: "needs nodeToNodeMeshEnabled"},
	{spec: "{bindMode: All}", want: `Unsupported value: "All"`},
}

var bgpPeers = []specCase{
	{spec: `{peerIP: "2001:db8::1", asNumber: 64512, nodeSelector: rack == 'r'}`},
	{spec: `{peerIP: "[2001:db8::1]:179", reachableBy: "fd00::1"}`},
	{spec: `{peerIP: "192.0.2.1:179", reachableBy: 192.0.2.2}`},
	{spec: "{localWorkloadSelector: all(), asNumber: 64512}"},
	{spec: `{peerIP: "192.0.2.1:179", reachableBy: "fd00::1"}`, want: "not of the family of peerIP"},
	{spec: `{peerIP: "2001:db8::1:0:0:0:0:179:1"}`, want: "not an address, nor"},
	{spec: `{peerIP: "192.0.2.1:0"}`, want: "not an address, nor"},
	{spec: `{peerIP: "[192.0.2.1]:65536"}`, want: "not an address, nor"},
	{spec: "{node: a, nodeSelector: all()}", want: "must be empty where nodeSelector is set"},
	{spec: "{peerIP: 192.0.2.1, peerSelector: all()}", want: "must be empty where peerSelector is set"},
	{spec: "{peerIP: 192.0.2.1, localWorkloadSelector: all(), asNumber: 1}", want: "must be empty where localWorkloadSelector is set"},
	{spec: "{peerSelector: all(), localWorkloadSelector: all()}", want: "must be empty where localWorkloadSelector is set"},
	{spec: "{peerSelector: all(), asNumber: 1}", want: "must be empty where peerSelector is set"},
	{spec: "{localWorkloadSelector: all()}", want: "required with localWorkloadSelector"},
	{spec: "{reachableBy: 192.0.2.1}", want: "needs peerIP"},
	{spec: "{peerIP: 192.0.2.2, reachableBy: x}", want: "not an IP address"},
	{spec: "{asNumber: 4294967296}", want: "not an AS number"},
	{spec: "{ttlSecurity: 256}", want: "spec.ttlSecurity"},
	{spec: "{nextHopMode: None}", want: `Unsupported value: "None"`},
}
