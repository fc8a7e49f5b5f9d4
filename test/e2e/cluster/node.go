package cluster

import (
	"fmt"
	"net/netip"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// Node is a node of the cluster, or the control plane, which is on the link like one.
type Node struct {
	*netlab.Node
	// PodNets are the node's podCIDRs, the primary family's first.
	PodNets []netip.Prefix
	// Kubelet is a client with the identity of the node's kubelet.
	Kubelet kubernetes.Interface

	c     *Cluster
	onNet []netip.Prefix
	next  int // the number of the next pod's address
	agent *process
	// assigned says to whom addresses of the node's blocks are given.
	assigned map[netip.Addr]map[string]string
}

// AddNode makes a node, with its object in the API.
func (c *Cluster) AddNode() *Node {
	c.t.Helper()
	index := len(c.nodes) + 1
	name := fmt.Sprintf("node%d", index)
	n, err := c.newSpace(name, firstNode-1+index)
	c.must(err)
	n.PodNets, n.next = c.options.podNets(index), 2
	c.must(c.authority.sign("kubelet-"+name, identity{name: "system:node:" + name, groups: []string{"system:nodes"}}))
	n.Kubelet, err = kubernetes.NewForConfig(c.KubeletConfig(name))
	c.must(err)
	c.nodes = append(c.nodes, n)
	c.must(c.routeTo(n))
	n.register()
	return n
}

// newSpace makes a node's namespaces, on the link.
func (c *Cluster) newSpace(name string, number int) (*Node, error) {
	addresses := c.options.onLink(number)
	n, err := c.Lab.AddNode(netlab.NodeSpec{Name: name, Addresses: addresses, Gateways: c.options.gateways()})
	return &Node{Node: n, c: c, onNet: addresses}, err
}

// routeTo gives the link, and the nodes that are to have them, the static routes to the pods of a
// node, and the node those to the pods of the others.
func (c *Cluster) routeTo(n *Node) error {
	if err := addRoutes(c.Lab.Link().Space, n, "bridge"); err != nil {
		return err
	}
	if c.options.WithoutNodeRoutes {
		return nil
	}
	for _, other := range c.nodes {
		if other == n {
			continue
		}
		if err := addRoutes(other.Space, n, netlab.Uplink); err != nil {
			return err
		}
		if err := addRoutes(n.Space, other, netlab.Uplink); err != nil {
			return err
		}
	}
	return nil
}

// addRoutes gives a space routes to a node's pods through the node.
func addRoutes(in *netlab.Space, to *Node, device string) error {
	for _, net := range to.PodNets {
		if err := in.AddRoute(net, to.Address(family.OfPrefix(net)), device); err != nil {
			return err
		}
	}
	return nil
}

// addresses are the node's addresses.
func (n *Node) addresses() []netip.Addr {
	var all []netip.Addr
	for _, p := range n.onNet {
		all = append(all, p.Addr())
	}
	return all
}

// Nodes are the cluster's nodes, node1 first.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Node is the node of that name; the test ends if there is none.
func (c *Cluster) Node(name string) *Node {
	c.t.Helper()
	for _, n := range c.nodes {
		if n.Name() == name {
			return n
		}
	}
	c.t.Fatalf("there is no node %s", name)
	return nil
}

// register makes the node's object: the kubelet's part with its identity, and podCIDRs, which the
// controller manager gives.
func (n *Node) register() {
	n.c.t.Helper()
	ctx, cancel := n.c.Context()
	defer cancel()
	node := &core.Node{
		ObjectMeta: meta.ObjectMeta{Name: n.Name(), Labels: map[string]string{"kubernetes.io/hostname": n.Name(), "kubernetes.io/os": "linux"}},
		Spec:       core.NodeSpec{PodCIDR: n.PodNets[0].String(), PodCIDRs: texts(n.PodNets)},
	}
	_, err := n.c.Admin.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{})
	n.c.must(err)
	n.ReportAddresses(n.addresses()...)
}

// ReportAddresses sets the node's InternalIPs, as the kubelet does.
func (n *Node) ReportAddresses(addrs ...netip.Addr) {
	n.c.t.Helper()
	ctx, cancel := n.c.Context()
	defer cancel()
	addresses := []core.NodeAddress{{Type: core.NodeHostName, Address: n.Name()}}
	for _, a := range addrs {
		addresses = append(addresses, core.NodeAddress{Type: core.NodeInternalIP, Address: a.String()})
	}
	node, err := n.Kubelet.CoreV1().Nodes().Get(ctx, n.Name(), meta.GetOptions{})
	n.c.must(err)
	node.Status.Addresses = addresses
	node.Status.Conditions = []core.NodeCondition{{
		Type: core.NodeReady, Status: core.ConditionTrue, Reason: "KubeletReady",
		LastHeartbeatTime: meta.Now(), LastTransitionTime: meta.Now(),
	}}
	_, err = n.Kubelet.CoreV1().Nodes().UpdateStatus(ctx, node, meta.UpdateOptions{})
	n.c.must(err)
}

// Listen begins to listen to the node's kernel: what it announces from now on is heard, until the
// test's end.
func (n *Node) Listen() *netlab.Kernel {
	n.c.t.Helper()
	k, err := n.Node.Listen()
	n.c.must(err)
	n.c.t.Cleanup(k.Close)
	return k
}
