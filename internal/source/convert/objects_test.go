package convert

import "testing"

const calicoHead = "apiVersion: projectcalico.org/v3\n"

func TestTiers(t *testing.T) {
	const head = calicoHead + "kind: Tier\nmetadata: {name: security}\n"
	cases{
		{"with an order", head + "spec: {order: 100}\n", "Tier/security order=100 default=Deny"},
		{"without one: last", head + "spec: {}\n", "Tier/security order=last default=Deny"},
		{"that passes", head + "spec: {order: 0.5, defaultAction: Pass}\n", "Tier/security order=0.5 default=Pass"},
		{
			"with a default action that is none", head + "spec: {order: 1, defaultAction: Allow}\n",
			"Tier/security order=1 default=Deny\nunreadable\nerror spec.defaultAction \"Allow\": must be one of Deny, Pass",
		},
	}.run(t)
}

func TestNetworkSets(t *testing.T) {
	cases{
		{
			"of a namespace: it counts among the labels",
			calicoHead + "kind: NetworkSet\nmetadata: {name: s, namespace: shop, labels: {role: dns}}\nspec: {nets: [10.0.0.0/8, 'fd00::1']}\n",
			"NetworkSet/shop/s labels={projectcalico.org/namespace=shop role=dns} nets=10.0.0.0/8,fd00::1/128",
		},
		{
			"of a namespace that it does not say right: nobody poses as another's",
			calicoHead + "kind: NetworkSet\nmetadata: {name: s, namespace: shop, labels: {projectcalico.org/namespace: other}}\nspec: {nets: [10.0.0.0/8]}\n",
			"NetworkSet/shop/s labels={projectcalico.org/namespace=shop} nets=10.0.0.0/8\nunreadable" +
				"\nerror metadata.labels.projectcalico.org/namespace \"other\": the label is given by the object's namespace, it cannot be set",
		},
		{
			"of none", calicoHead + "kind: GlobalNetworkSet\nmetadata: {name: s, labels: {role: dns}}\nspec: {nets: ['2001:db8::/32', 192.0.2.1/32]}\n",
			"GlobalNetworkSet/s labels={role=dns} nets=2001:db8::/32,192.0.2.1/32",
		},
		{"empty", calicoHead + "kind: GlobalNetworkSet\nmetadata: {name: s}\nspec: {}\n", "GlobalNetworkSet/s"},
		{
			"with a net that cannot be read: the last good version stays",
			calicoHead + "kind: GlobalNetworkSet\nmetadata: {name: s}\nspec: {nets: [10.0.0.0/8, 10.0.0.1/8, 10.0.0.0/40]}\n",
			"GlobalNetworkSet/s nets=10.0.0.0/8\nunreadable\nerror spec.nets[1] \"10.0.0.1/8\": host bits set, did you mean 10.0.0.0/8\nerror spec.nets[2] \"10.0.0.0/40\": not a CIDR: prefix length \"40\" is not a number from 0 to 32",
		},
	}.run(t)
}

func TestPools(t *testing.T) {
	const head = calicoHead + "kind: IPPool\nmetadata: {name: p}\n"
	cases{
		{"plain", head + "spec: {cidr: 10.0.0.0/16}\n", "IPPool/p cidr=10.0.0.0/16"},
		{"with NAT", head + "spec: {cidr: 'fd00::/48', natOutgoing: true}\n", "IPPool/p cidr=fd00::/48 nat-outgoing"},
		{"disabled", head + "spec: {cidr: 10.0.0.0/16, disabled: true}\n", "IPPool/p cidr=10.0.0.0/16 disabled"},
		{"with VXLAN", head + "spec: {cidr: 'fd00::/48', vxlanMode: CrossSubnet}\n", "IPPool/p cidr=fd00::/48 vxlan=CrossSubnet"},
		{"with IP in IP", head + "spec: {cidr: 10.0.0.0/16, ipipMode: Always}\n", "IPPool/p cidr=10.0.0.0/16 ipip=Always"},
		{
			"with IP in IP of IPv6: nothing is encapsulated", head + "spec: {cidr: 'fd00::/48', ipipMode: Always}\n",
			"IPPool/p cidr=fd00::/48\nunreadable\nerror spec.ipipMode \"Always\": IPIP carries IPv4 only, this pool is IPv6",
		},
		{
			"with both: VXLAN counts", head + "spec: {cidr: 10.0.0.0/16, ipipMode: Always, vxlanMode: CrossSubnet}\n",
			"IPPool/p cidr=10.0.0.0/16 vxlan=CrossSubnet\nunreadable\nerror spec.ipipMode \"Always\": vxlanMode is CrossSubnet, a pool has one encapsulation",
		},
	}.run(t)
}

