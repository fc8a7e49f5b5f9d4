package convert

import "testing"

const inShop = `projectcalico.org/namespace == "shop"`

func TestKubernetesPolicies(t *testing.T) {
	const head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\n"
	const subject = `selector=projectcalico.org/namespace == "shop" && projectcalico.org/orchestrator == "k8s" `
	const key = "KubernetesNetworkPolicy/shop/p tier=default order=1000 "
	const pods = `projectcalico.org/namespace == "shop" && projectcalico.org/orchestrator == "k8s"`
	cases{
		{"deny all ingress", head + "spec: {podSelector: {}}\n", key + subject + "types=ingress"},
		{"deny all", head + "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n", key + subject + "types=ingress,egress"},
		{"egress rules imply egress", head + "spec: {podSelector: {}, egress: [{}]}\n", key + subject + "types=ingress,egress\n  egress allow"},
		{
			"allow from anywhere to ports", head + "spec: {podSelector: {}, ingress: [{ports: [{port: 80}, {port: 8000, endPort: 8080}, {port: http}, {port: 53, protocol: UDP}]}]}\n",
			key + subject + "types=ingress\n  ingress allow tcp to ports 80,8000-8080 named ports http\n  ingress allow udp to ports 53",
		},
		{
			"all ports of a protocol", head + "spec: {podSelector: {}, ingress: [{ports: [{port: 80}, {protocol: TCP}, {protocol: SCTP, port: 7}]}]}\n",
			key + subject + "types=ingress\n  ingress allow tcp\n  ingress allow sctp to ports 7",
		},
		{
			"peers", head + "spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}, {namespaceSelector: {matchLabels: {env: prod}}, podSelector: {matchLabels: {app: api}}}, {namespaceSelector: {}}]}]}\n",
			key + subject + "types=ingress" +
				"\n  ingress allow from selector `app == \"web\" && " + pods + "`" +
				"\n  ingress allow from selector `app == \"api\" && pcns.env == \"prod\" && projectcalico.org/orchestrator == \"k8s\"`" +
				"\n  ingress allow from selector `has(projectcalico.org/namespace) && projectcalico.org/orchestrator == \"k8s\"`",
		},
		{
			"nets of both families", head + "spec: {podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, {ipBlock: {cidr: 'fd00::/8'}}], ports: [{port: 443}]}]}\n",
			key + subject + "types=ingress,egress\n  egress allow tcp to nets 10.0.0.0/8 not nets 10.1.0.0/16 ports 443\n  egress allow tcp to nets fd00::/8 ports 443",
		},
		{
			"nets with host bits", head + "spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8, except: ['10.1.0.1/16']}}]}]}\n",
			key + subject + "types=ingress\n  ingress allow from nets 10.0.0.0/8 not nets 10.1.0.0/16" +
				"\nwarning spec.ingress[0].from[0].ipBlock.cidr \"10.0.0.1/8\": host bits set; read as 10.0.0.0/8" +
				"\nwarning spec.ingress[0].from[0].ipBlock.except[0] \"10.1.0.1/16\": host bits set; read as 10.1.0.0/16",
		},
		{
			"what cannot be read allows nothing",
			head + "spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}, {ipBlock: {cidr: 10.0.0.0/8, except: [x]}}, {}], ports: [{port: 80, endPort: 70}, {port: 81, protocol: TCQ}, {port: 82}]}]}\n",
			key + subject + "types=ingress" +
				"\nerror spec.ingress[0].from[0].ipBlock.cidr \"10.0.0.0/33\": is not a net; the peer allows nothing" +
				"\nerror spec.ingress[0].from[1].ipBlock.except[0] \"x\": is not a net; the peer allows nothing" +
				"\nerror spec.ingress[0].from[2]: names no peer; it allows nothing" +
				"\nerror spec.ingress[0].ports[0] \"80-70\": is not a range of ports; it allows nothing" +
				"\nerror spec.ingress[0].ports[1].protocol \"TCQ\": is not TCP, UDP or SCTP; the port allows nothing",
		},
		{
			"an unreadable selector", head + "spec: {podSelector: {matchExpressions: [{key: a, operator: Like, values: [b]}]}}\n",
			"KubernetesNetworkPolicy/shop/p gone\nunreadable\nerror spec.podSelector: matchExpressions[0]: label a: operator \"Like\", expected In, NotIn, Exists or DoesNotExist; the last good version stays in force, or if there is none, what it selects is denied",
		},
	}.run(t)
}

