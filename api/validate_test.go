package api

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRules checks rules one by one, at ingress: the rule is YAML in one line.
func TestRules(t *testing.T) {
	const needsPorts = "needs protocol TCP, UDP or SCTP"
	for _, c := range []struct {
		rule string
		want []string // without the prefix "spec.ingress[0]"
	}{
		{`{action: Allow}`, nil},
		{`{action: Pass, protocol: UDP, source: {nets: [10.0.0.0/8, "fd00::/8", 192.0.2.1]}, destination: {ports: [80, "90:99", dns]}}`, nil},
		{`{action: Deny, protocol: ICMPv6, icmp: {type: 128, code: 0}}`, nil},
		{`{action: Log, protocol: 41}`, nil},
		{`{action: Allow, source: {namespaceSelector: global()}}`, nil},
		{`{action: Allow, protocol: TCP, http: {methods: [GET], paths: [{exact: /a}, {prefix: /b}]}}`, nil},

		{`{}`, []string{`.action: required`}},
		{`{action: allow}`, []string{`.action="allow": must be one of Allow, Deny, Log, Pass`}},
		{`{action: Allow, ipVersion: 5}`, []string{`.ipVersion="5": must be 4 or 6`}},
		{`{action: Allow, source: {nets: [10.0.0.1/8]}}`, []string{`.source.nets[0]="10.0.0.1/8": host bits set, did you mean 10.0.0.0/8`}},
		{`{action: Allow, source: {notNets: ["::/0", "fd00::/200"]}}`,
			[]string{`.source.notNets[1]="fd00::/200": not a CIDR: prefix length "200" is not a number from 0 to 128`}},
		{`{action: Allow, protocol: TCP, destination: {ports: [0, 80, "9:8"]}}`, []string{
			`.destination.ports[0]="0": port must be from 1 to 65535`,
			`.destination.ports[2]="9:8": port range ends before it begins, did you mean 8:9`}},
		{`{action: Allow, destination: {ports: [80]}}`, []string{`.destination.ports: ` + needsPorts}},
		{`{action: Allow, protocol: ICMP, source: {notPorts: [80]}}`, []string{`.source.notPorts: ` + needsPorts}},
		{`{action: Allow, protocol: HTTP}`,
			[]string{`.protocol="HTTP": must be TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255`}},
		{`{action: Allow, protocol: 256}`,
			[]string{`.protocol="256": must be TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255`}},
		{`{action: Allow, ipVersion: 6, protocol: ICMP}`, []string{`.protocol="ICMP": the rule's ipVersion is 6`}},
		{`{action: Allow, ipVersion: 4, notProtocol: ICMPv6}`, []string{`.notProtocol="ICMPv6": the rule's ipVersion is 4`}},
		{`{action: Allow, protocol: ICMP, icmp: {type: 255, code: 256}}`, []string{
			`.icmp.type="255": must be from 0 to 254`, `.icmp.code="256": must be from 0 to 255`}},
		{`{action: Allow, protocol: ICMP, notICMP: {code: -1}}`, []string{
			`.notICMP.code="-1": must be from 0 to 255`, `.notICMP.code="-1": needs a type`}},
		{`{action: Allow, protocol: TCP, icmp: {type: 8}}`, []string{`.icmp: needs protocol ICMP or ICMPv6`}},
		{`{action: Allow, icmp: {type: 8}}`, []string{`.icmp: needs protocol ICMP or ICMPv6`}},
		{`{action: Allow, source: {selector: global()}}`,
			[]string{`.source.selector="global()": global() stands only in the namespaceSelector of a rule`}},
		{`{action: Allow, source: {namespaceSelector: global() || a == 'b'}}`,
			[]string{`.source.namespaceSelector="global() || a == 'b'": global() cannot be combined with other terms`}},
		{`{action: Deny, http: {methods: [GET]}}`, []string{`.http: only for Allow rules`}},
		{`{action: Allow, protocol: UDP, http: {paths: [{}]}}`, []string{
			`.http: needs protocol TCP or none`, `.http.paths[0]: needs either exact or prefix`}},
		{`{action: Allow, destination: {services: {name: s}}}`,
			[]string{`.destination.services="s": only the other end of the traffic can be a service`}},
		{`{action: Allow, source: {services: {namespace: n}, nets: [10.0.0.0/8]}}`, []string{
			`.source.services.name: required`,
			`.source.services: excludes selectors, service accounts and nets on the same end`}},
	} {
		var want []string
		for _, w := range c.want {
			want = append(want, "spec.ingress[0]"+w)
		}
		p := load(t, "NetworkPolicy", "p", "ingress: ["+c.rule+"]")
		if diff := cmp.Diff(want, lines(p)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", c.rule, diff)
		}
		for _, e := range p.Validate() {
			if ref, ok := e.Rule(); !ok || ref != (RuleRef{PolicyTypeIngress, 0}) {
				t.Errorf("%s: not of the rule: %v", e.Field, ref)
			}
		}
	}
}

