package nodetest

import (
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
)

// Cluster is three nodes, each with an agent and a pod: "a" and "b" in one subnet, and "c" behind
// a router. The pods are "shop/a", "shop/b" and "shop/c".
//
//	a 172.16.0.1 ─┬─ 172.16.0.254 router 172.17.0.254 ── c 172.17.0.3
//	b 172.16.0.2 ─┘
type Cluster struct {
	Lab   *netlab.Lab
	Nodes map[string]*Node

	t       testing.TB
	options ClusterOptions
}

// ClusterOptions say what a Cluster is to be. The zero value is one of both families.
type ClusterOptions struct {
	// Families are those that pods have addresses of. Empty: both.
	Families family.Set
	// Underlay are those that nodes have addresses of. Empty: the pods'. What is in neither is
	// switched off.
	Underlay family.Set
	// Settings are made as if on the command line, by name.
	Settings map[string]string
	// Manifests are further files, beside the nodes' and the pods'.
	Manifests map[string]string
	// PodMTU is that of the pods' interfaces; 0 is 1500.
	PodMTU int
	// Wireguard has the Nodes give addresses to the WireGuard devices. Keys are published to all
	// in any case.
	Wireguard bool
	// NoAgents leaves the agents stopped; Run of a node starts its.
	NoAgents bool
}

// ClusterNodes are the names of a Cluster's nodes.
func ClusterNodes() []string { return []string{"a", "b", "c"} }

// Far is the one that is behind the router.
const Far = "c"

// StartCluster makes a lab with the cluster, and starts the agents. All of it goes with the test.
func StartCluster(t testing.TB, o ClusterOptions) *Cluster {
	t.Helper()
	if o.Families.Empty() {
		o.Families = family.Both
	}
	if o.Underlay.Empty() {
		o.Underlay = o.Families
	}
	c := &Cluster{Lab: netlab.Test(t, o.lab()), Nodes: map[string]*Node{}, t: t, options: o}
	for _, name := range ClusterNodes() {
		settings := settingsOf(Options{Families: o.Families | o.Underlay, Settings: o.Settings})
		settings["FelixHostname"] = name
		c.Nodes[name] = &Node{
			Node: c.Lab.Node(name), Lab: c.Lab, Directory: filepath.Join(t.TempDir(), name), t: t,
			settings: settings, logs: newLogs(t), taps: map[ear]*netlab.Tap{},
		}
		t.Cleanup(c.Nodes[name].Stop)
	}
	manifests := map[string]string{"pods.yaml": c.podManifests()}
	for i, name := range ClusterNodes() {
		manifests["node-"+name+".yaml"] = o.nodeManifest(i)
	}
	maps.Copy(manifests, o.Manifests)
	for name, text := range manifests {
		c.Write(name, text)
	}
	for _, n := range c.Nodes {
		n.cluster = c
		if !o.NoAgents {
			n.Run()
		}
	}
	return c
}

// Write puts a manifest into every node's directory.
func (c *Cluster) Write(name, text string) {
	c.t.Helper()
	for _, n := range c.Nodes {
		n.Write(name, text)
	}
}

// Settled waits until everything that the manifests say by now is in all kernels.
func (c *Cluster) Settled() {
	c.t.Helper()
	for _, n := range c.Nodes {
		n.Settled()
	}
}

// Pod is the pod on a node.
func (c *Cluster) Pod(node string) *netlab.Pod { return c.Lab.Pod("shop/" + node) }

// Address is the address of a node's pod.
func (c *Cluster) Address(node string, f family.Family) netip.Addr { return c.Pod(node).Address(f) }

// subnet is that of a node's link; host is a host in it.
func subnet(f family.Family, far bool, host byte) netip.Prefix {
	net := byte(16)
	if far {
		net = 17
	}
	p := family.PairOf(
		netip.PrefixFrom(netip.AddrFrom4([4]byte{172, net, 0, host}), 24),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 3: 0x10 + net - 10, 15: host}), 64))
	return p.Get(f)
}

// ClusterPods is the range that the pods of a node have their addresses from, by the node's place
// among ClusterNodes.
func ClusterPods(f family.Family, node int) netip.Prefix {
	p := family.PairOf(
		netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 65, byte(node + 1), 0}), 26),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 3: 0x65, 5: byte(node + 1)}), 122))
	return p.Get(f)
}

// ClusterTunnel is a node's tunnel address: the first of its range.
func ClusterTunnel(f family.Family, node int) netip.Addr { return ClusterPods(f, node).Addr() }

// ClusterIPIP is the address of a node's tunl0: the second of its range.
func ClusterIPIP(node int) netip.Addr { return ClusterTunnel(family.V4, node).Next() }

