package dataplane_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// Random policies, and random packets under each: the kernel does what the evaluator says.
// What a seed makes is always the same.
func TestRandomPolicies(t *testing.T) {
	t.Parallel()
	const seeds = 60
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			s := &sampler{node: n, used: map[rules.Packet]bool{}}
			passed, sent := 0, 0
			for seed := range uint64(seeds) {
				random := rand.New(rand.NewPCG(seed, 2))
				text := drawPolicies(random)
				n.Write("policy.yaml", text)
				n.Settled()
				var flows []flow
				for range 100 {
					flows = append(flows, s.draw(random)...)
				}
				passed, sent = passed+try(t, n, flows), sent+len(flows)
				if t.Failed() {
					t.Fatalf("seed %d:\n%s", seed, text)
				}
			}
			if passed < sent/10 || passed > sent*9/10 {
				t.Errorf("%d of %d packets pass: little is told apart", passed, sent)
			}
			if problems := n.Problems(); strings.Contains(problems, "error") {
				t.Errorf("what is drawn is wrong:\n%s", problems)
			}
		})
	}
}

// drawPolicies draws up to two tiers beside the default one, and up to six policies.
func drawPolicies(random *rand.Rand) string {
	var text strings.Builder
	tiers := []string{"default"}
	for i := range random.IntN(3) {
		name := fmt.Sprintf("tier%d", i)
		tiers = append(tiers, name)
		fmt.Fprintf(&text, "---\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: %s}\nspec: {order: %d, defaultAction: %s}\n",
			name, random.IntN(3), pick(random, []string{"Deny", "Pass"}))
	}
	for i := range 1 + random.IntN(6) {
		if random.IntN(4) == 0 {
			text.WriteString(drawKubernetesPolicy(random, i))
		} else {
			text.WriteString(drawPolicy(random, i, pick(random, tiers)))
		}
	}
	return text.String()
}

// someLabels are selectors of pods; the last ones pick network sets too.
var someLabels = []string{"app == 'web'", "app == 'api'", "side == 'front'", "side == 'back'", "!has(side)", "all()",
	"app in {'db', 'till'}", "app not in {'web'}", "role == 'partner'", "has(role)"}

func drawPolicy(random *rand.Rand, i int, tier string) string {
	kind, namespace := "GlobalNetworkPolicy", ""
	if random.IntN(2) == 0 {
		kind, namespace = "NetworkPolicy", ", namespace: "+pick(random, []string{"shop", "bank"})
	}
	name := fmt.Sprintf("p%d", i)
	if tier != "default" {
		name = tier + "." + name
	}
	var ingress, egress []string
	for range random.IntN(4) {
		ingress = append(ingress, drawRule(random))
	}
	for range random.IntN(3) {
		egress = append(egress, drawRule(random))
	}
	types := pick(random, []string{"Ingress", "Egress", "Ingress, Egress"})
	switch {
	case len(ingress) > 0 && len(egress) > 0:
		types = "Ingress, Egress"
	case len(ingress) > 0:
		types = "Ingress"
	case len(egress) > 0:
		types = "Egress"
	}
	return fmt.Sprintf("---\napiVersion: projectcalico.org/v3\nkind: %s\nmetadata: {name: %s%s}\nspec: {tier: %s, order: %d, selector: \"%s\", types: [%s], ingress: [%s], egress: [%s]}\n",
		kind, name, namespace, tier, random.IntN(4), pick(random, someLabels), types, strings.Join(ingress, ", "), strings.Join(egress, ", "))
}

func drawRule(random *rand.Rand) string {
	fields := []string{"action: " + pick(random, []string{"Allow", "Allow", "Allow", "Deny", "Deny", "Pass", "Log"})}
	ports := false
	switch random.IntN(6) {
	case 0:
		fields = append(fields, "ipVersion: "+pick(random, []string{"4", "6"}))
	case 1:
		fields = append(fields, "notProtocol: "+pick(random, []string{"TCP", "UDP"}))
	case 2:
		fields = append(fields, pick(random, []string{"protocol: ICMP, icmp: {type: 8}", "protocol: ICMPv6, notICMP: {type: 128, code: 0}", "protocol: ICMPv6, icmp: {type: 128}"}))
	case 3, 4:
		fields, ports = append(fields, "protocol: "+pick(random, []string{"TCP", "UDP", "SCTP"})), true
	}
	for _, end := range []string{"source", "destination"} {
		if peer := drawPeer(random, ports); peer != "" {
			fields = append(fields, fmt.Sprintf("%s: {%s}", end, peer))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func drawPeer(random *rand.Rand, ports bool) string {
	var fields []string
	maybe := func(oneIn int, field string, values ...string) {
		if random.IntN(oneIn) == 0 {
			fields = append(fields, field+": "+pick(random, values))
		}
	}
	quoted := make([]string, len(someLabels))
	for i, s := range someLabels {
		quoted[i] = `"` + s + `"`
	}
	maybe(4, "selector", quoted...)
	maybe(8, "notSelector", quoted...)
	maybe(8, "namespaceSelector", "env == 'dev'", "all()", "global()")
	maybe(10, "serviceAccounts", "{names: [clerk]}", "{selector: trust == 'low'}")
	maybe(8, "nets", "[10.65.0.0/30, 'fd00:65::/126']", "[192.0.2.0/24]", "['2001:db8::/32', 10.0.0.0/8]", "[0.0.0.0/0]", "['::/0']")
	maybe(8, "notNets", "[10.65.0.2/31, 'fd00:65::2/127']", "[10.65.0.0/24]", "['fd00::/8']")
	if ports {
		maybe(2, "ports", "[80]", "[443, '5000:9000']", "[http]", "[psql, dns, 81]", "['1:65535']")
		maybe(6, "notPorts", "[80, 53]", "[http]", "['1000:65535']")
	}
	return strings.Join(fields, ", ")
}

func drawKubernetesPolicy(random *rand.Rand, i int) string {
	pods := []string{"{}", "{matchLabels: {app: api}}", "{matchLabels: {side: front}}", "{matchExpressions: [{key: side, operator: DoesNotExist}]}"}
	peers := []string{
		"{podSelector: " + pick(random, pods) + "}",
		"{namespaceSelector: {matchLabels: {env: dev}}}",
		"{namespaceSelector: {}, podSelector: " + pick(random, pods) + "}",
		"{ipBlock: {cidr: 10.65.0.0/29, except: [10.65.0.2/32]}}",
		"{ipBlock: {cidr: '::/0', except: ['fd00:65::4/126', '2001:db8:a::/48']}}",
	}
	ports := []string{"{port: 80}", "{port: 5000, endPort: 9000}", "{port: 53, protocol: UDP}", "{port: http}", "{protocol: SCTP}"}
	rule := func(end string) string {
		return fmt.Sprintf("{%s: [%s, %s], ports: [%s, %s]}", end, pick(random, peers), pick(random, peers), pick(random, ports), pick(random, ports))
	}
	return fmt.Sprintf("---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: k%d, namespace: %s}\nspec: {podSelector: %s, policyTypes: [%s], ingress: [%s], egress: [%s]}\n",
		i, pick(random, []string{"shop", "bank"}), pick(random, pods), pick(random, []string{"Ingress", "Egress", "Ingress, Egress"}), rule("from"), rule("to"))
}