func TestCalicoPolicies(t *testing.T) {
	const head = "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\n"
	const key = "NetworkPolicy/shop/p tier=default order=last selector=app == \"web\" && " + inShop + " "
	const global = "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\n"
	cases{
		{
			"both families", head + "spec: {selector: app == 'web', ingress: [{action: Allow, protocol: TCP, source: {nets: [10.0.0.0/8, 'fd00::/8']}, destination: {ports: [80, '8000:8080', http]}}]}\n",
			key + "types=ingress\n  ingress allow tcp from nets 10.0.0.0/8,fd00::/8 to ports 80,8000-8080 named ports http",
		},
		{
			"selectors mean the own namespace", head + "spec: {selector: app == 'web', ingress: [{action: Allow, source: {selector: app == 'api'}}, {action: Deny, source: {notSelector: app == 'db'}}, {action: Allow, source: {serviceAccounts: {names: [ci]}}}]}\n",
			key + "types=ingress\n  ingress allow from selector `app == \"api\" && " + inShop + "`" +
				"\n  ingress deny from selector `" + inShop + "` not selector `app == \"db\"`" +
				"\n  ingress allow from selector `" + inShop + " && projectcalico.org/serviceaccount == \"ci\"`",
		},
		{
			"or others", head + "spec: {selector: app == 'web', egress: [{action: Allow, destination: {selector: app == 'api', namespaceSelector: env == 'prod'}}, {action: Allow, destination: {selector: role == 'dns', namespaceSelector: global()}}]}\n",
			key + "types=egress\n  egress allow to selector `app == \"api\" && pcns.env == \"prod\"`\n  egress allow to selector `!has(projectcalico.org/namespace) && role == \"dns\"`",
		},
		{
			"tiers and orders", global + "spec: {tier: security, order: 10, selector: has(app), namespaceSelector: env == 'prod', types: [Ingress, Egress], ingress: [{action: Pass}], egress: [{action: Log}, {action: Deny, ipVersion: 6}]}\n",
			"GlobalNetworkPolicy/p tier=security order=10 selector=has(app) && pcns.env == \"prod\" types=ingress,egress\n  ingress pass\n  egress log\n  egress deny IPv6",
		},
		{
			"ICMP of both families", global + "spec: {ingress: [{action: Allow, protocol: ICMP, icmp: {type: 8, code: 0}}, {action: Deny, protocol: ICMPv6, notICMP: {type: 128}}, {action: Deny, notProtocol: 132}]}\n",
			"GlobalNetworkPolicy/p tier=default order=last selector=all() types=ingress\n  ingress allow icmp type 8/0\n  ingress deny icmpv6 not type 128\n  ingress deny not sctp",
		},
	}.run(t)
}

// Allow matches nothing, Deny matches without the part, Pass and Log close.
func TestWhatIsNotUnderstoodCloses(t *testing.T) {
	rule := func(rest string) string {
		return "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec: {ingress: [{" + rest + "}, {action: Allow, protocol: TCP}]}\n"
	}
	const key = "GlobalNetworkPolicy/p tier=default order=last selector=all() types=ingress\n"
	const allowed = "  ingress allow tcp"
	const bad = "source: {nets: [10.0.0.0/8, 10.0.0.1/8], selector: a == 'b'}"
	const why = "\nerror spec.ingress[0].source.nets[1] \"10.0.0.1/8\": host bits set, did you mean 10.0.0.0/8; "
	cases{
		{"allow", rule("action: Allow, " + bad), key + allowed + why + "the rule allows nothing"},
		{"deny", rule("action: Deny, " + bad), key + "  ingress deny from selector `a == \"b\"`\n" + allowed + why + "the rule denies without regard to it"},
		{"pass", rule("action: Pass, " + bad), key + "  ingress deny\n" + allowed + why + "everything is denied from this rule on (Pass)"},
		{"log", rule("action: Log, " + bad), key + "  ingress deny\n" + allowed + why + "everything is denied from this rule on (Log)"},
		{
			"no action", rule("protocol: UDP"),
			key + "  ingress deny\n" + allowed + "\nerror spec.ingress[0].action: required; everything is denied from this rule on (no action)",
		},
		{
			"a selector, in a deny", rule("action: Deny, protocol: UDP, source: {selector: a = b}"),
			key + "  ingress deny udp\n" + allowed + "\nerror spec.ingress[0].source.selector \"a = b\": position 3: found \"= b\", expected ==; the rule denies without regard to it",
		},
		{
			"a service", rule("action: Allow, source: {services: {name: dns, namespace: kube-system}}"),
			key + allowed + "\nerror spec.ingress[0].source.services \"dns\": matches of services are not supported yet; the rule allows nothing",
		},
		{
			"a request", rule("action: Allow, http: {methods: [GET]}"),
			key + allowed + "\nerror spec.ingress[0].http: matches of HTTP requests are not supported; the rule allows nothing",
		},
		{
			"protocol IPv6, in an allow", rule("action: Allow, protocol: IPv6"),
			key + allowed + "\nerror spec.ingress[0].protocol \"IPv6\": no protocol that a rule can name, write ipVersion: 6; the rule allows nothing",
		},
		{
			"protocol IPv6, elsewhere", rule("action: Deny, protocol: IPv6"),
			key + "  ingress deny IPv6\n" + allowed + "\nwarning spec.ingress[0].protocol \"IPv6\": no protocol that a rule can name, write ipVersion: 6",
		},
	}.run(t)
}

