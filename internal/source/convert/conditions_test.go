package convert

import (
	"fmt"
	"strings"
	"testing"
)

// conditionCase is something that a rule asks, as it is written, and in a form that cannot be
// understood or enforced.
type conditionCase struct {
	good, bad string
	words     string // what the good one is in the model's words
}

// conditionCases are all conditions of rules. In front of a peer's stands the peer.
func conditionCases() map[string]conditionCase {
	all := map[string]conditionCase{
		"protocol":    {"protocol: TCP", "protocol: TCQ", "tcp"},
		"notProtocol": {"notProtocol: UDP", "notProtocol: 300", "not udp"},
		"ipVersion":   {"ipVersion: 6", "ipVersion: 5", "IPv6"},
		"icmp":        {"protocol: ICMP, icmp: {type: 8}", "protocol: ICMP, icmp: {type: 300}", "icmp type 8"},
		"notICMP":     {"protocol: ICMPv6, notICMP: {type: 1}", "protocol: ICMPv6, notICMP: {type: 1, code: 256}", "icmpv6 not type 1"},
	}
	for peer, word := range map[string]string{"source": "from", "destination": "to"} {
		of := func(name, good, bad, words string) {
			wrap := func(text string) string {
				protocol := ""
				if strings.Contains(strings.ToLower(name), "ports") {
					protocol = "protocol: TCP, "
				}
				return fmt.Sprintf("%s%s: {%s: %s}", protocol, peer, name, text)
			}
			tcp := ""
			if strings.Contains(strings.ToLower(name), "ports") {
				tcp = "tcp "
			}
			all[peer+"."+name] = conditionCase{wrap(good), wrap(bad), tcp + word + " " + words}
		}
		of("nets", "[10.0.0.0/8]", "[10.0.0.0/8, 10.0.0.0/33]", "nets 10.0.0.0/8")
		of("notNets", "['fd00::/8']", "['fd00::/129']", "not nets fd00::/8")
		of("selector", "a == 'b'", "a = 'b'", "selector `a == \"b\"`")
		of("notSelector", "has(a)", "has(a", "not selector `has(a)`")
		of("namespaceSelector", "a == 'b'", "a == b", "selector `pcns.a == \"b\"`")
		of("serviceAccounts", "{selector: a == 'b'}", "{selector: a ~ 'b'}", "selector `pcsa.a == \"b\"`")
		of("ports", "[80]", "['90:80']", "ports 80")
		of("notPorts", "[http]", "[70000]", "not named ports http")
		all[peer+".services"] = conditionCase{"", peer + ": {services: {name: s, namespace: n}}", ""}
	}
	return all
}

func globalPolicy(rules ...string) string {
	return calicoHead + "kind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec: {ingress: [{" + strings.Join(rules, "}, {") + "}]}\n"
}

// rulesOf are the rules of a policy, and whether an error is told.
func rulesOf(t *testing.T, manifest string) (rules []string, failed bool) {
	t.Helper()
	for _, line := range strings.Split(converted(t, manifest), "\n")[1:] {
		if rule, ok := strings.CutPrefix(line, "  ingress "); ok {
			rules = append(rules, rule)
		}
		failed = failed || strings.HasPrefix(line, "error ")
	}
	return rules, failed
}

// Every condition that can be understood is what it says.
func TestEveryCondition(t *testing.T) {
	for name, c := range conditionCases() {
		if c.good == "" {
			continue
		}
		for _, action := range []string{"Allow", "Deny", "Pass", "Log"} {
			rules, failed := rulesOf(t, globalPolicy("action: "+action+", "+c.good))
			want := strings.ToLower(action) + " " + c.words
			if len(rules) != 1 || rules[0] != want || failed {
				t.Errorf("%s: %q, failed %v, want %q", name, rules, failed, want)
			}
		}
	}
}