// ClusterWireguard is the address of a node's WireGuard device: the fourth of its range.
func ClusterWireguard(f family.Family, node int) netip.Addr {
	return podAddress(f, node).Next()
}

func podAddress(f family.Family, node int) netip.Addr {
	return ClusterPods(f, node).Addr().Next().Next()
}

func (o ClusterOptions) lab() netlab.Options {
	const router = 254
	var nodes []netlab.NodeSpec
	for i, name := range ClusterNodes() {
		n := netlab.NodeSpec{Name: name}
		if name == Far {
			n.Link = "far"
		}
		pod := netlab.PodSpec{Name: "shop/" + name, MTU: o.PodMTU}
		for _, f := range o.Underlay.Families() {
			n.Addresses = append(n.Addresses, subnet(f, name == Far, byte(i+1)))
			n.Gateways = append(n.Gateways, subnet(f, name == Far, router).Addr())
		}
		for _, f := range o.Families.Families() {
			pod.Addresses = append(pod.Addresses, podAddress(f, i))
		}
		n.Pods = []netlab.PodSpec{pod}
		nodes = append(nodes, n)
	}
	between := netlab.NodeSpec{Name: "router", Ports: []netlab.Port{{Link: "far"}}}
	for _, f := range o.Underlay.Families() {
		between.Addresses = append(between.Addresses, subnet(f, false, router))
		between.Ports[0].Addresses = append(between.Ports[0].Addresses, subnet(f, true, router))
	}
	return netlab.Options{Nodes: append(nodes, between)}
}

// nodeManifest is the Node object, with all that other agents may publish about it.
func (o ClusterOptions) nodeManifest(i int) string {
	name := ClusterNodes()[i]
	var annotations, ranges, addresses []string
	for _, f := range o.Underlay.Families() {
		a := subnet(f, name == Far, byte(i+1))
		annotations = append(annotations, fmt.Sprintf("projectcalico.org/%vAddress: '%v'", f, a))
		addresses = append(addresses, fmt.Sprintf("{type: InternalIP, address: '%v'}", a.Addr()))
	}
	for _, f := range o.Families.Families() {
		annotations = append(annotations, fmt.Sprintf("projectcalico.org/%vVXLANTunnelAddr: '%v'", f, ClusterTunnel(f, i)))
		if o.Wireguard {
			annotations = append(annotations, fmt.Sprintf("%s: '%v'", model.WireguardAddressAnnotation(f), ClusterWireguard(f, i)))
		}
		ranges = append(ranges, fmt.Sprintf("'%v'", ClusterPods(f, i)))
	}
	if o.Families.Has(family.V4) {
		annotations = append(annotations, fmt.Sprintf("projectcalico.org/IPv4IPIPTunnelAddr: '%v'", ClusterIPIP(i)))
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Node
metadata: {name: %s, annotations: {%s}}
spec: {podCIDRs: [%s]}
status: {addresses: [%s]}
`, name, strings.Join(annotations, ", "), strings.Join(ranges, ", "), strings.Join(addresses, ", "))
}

func (c *Cluster) podManifests() string {
	var text strings.Builder
	for _, name := range ClusterNodes() {
		fmt.Fprintf(&text, `---
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: shop}
spec: {nodeName: %s}
status: {phase: Running, podIPs: [%s]}
`, name, name, podIPs(c.addresses(name)))
	}
	return text.String()
}

func (c *Cluster) addresses(node string) []netip.Addr {
	var out []netip.Addr
	for _, f := range c.options.Families.Families() {
		out = append(out, c.Address(node, f))
	}
	return out
}

// Pools are IPPools of the given families, in which all nodes' ranges lie.
func Pools(fs family.Set, spec string) string {
	cidr := family.PairOf("10.65.0.0/16", "fd00:65::/32")
	var text strings.Builder
	for _, f := range fs.Families() {
		fmt.Fprintf(&text, `---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: pods-%d}
spec: {cidr: '%s', %s}
`, f.Version(), cidr.Get(f), spec)
	}
	return text.String()
}

// Blocks are IPAM blocks, one of each of the families for each node, of the nodes' ranges.
func Blocks(fs family.Set) string {
	var text strings.Builder
	for i, name := range ClusterNodes() {
		for _, f := range fs.Families() {
			r := ClusterPods(f, i)
			fmt.Fprintf(&text, `---
apiVersion: crd.projectcalico.org/v1
kind: IPAMBlock
metadata: {name: %s}
spec: {cidr: '%s', affinity: 'host:%s', allocations: [], attributes: [], unallocated: [], deleted: false, strictAffinity: false}
`, strings.NewReplacer(".", "-", ":", "-", "/", "-").Replace("b"+r.String()), r, name)
		}
	}
	return text.String()
}