// TestIPVersionAsProtocol: an IP version where a protocol belongs is read as meant only where that opens
// nothing.
func TestIPVersionAsProtocol(t *testing.T) {
	for _, action := range []Action{Allow, Deny, Pass, Log} {
		for version, other := range map[int]int{4: 6, 6: 4} {
			proto := fmt.Sprintf("IPv%d", version)
			line := fmt.Sprintf(`spec.egress[0].protocol="%s": no protocol that a rule can name, write ipVersion: %d`, proto, version)
			read := "warning: " + line
			if action == Allow {
				read = line
			}
			for rule, want := range map[string]string{
				fmt.Sprintf("{action: %s, protocol: %s}", action, proto):                         read,
				fmt.Sprintf("{action: %s, protocol: %s, ipVersion: %d}", action, proto, version): read,
				fmt.Sprintf("{action: %s, protocol: %s, ipVersion: %d}", action, proto, other):   line,
			} {
				got := lines(load(t, "GlobalNetworkPolicy", "p", "egress: ["+rule+"]"))
				if diff := cmp.Diff([]string{want}, got); diff != "" {
					t.Errorf("%s: -want +got:\n%s", rule, diff)
				}
			}
		}
	}
}

func TestSpecs(t *testing.T) {
	for _, c := range []struct {
		kind, name, spec string
		want             []string
	}{
		// Pools of both families, with and without blocks of their own.
		{"IPPool", "p", "cidr: 10.244.0.0/16", nil},
		{"IPPool", "p", "cidr: fd00:10:244::/48", nil},
		{"IPPool", "p", "{cidr: 10.0.0.0/26, blockSize: 26, ipipMode: Always}", nil},
		{"IPPool", "p", "{cidr: 10.0.0.0/24, blockSize: 20}", []string{`spec.blockSize="20": a block of this size is larger than the pool 10.0.0.0/24`}},
		{"IPPool", "p", "{cidr: 10.0.0.0/16, blockSize: 19}", []string{`spec.blockSize="19": must be from 20 to 32 for this family`}},
		{"IPPool", "p", "{cidr: 10.0.0.0/16, blockSize: 122}", []string{`spec.blockSize="122": must be from 20 to 32 for this family`}},
		{"IPPool", "p", `{cidr: "fd00::/64", blockSize: 26}`, []string{`spec.blockSize="26": must be from 116 to 128 for this family`}},
		{"IPPool", "p", `{cidr: "fd00::/64", blockSize: -1}`, []string{`spec.blockSize="-1": must be from 116 to 128 for this family`}},
		{"IPPool", "p", `{cidr: "fd00::/64", ipipMode: CrossSubnet}`, []string{`spec.ipipMode="CrossSubnet": IPIP carries IPv4 only, this pool is IPv6`}},
		{"IPPool", "p", "{cidr: 10.0.0.0/16, ipipMode: Always, vxlanMode: CrossSubnet}",
			[]string{`spec.ipipMode="Always": vxlanMode is CrossSubnet, a pool has one encapsulation`}},
		{"IPPool", "p", "{cidr: 10.0.0.0/16, vxlanMode: always}", []string{`spec.vxlanMode="always": must be one of Never, Always, CrossSubnet`}},
		{"IPPool", "p", "{}", []string{"spec.cidr: required"}},
		{"IPPool", "p", "cidr: 10.0.0.1/16", []string{`spec.cidr="10.0.0.1/16": host bits set, did you mean 10.0.0.0/16`}},
		{"IPPool", "p", "cidr: 10.0.0.0", []string{`spec.cidr="10.0.0.0": not a CIDR, the prefix length is missing`}},
		{"IPPool", "p", "cidr: 169.254.0.0/20", []string{`spec.cidr="169.254.0.0/20": overlaps link-local 169.254.0.0/16`}},
		{"IPPool", "p", `cidr: "fe80::/64"`, []string{`spec.cidr="fe80::/64": overlaps link-local fe80::/10`}},
		{"IPPool", "p", "{cidr: 10.0.0.0/16, allowedUses: [Workload, Pods], assignmentMode: Auto}", []string{
			`spec.allowedUses[1]="Pods": must be one of Workload, Tunnel, LoadBalancer`,
			`spec.assignmentMode="Auto": must be one of Automatic, Manual`}},

		{"NetworkPolicy", "p", "{tier: a.b, selector: global(), types: [Ingress, ingress, Ingress]}", []string{
			`spec.tier="a.b": a tier's name is at most 63 lower case letters, digits and -, without dots`,
			`spec.selector="global()": global() stands only in the namespaceSelector of a rule`,
			`spec.types[1]="ingress": must be one of Ingress, Egress`, `spec.types[2]="Ingress": named twice`}},
		{"NetworkPolicy", "p", "egress: [{action: Allow, http: {}, source: {services: {name: s}}}]", []string{
			"spec.egress[0].source.services=\"s\": only the other end of the traffic can be a service",
			"spec.egress[0].http: not for egress rules"}},
		{"NetworkPolicy", "p", "egress: [{action: Allow, protocol: TCP, destination: {services: {name: s}, ports: [80]}}]",
			[]string{`spec.egress[0].destination.services="s": excludes ports: the service's own are used`}},
		{"GlobalNetworkPolicy", "p", "ingress: [{action: Allow, source: {services: {name: s}}}]",
			[]string{"spec.ingress[0].source.services.namespace: required in a global policy"}},
		{"GlobalNetworkPolicy", "p", "{doNotTrack: true, preDNAT: true}", []string{
			`spec.preDNAT="true": excludes doNotTrack, which is set too`,
			`spec.applyOnForward="false": must be true where doNotTrack or preDNAT is`}},
		{"GlobalNetworkPolicy", "p", "{preDNAT: true, applyOnForward: true, egress: [{action: Allow}]}",
			[]string{"spec.egress: a preDNAT policy has no egress rules"}},
		{"GlobalNetworkPolicy", "p", "{preDNAT: true, applyOnForward: true, types: [Egress]}",
			[]string{`spec.types[0]="Egress": a preDNAT policy has no egress`}},

		{"GlobalNetworkSet", "s", `nets: [10.0.0.0/8, "fd00::1", "fd00::1/64", x]`, []string{
			`spec.nets[2]="fd00::1/64": host bits set, did you mean fd00::/64`, `spec.nets[3]="x": not an IP address`}},

		{"Tier", "default", "{}", nil},
		{"Tier", "default", "{order: 100, defaultAction: Pass}", []string{
			`spec.order="100": the default tier's order is 1000000`, `spec.defaultAction="Pass": the default tier's is Deny`}},
		{"Tier", "t", "defaultAction: Allow", []string{`spec.defaultAction="Allow": must be one of Deny, Pass`}},
		{"Tier", "kube-admin", "defaultAction: Deny", []string{`spec.defaultAction="Deny": this tier's is Pass`}},
		{"Tier", "kube-admin", "order: 1000", nil},

		{"BGPConfiguration", "default", `{serviceClusterIPs: [{cidr: 10.96.0.0/16}, {cidr: "fd00::1/112"}], listenPort: 0, asNumber: x}`, []string{
			`spec.asNumber="x": not an AS number`, `spec.listenPort="0": port must be from 1 to 65535`,
			`spec.serviceClusterIPs[1].cidr="fd00::1/112": host bits set, did you mean fd00::/112`}},
		{"BGPConfiguration", "default", `{communities: [{name: a, value: "1:2"}, {name: b, value: "65536:1"}],
  prefixAdvertisements: [{cidr: 10.0.0.0/8, communities: [a, "1:2:3", c]}]}`, []string{
			`spec.communities[1].value="65536:1": not a community aa:nn or aa:nn:mm`,
			`spec.prefixAdvertisements[0].communities[2]="c": neither a community's name nor a value aa:nn or aa:nn:mm`}},
		{"BGPConfiguration", "default", `{localWorkloadPeeringIPV4: "fd00::1", nodeToNodeMeshEnabled: false, nodeMeshPassword: {}}`, []string{
			`spec.localWorkloadPeeringIPV4="fd00::1": an address of the other family`, "spec.nodeMeshPassword: needs nodeToNodeMeshEnabled"}},

		{"BGPPeer", "p", `{peerIP: "2001:db8::1", asNumber: 64512, nodeSelector: rack == 'r'}`, nil},
		{"BGPPeer", "p", `{peerIP: "[2001:db8::1]:179", reachableBy: "fd00::1"}`, nil},
		{"BGPPeer", "p", `{peerIP: "192.0.2.1:179", reachableBy: "fd00::1"}`, []string{`spec.reachableBy="fd00::1": not of the family of peerIP 192.0.2.1:179`}},
		{"BGPPeer", "p", `{peerIP: "2001:db8::1:0:0:0:0:179:1"}`, []string{
			`spec.peerIP="2001:db8::1:0:0:0:0:179:1": not an address, nor <IPv4>:port, nor [<IPv6>]:port`}},
		{"BGPPeer", "p", "{node: a, nodeSelector: all(), ttlSecurity: 256, reachableBy: x}", []string{
			`spec.reachableBy="x": not an IP address`, `spec.ttlSecurity="256": must be from 0 to 255`,
			`spec.node="a": must be empty where nodeSelector is set`}},
		{"BGPPeer", "p", "localWorkloadSelector: all()", []string{"spec.asNumber: required with localWorkloadSelector"}},

		{"HostEndpoint", "h", "{node: n, interfaceName: '*'}", nil},
		{"HostEndpoint", "h", "{}", []string{"spec.node: required", "spec.interfaceName: required where expectedIPs is empty"}},
		{"HostEndpoint", "h", "{node: n, interfaceName: averyverylongname, expectedIPs: [10.0.0.0/8], ports: [{name: '1', protocol: ICMP, port: 0}]}", []string{
			`spec.interfaceName="averyverylongname": an interface's name has at most 15 bytes`, `spec.expectedIPs[0]="10.0.0.0/8": not an IP address`,
			`spec.ports[0].name="1": not a port's name`, `spec.ports[0].protocol="ICMP": must be TCP, UDP or SCTP`,
			`spec.ports[0].port="0": port must be from 1 to 65535`}},

		{"IPAMBlock", "b", `{cidr: "fd00::/64", affinity: "virtual:x", allocations: [null], unallocated: [], attributes: []}`, nil},
		{"IPAMBlock", "b", "{cidr: 10.0.0.0/31, affinity: n1, allocations: [0, 1, null], unallocated: [], attributes: [{}]}", []string{
			`spec.affinity="n1": must be host:<node> or virtual:<name>`, `spec.allocations="3": more allocations than addresses in 10.0.0.0/31`,
			`spec.allocations[1]="1": no such element of attributes`}},
		{"BlockAffinity", "a", "{cidr: 10.0.0.0/26, node: n, state: confirmed}", nil},
		{"BlockAffinity", "a", "{cidr: 10.0.0.0/26, state: done}", []string{
			"spec.node: required", `spec.state="done": must be one of confirmed, pending, pendingDeletion`}},
		{"IPAMConfig", "default", "maxBlocksPerHost: -1", []string{`spec.maxBlocksPerHost="-1": must be from 0 to 1000000`}},
		{"ClusterInformation", "default", "{datastoreReady: true, clusterGUID: x}", nil},
		{"FelixConfiguration", "node.n1", "{anything: [1, 2]}", nil},
	} {
		t.Run(c.kind+" "+c.spec, func(t *testing.T) {
			if diff := cmp.Diff(c.want, lines(load(t, c.kind, c.name, c.spec))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPoolDefaults(t *testing.T) {
	for cidr, block := range map[string]int{"10.0.0.0/16": 26, "fd00::/48": 122, "nonsense": 0} {
		p, _ := load(t, "IPPool", "p", "cidr: "+cidr).(*IPPool)
		if p.Spec.BlockSize != block || p.Spec.VXLANMode != EncapNever || p.Spec.IPIPMode != EncapNever ||
			p.Spec.NodeSelector != "all()" || len(p.Spec.AllowedUses) != 2 || p.Spec.NATOutgoing {
			t.Errorf("%s: %+v", cidr, p.Spec)
		}
	}
}

func TestFelixConfiguration(t *testing.T) {
	c, _ := load(t, "FelixConfiguration", "node.n1", "{nodeSelector: rack == 'a', ipv6Support: true}").(*FelixConfiguration)
	if node, ok := c.Node(); !ok || node != "n1" {
		t.Errorf("node %q", node)
	}
	if s, ok := c.NodeSelector(); !ok || s != "rack == 'a'" {
		t.Errorf("selector %q", s)
	}
	if string(c.Spec["ipv6Support"]) != "true" {
		t.Errorf("settings %v", c.Spec)
	}
	d, _ := load(t, "FelixConfiguration", "default", "nodeSelector: 3").(*FelixConfiguration)
	if _, ok := d.NodeSelector(); ok {
		t.Error("a number is a selector")
	}
	if _, ok := d.Node(); ok {
		t.Error("default is a node")
	}
}