// No condition that cannot be understood opens anything: an Allow matches nothing, a Deny
// matches without it, and a Pass or a Log closes the direction. Rules round about stay.
func TestEveryConditionThatIsNotUnderstood(t *testing.T) {
	for name, c := range conditionCases() {
		for action, want := range map[string]string{
			"Allow": "allow not sctp | allow sctp",
			"Deny":  "allow not sctp | deny* | allow sctp",
			"Pass":  "allow not sctp | deny | allow sctp",
			"Log":   "allow not sctp | deny | allow sctp",
		} {
			rules, failed := rulesOf(t, globalPolicy("action: Allow, notProtocol: SCTP", "action: "+action+", "+c.bad, "action: Allow, protocol: SCTP"))
			got := strings.Join(rules, " | ")
			if len(rules) == 3 && action == "Deny" && strings.HasPrefix(rules[1], "deny") {
				got = rules[0] + " | deny* | " + rules[2]
				if c.good != "" && strings.Contains(" "+rules[1]+" ", " "+lastWords(c.words)+" ") {
					t.Errorf("%s: %q still asks what is not understood", name, rules[1])
				}
			}
			if got != want || !failed {
				t.Errorf("%s of %s: %s, want %s; failed %v", name, action, got, want, failed)
			}
		}
	}
}

// lastWords are those of the condition itself, without the protocol that it needs.
func lastWords(words string) string {
	for _, protocol := range []string{"tcp ", "icmp ", "icmpv6 "} {
		words = strings.TrimPrefix(words, protocol)
	}
	return words
}

// A rule with a service or an HTTP match is the same: they are not supported yet.
func TestMatchesThatAreNotSupported(t *testing.T) {
	const key = "GlobalNetworkPolicy/p tier=default order=last selector=all() types=ingress"
	cases{
		{
			"service in an Allow", globalPolicy("action: Allow, source: {services: {name: s, namespace: n}}"),
			key + "\nerror spec.ingress[0].source.services \"s\": matches of services are not supported yet; the rule allows nothing",
		},
		{
			"HTTP in a Deny", globalPolicy("action: Deny, http: {methods: [GET]}"),
			key + "\n  ingress deny" +
				"\nerror spec.ingress[0].http: only for Allow rules; the rule denies without regard to it" +
				"\nerror spec.ingress[0].http: matches of HTTP requests are not supported; the rule denies without regard to it",
		},
	}.run(t)
}

// What the policy as a whole says, and for whom.
func TestPolicySubjects(t *testing.T) {
	const global = calicoHead + "kind: GlobalNetworkPolicy\nmetadata: {name: p}\n"
	const local = calicoHead + "kind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\n"
	cases{
		{
			"service accounts by their labels", global + "spec: {selector: a == 'b', serviceAccountSelector: trust == 'low', types: [Egress]}\n",
			"GlobalNetworkPolicy/p tier=default order=last selector=a == \"b\" && pcsa.trust == \"low\" types=egress",
		},
		{
			"namespaces by their labels", global + "spec: {namespaceSelector: env == 'prod', types: [Ingress]}\n",
			"GlobalNetworkPolicy/p tier=default order=last selector=pcns.env == \"prod\" types=ingress",
		},
		{
			"all of its own namespace", local + "spec: {types: [Ingress, Egress]}\n",
			"NetworkPolicy/shop/p tier=default order=last selector=" + inShop + " types=ingress,egress",
		},
		{
			"host endpoints only", global + "spec: {doNotTrack: true, applyOnForward: true, ingress: [{action: Allow}]}\n",
			"GlobalNetworkPolicy/p gone\nwarning spec.doNotTrack \"true\": host endpoints are not supported yet; the policy selects no pod and has no effect",
		},
		{
			"host endpoints, before NAT", global + "spec: {preDNAT: true, applyOnForward: true, ingress: [{action: Deny}]}\n",
			"GlobalNetworkPolicy/p gone\nwarning spec.preDNAT \"true\": host endpoints are not supported yet; the policy selects no pod and has no effect",
		},
		{
			"host endpoints too", global + "spec: {applyOnForward: true, ingress: [{action: Allow}]}\n",
			"GlobalNetworkPolicy/p tier=default order=last selector=all() types=ingress\n  ingress allow\nwarning spec.applyOnForward \"true\": host endpoints are not supported yet; the policy applies to pods only",
		},
		{
			"types are told by the rules", local + "spec: {selector: all(), egress: [{action: Allow}]}\n",
			"NetworkPolicy/shop/p tier=default order=last selector=" + inShop + " types=egress\n  egress allow",
		},
	}.run(t)
}
