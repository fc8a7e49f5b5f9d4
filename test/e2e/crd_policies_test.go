package e2e

import (
	"fmt"
	"strings"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// rules are policies of one rule each, in both directions.
func rules() []specCase {
	var all []specCase
	for _, direction := range []string{"ingress", "egress"} {
		for _, c := range ruleCases {
			c.spec = fmt.Sprintf("{%s: [%s]}", direction, c.spec)
			all = append(all, c)
		}
	}
	return all
}

var ruleCases = []specCase{
	{spec: "{action: Allow}"},
	{spec: `{action: Pass, protocol: UDP, source: {nets: [10.0.0.0/8, "fd00::/8", 192.0.2.1]}, destination: {ports: [80, "90:99", "443", dns]}}`},
	{spec: "{action: Deny, protocol: ICMPv6, ipVersion: 6, icmp: {type: 128, code: 0}}"},
	{spec: "{action: Deny, protocol: icmp, notICMP: {type: 8}}"},
	{spec: "{action: Log, protocol: 41}"},
	{spec: `{action: Log, protocol: "132", source: {notPorts: [1]}}`},
	{spec: "{action: Allow, notProtocol: udplite}"},
	{spec: "{action: Allow, source: {namespaceSelector: global()}}"},
	{spec: `{action: Allow, source: {selector: "a == 'x' && (!has(b) || c not in {'d', \"e\"}) && f starts with 'g'", notSelector: all()}}`},
	{spec: "{action: Allow, destination: {serviceAccounts: {names: [a], selector: b == 'c'}}}"},
	// The author means ipVersion, and gets a warning from the agent, or an error where the rule allows.
	{spec: "{action: Deny, protocol: IPv6}"},
	{spec: "{action: Allow, protocol: IPv6}", agent: "admitted, so that the agent can say what to write instead"},

	{spec: "{}", want: "action: Required value"},
	{spec: "{action: allow}", want: `Unsupported value: "allow"`},
	{spec: "{action: Allow, ipVersion: 5}", want: "Unsupported value: 5"},
	{spec: "{action: Allow, protocol: HTTP}", want: ".protocol"},
	{spec: "{action: Allow, protocol: 256}", want: "must be a protocol's name, or its number from 1 to 255"},
	{spec: "{action: Allow, notProtocol: 0}", want: "must be a protocol's name, or its number from 1 to 255"},
	{spec: "{action: Allow, ipVersion: 6, protocol: ICMP}", want: "protocol is of IPv4"},
	{spec: "{action: Allow, ipVersion: 4, protocol: 58}", want: "protocol is of IPv6"},
	{spec: "{action: Allow, ipVersion: 6, notProtocol: ICMP}", want: "notProtocol is of IPv4"},
	{spec: "{action: Allow, ipVersion: 4, notProtocol: ICMPv6}", want: "notProtocol is of IPv6"},
	{spec: "{action: Allow, protocol: ICMP, icmp: {type: 255}}", want: "icmp.type"},
	{spec: "{action: Allow, protocol: ICMP, icmp: {type: 3, code: 256}}", want: "icmp.code"},
	{spec: "{action: Allow, protocol: ICMP, notICMP: {code: 1}}", want: "a code needs a type"},
	{spec: "{action: Allow, protocol: TCP, icmp: {type: 8}}", want: "icmp needs protocol ICMP or ICMPv6"},
	{spec: "{action: Allow, notICMP: {type: 8}}", want: "notICMP needs protocol ICMP or ICMPv6"},
	{spec: "{action: Allow, source: {nets: [10.0.0.1/8]}}", want: "host bits set: 10.0.0.1/8"},
	{spec: `{action: Allow, destination: {notNets: ["::/0", "fd00::/200"]}}`, want: "host bits set: fd00::/200"},
	{spec: "{action: Allow, source: {nets: [pods]}}", want: "source.nets[0]"},
	{spec: "{action: Allow, protocol: TCP, destination: {ports: [0]}}", want: "port must be from 1 to 65535"},
	{spec: "{action: Allow, protocol: TCP, destination: {ports: [65536]}}", want: "port must be from 1 to 65535"},
	{spec: `{action: Allow, protocol: TCP, source: {notPorts: ["65536"]}}`, want: "source.notPorts[0]"},
	{spec: `{action: Allow, protocol: TCP, destination: {ports: ["80-90"]}}`, want: "destination.ports[0]"},
	{spec: `{action: Allow, protocol: TCP, destination: {ports: ["9:8"]}}`, want: "ends before it begins"},
	{spec: `{action: Allow, protocol: TCP, destination: {ports: ["080"]}}`, want: "destination.ports[0]", agent: canonical},
	{spec: "{action: Allow, protocol: TCP, destination: {ports: [" + strings.Repeat("1, ", 50) + "2]}}", want: "must have at most 50 items", agent: bound},
	{spec: "{action: Allow, source: {ports: [80]}}", want: "ports need protocol TCP, UDP or SCTP"},
	{spec: "{action: Allow, protocol: ICMP, source: {notPorts: [80]}}", want: "notPorts need protocol TCP, UDP or SCTP"},
	{spec: "{action: Allow, protocol: 47, destination: {ports: [80]}}", want: "ports need protocol TCP, UDP or SCTP"},
	{spec: "{action: Allow, destination: {notPorts: [80]}}", want: "notPorts need protocol TCP, UDP or SCTP"},
	{spec: "{action: Allow, source: {selector: global()}}", want: "global() stands only in the namespaceSelector of a rule"},
	{spec: "{action: Allow, destination: {notSelector: global()}}", want: "global() stands only in the namespaceSelector of a rule"},
	{spec: "{action: Allow, source: {namespaceSelector: global() || a == 'b'}}", want: "global() cannot be combined"},
	{spec: `{action: Allow, source: {selector: "a == 'b"}}`, want: "source.selector", agent: "selectors are parsed apart"},
	{spec: "{action: Allow, source: {selector: a & b}}", want: "source.selector", agent: "selectors are parsed apart"},
	{spec: "{action: Deny, http: {methods: [GET]}}", want: "http"},
	{spec: "{action: Allow, protocol: UDP, http: {methods: [GET]}}", want: "http"},
	{spec: "{action: Allow, http: {paths: [{}]}}", want: "needs either exact or prefix"},
	{spec: "{action: Allow, http: {paths: [{exact: a, prefix: b}]}}", want: "needs either exact or prefix"},
	{spec: "{action: Allow, source: {services: {namespace: ns}}}", want: "services.name: Required value"},
	{spec: "{action: Allow, source: {services: {name: s, namespace: ns}, nets: [10.0.0.0/8]}}", want: "a service excludes selectors"},
	{spec: "{action: Allow, protocol: TCP, destination: {services: {name: s, namespace: ns}, ports: [80]}}", want: "a service excludes ports"},
}

// ofPolicies are cases of what both kinds of policy have.
var ofPolicies = []specCase{
	{spec: "{}"},
	{spec: "{tier: t, order: -10.5, selector: app == 'web', types: [Ingress, Egress], serviceAccountSelector: has(x)}"},
	{spec: "{ingress: [{action: Allow, source: {services: {name: s, namespace: ns}}}], egress: [{action: Allow, destination: {services: {name: s, namespace: ns}}}]}"},
	{spec: "{ingress: [{action: Allow, protocol: TCP, http: {methods: [GET], paths: [{exact: /a}, {prefix: /b}]}}]}"},
	{spec: "{tier: a.b}", want: "spec.tier"},
	{spec: "{order: first}", want: "spec.order"},
	{spec: "{selector: global()}", want: "global() stands only in the namespaceSelector of a rule"},
	{spec: "{serviceAccountSelector: global()}", want: "global() stands only in the namespaceSelector of a rule"},
	{spec: "{types: [ingress]}", want: `Unsupported value: "ingress"`},
	{spec: "{types: [Ingress, Ingress]}", want: "Duplicate value"},
	{spec: "{selector: " + strings.Repeat("a", 1025) + "}", want: "may not be more than 1024", agent: bound},
	{spec: "{egress: [{action: Allow, http: {methods: [GET]}}]}", want: "http is not for egress rules"},
	{spec: "{ingress: [{action: Allow, destination: {services: {name: s, namespace: ns}}}]}", want: "only the source of an ingress rule can be a service"},
	{spec: "{egress: [{action: Allow, source: {services: {name: s, namespace: ns}}}]}", want: "only the destination of an egress rule can be a service"},
	{spec: "{ingress: [{action: Deny, http: {methods: [GET]}}]}", want: "http is only for Allow rules"},
	{spec: "{ingress: [{action: Allow, protocol: UDP, http: {methods: [GET]}}]}", want: "http needs protocol TCP or none"},
	{spec: "{ingres: []}", want: `unknown field "spec.ingres"`},
}

var networkPolicies = append([]specCase{
	{spec: "{ingress: [{action: Allow, source: {services: {name: s}}}]}"},
}, ofPolicies...)

var globalPolicies = append([]specCase{
	{spec: "{namespaceSelector: has(x), doNotTrack: true, applyOnForward: true}"},
	{spec: "{preDNAT: true, applyOnForward: true, types: [Ingress]}"},
	{spec: "{namespaceSelector: global()}", want: "global() stands only in the namespaceSelector of a rule"},
	{spec: "{doNotTrack: true, preDNAT: true, applyOnForward: true}", want: "doNotTrack and preDNAT exclude each other"},
	{spec: "{doNotTrack: true}", want: "must be true where doNotTrack or preDNAT is"},
	{spec: "{preDNAT: true, applyOnForward: true, egress: [{action: Allow}]}", want: "a preDNAT policy has no egress"},
	{spec: "{preDNAT: true, applyOnForward: true, types: [Egress]}", want: "a preDNAT policy has no egress"},
	{spec: "{ingress: [{action: Allow, source: {services: {name: s}}}]}", want: "the service of a global policy needs a namespace"},
	{spec: "{egress: [{action: Allow, destination: {services: {name: s}}}]}", want: "the service of a global policy needs a namespace"},
}, ofPolicies...)

// checkPoolsStayWhatTheyAre checks the rules about changes.
func (d *definitions) checkPoolsStayWhatTheyAre(t *testing.T) {
	d.keep(t, "IPPool", specCase{name: "v4", spec: "{cidr: 10.1.0.0/16}"})
	d.keep(t, "IPPool", specCase{name: "v6", spec: `{cidr: "fd00:1::/64", blockSize: 120}`})
	for _, c := range []struct{ name, patch, want string }{
		{"v4", `{"spec": {"natOutgoing": true, "vxlanMode": "Always"}}`, ""},
		{"v4", `{"spec": {"blockSize": 26}}`, ""}, // what it has been all the time
		{"v4", `{"spec": {"blockSize": 27}}`, "blockSize cannot be changed"},
		{"v4", `{"spec": {"cidr": "10.2.0.0/16"}}`, "a pool's CIDR cannot be changed"},
		{"v4", `{"spec": {"cidr": "fd00:2::/64"}}`, "a pool's CIDR cannot be changed"},
		{"v6", `{"spec": {"blockSize": null}}`, "blockSize cannot be changed"},
		{"v6", `{"spec": {"blockSize": 122}}`, "blockSize cannot be changed"},
		{"v6", `{"spec": {"disabled": true}}`, ""},
	} {
		out, err := d.Kubectl("", "patch", "ippool", c.name, "--dry-run=server", "--type=merge", "-p", c.patch)
		if err != nil {
			d.refused["IPPool"] += err.Error()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %s, %v; want %q", c.name, c.patch, out, err, c.want)
		}
	}
}

// checkColumns checks what people see of pools and settings.
func (d *definitions) checkColumns(t *testing.T) {
	d.keep(t, "IPPool", specCase{name: "ipv4-pool", spec: "{cidr: 10.244.0.0/16, blockSize: 26, vxlanMode: CrossSubnet, natOutgoing: true}"})
	d.keep(t, "IPPool", specCase{name: "ipv6-pool", spec: `{cidr: "fd00:10:244::/48"}`})
	d.keep(t, "FelixConfiguration", specCase{name: "default", spec: "{ipv6Support: true, wireguardEnabledV6: true, defaultEndpointToHostAction: ACCEPT}"})
	for kind, want := range map[string]string{
		"ippools": `NAME CIDR VXLAN IPIP NAT BLOCK DISABLED
			ipv4-pool 10.244.0.0/16 CrossSubnet Never true 26
			ipv6-pool fd00:10:244::/48 Never Never`,
		"felixconfigurations": `NAME IPV4 IPV6 WIREGUARD4 WIREGUARD6 TO HOST LOG
			default true true ACCEPT`,
	} {
		var got []string
		for line := range strings.Lines(d.kubectl(t, "get", kind)) {
			fields := strings.Fields(line)
			got = append(got, strings.Join(fields[:len(fields)-1], " ")) // without the age
		}
		want = strings.ReplaceAll(want, "\t", "")
		if text := strings.Join(got, "\n"); text != want {
			t.Errorf("get %s:\n%s\nwant\n%s", kind, text, want)
		}
	}
}

// checkStatus checks that conditions have a way of their own, which leaves the spec alone.
func (d *definitions) checkStatus(t *testing.T) {
	ctx, cancel := d.Context()
	defer cancel()
	for kind, spec := range map[string]string{"IPPool": "{cidr: 10.244.0.0/16}", "FelixConfiguration": "{ipv6Support: true}"} {
		o := d.keep(t, kind, specCase{name: "conditions", spec: spec})
		condition := map[string]any{"type": "Margay", "status": "True", "reason": "Tested", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
		if err := unstructured.SetNestedSlice(o.Object, []any{condition}, "status", "conditions"); err != nil {
			t.Fatal(err)
		}
		if err := unstructured.SetNestedField(o.Object, "not to be written this way", "spec", "nodeSelector"); err != nil {
			t.Fatal(err)
		}
		got, err := d.resource(t, kind).UpdateStatus(ctx, o, meta.UpdateOptions{FieldValidation: meta.FieldValidationStrict})
		if err != nil {
			t.Fatal(err)
		}
		conditions, _, _ := unstructured.NestedSlice(got.Object, "status", "conditions")
		selector, _, _ := unstructured.NestedString(got.Object, "spec", "nodeSelector")
		if len(conditions) != 1 || strings.HasPrefix(selector, "not") {
			t.Errorf("%s: %v", kind, got.Object)
		}
	}
}