func TestPoliciesForHostEndpointsSelectNoPod(t *testing.T) {
	cases{
		{
			"doNotTrack", "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec: {doNotTrack: true, applyOnForward: true, ingress: [{action: Deny}]}\n",
			"GlobalNetworkPolicy/p gone\nwarning spec.doNotTrack \"true\": host endpoints are not supported yet; the policy selects no pod and has no effect",
		},
		{
			"applyOnForward", "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec: {applyOnForward: true, ingress: [{action: Deny}]}\n",
			"GlobalNetworkPolicy/p tier=default order=last selector=all() types=ingress\n  ingress deny\nwarning spec.applyOnForward \"true\": host endpoints are not supported yet; the policy applies to pods only",
		},
	}.run(t)
}

func TestOtherResources(t *testing.T) {
	const v3 = "apiVersion: projectcalico.org/v3\n"
	cases{
		{"tier", v3 + "kind: Tier\nmetadata: {name: security}\nspec: {order: 100, defaultAction: Pass}\n", "Tier/security order=100 default=Pass"},
		{"tier without an order", v3 + "kind: Tier\nmetadata: {name: late}\nspec: {}\n", "Tier/late order=last default=Deny"},
		{"the default tier", v3 + "kind: Tier\nmetadata: {name: default}\nspec: {}\n", "Tier/default order=1e+06 default=Deny"},
		{
			"pool", v3 + "kind: IPPool\nmetadata: {name: six}\nspec: {cidr: 'fd00:10::/48', vxlanMode: CrossSubnet, natOutgoing: true}\n",
			"IPPool/six cidr=fd00:10::/48 nat-outgoing vxlan=CrossSubnet",
		},
		{
			"network set", v3 + "kind: NetworkSet\nmetadata: {name: s, namespace: shop, labels: {role: db}}\nspec: {nets: [10.0.0.1, 10.1.0.0/16, 'fd00::/64']}\n",
			"NetworkSet/shop/s labels={projectcalico.org/namespace=shop role=db} nets=10.0.0.1/32,10.1.0.0/16,fd00::/64",
		},
		{
			"block", "apiVersion: crd.projectcalico.org/v1\nkind: IPAMBlock\nmetadata: {name: b}\nspec: {cidr: 10.0.0.0/30, affinity: 'host:n1', allocations: [0, null, 1, 2], unallocated: [1], attributes: [{secondary: {node: n1, type: vxlanTunnelAddress}}, {secondary: {node: n1, namespace: shop, pod: web}}, {secondary: {node: n2, namespace: shop, pod: api}}]}\n",
			"IPAMBlock/b cidr=10.0.0.0/30 node=n1 10.0.0.0=- 10.0.0.2=shop/web 10.0.0.3=shop/api@n2",
		},
		{
			"service", "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {clusterIP: 'fd00::1', clusterIPs: ['fd00::1', 10.96.0.1], externalIPs: [203.0.113.1]}\nstatus: {loadBalancer: {ingress: [{ip: 203.0.113.2}]}}\n",
			"Service/shop/s addresses=fd00::1,10.96.0.1,203.0.113.1,203.0.113.2",
		},
		{"headless service", "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {clusterIP: None}\n", "Service/shop/s"},
	}.run(t)
}
