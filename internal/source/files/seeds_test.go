package files

import "testing"

// The seeds are manifests of real deployments. Two are wrong in part; their first lines
// say what must happen.
func TestSeedsLoadAsTheyAre(t *testing.T) {
	l := follow(t, "testdata/seeds")
	l.want(
		"in sync",
		"IPPool/ipv4-pool cidr=10.244.0.0/16 nat-outgoing vxlan=CrossSubnet",
		"IPPool/ipv6-pool cidr=fd00:10:244::/48 nat-outgoing vxlan=CrossSubnet",
		"Service/default/hello1-service addresses=fd00::33a4,10.0.0.49",
		"Pod/default/hello1-deployment-d7dbc7d8c-cwfk8 node=master interface=cali9550c3eb8c9 status=10.244.219.68,fc00::db4d:f2f2:402d:3b99:a183 ",
		"Pod/default/chenby-7975959574-n52d8 node=k8s-node1 interface=calid2c5b465b5c status=172.99.1.5 annotated=172.99.1.5,2001:db8:42:0:208b:133f:7967:ee05 ",
		"deviceRouteSourceAddressIPv6=fd00::1",
		"ingress allow from nets fd00::/8,2001:db8::/32",
		"GlobalNetworkPolicy/deny-external-ipv6",
		"ingress deny IPv6",
		`warning policy-protocol-ipv6.yaml:16: document 1: GlobalNetworkPolicy deny-external-ipv6: spec.ingress[1].protocol "IPv6": no protocol that a rule can name, write ipVersion: 6`,
		"error bgp.yaml:11: document 1: BGPConfiguration default: spec.serviceClusterIPs: the key stands twice, in lines 9 and 11",
		"note bgp.yaml:17: document 2: BGPPeer ipv6-peer: read and checked; this kind has no effect on the node yet",
		"note cni-result.json: file: holds no Kubernetes object; skipped",
	)
}