func TestBlocks(t *testing.T) {
	const head = "apiVersion: crd.projectcalico.org/v1\nkind: IPAMBlock\nmetadata: {name: b}\n"
	const pods = "attributes: [{handle_id: h, secondary: {namespace: shop, node: n1, pod: web}}, {handle_id: v, secondary: {node: n2, type: vxlanTunnelAddress}}]"
	cases{
		{
			"of a node, with a pod's and a tunnel's address",
			head + "spec: {cidr: 10.0.0.0/30, affinity: 'host:n1', allocations: [0, null, 1, null], unallocated: [1, 3], strictAffinity: false, " + pods + "}\n",
			"IPAMBlock/b cidr=10.0.0.0/30 node=n1 10.0.0.0=shop/web 10.0.0.2=-@n2",
		},
		{
			"of IPv6", head + "spec: {cidr: 'fd00::/126', affinity: 'host:n1', allocations: [null, 0, null, null], unallocated: [0, 2, 3], strictAffinity: false, " + pods + "}\n",
			"IPAMBlock/b cidr=fd00::/126 node=n1 fd00::1=shop/web",
		},
		{
			"of no node", head + "spec: {cidr: 10.0.0.0/30, allocations: [null, null, null, null], unallocated: [0, 1, 2, 3], attributes: [], strictAffinity: false}\n",
			"IPAMBlock/b cidr=10.0.0.0/30",
		},
		{
			"on its way out", head + "spec: {cidr: 10.0.0.0/30, deleted: true, allocations: [null, null, null, null], unallocated: [0, 1, 2, 3], attributes: [], strictAffinity: false}\n",
			"IPAMBlock/b gone",
		},
	}.run(t)
}

func TestServices(t *testing.T) {
	const head = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\n"
	cases{
		{"dual stack", head + "spec: {clusterIP: 'fd00::1', clusterIPs: ['fd00::1', 10.0.0.1]}\n", "Service/shop/s addresses=fd00::1,10.0.0.1"},
		{"headless", head + "spec: {clusterIP: None, clusterIPs: [None]}\n", "Service/shop/s"},
		{
			"with all the addresses that a service can have",
			head + "spec: {clusterIP: 10.0.0.1, externalIPs: [192.0.2.1], loadBalancerIP: 192.0.2.2}\nstatus: {loadBalancer: {ingress: [{ip: 192.0.2.3}, {hostname: x.example}, {ip: '2001:db8::1'}]}}\n",
			"Service/shop/s addresses=10.0.0.1,192.0.2.2,192.0.2.1,192.0.2.3,2001:db8::1",
		},
		{
			"with what is no address", head + "spec: {clusterIP: 10.0.0.1, externalIPs: [10.0.0.300]}\n",
			"Service/shop/s addresses=10.0.0.1\nwarning spec.clusterIPs \"10.0.0.300\": is not an address",
		},
	}.run(t)
}

func TestNamespacesAndServiceAccounts(t *testing.T) {
	cases{
		{"namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {env: prod}}\n", "Namespace/shop labels={env=prod}"},
		{"service account", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ci, namespace: shop, labels: {trust: high}}\n", "ServiceAccount/shop/ci labels={trust=high}"},
	}.run(t)
}

func TestConfigurations(t *testing.T) {
	cases{{
		"as it stands: package config reads the values",
		calicoHead + "kind: FelixConfiguration\nmetadata: {name: node.n1}\nspec: {healthPort: 9099, logSeverityScreen: Info, ipv6Support: true}\n",
		"FelixConfiguration/node.n1 healthPort=9099 ipv6Support=true logSeverityScreen=Info",
	}}.run(t)
}
