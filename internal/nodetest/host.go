package nodetest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/margay-net/margay/internal/netlab"
)

// prepareHost makes the settings that pods need of the node and of their interfaces.
//
// Until package internal/interfaces is part of the dataplane: then this file goes.
func (n *Node) prepareHost() {
	n.t.Helper()
	n.sysctls(map[string]string{"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"})
	for _, p := range n.Lab.Pods() {
		n.prepareInterface(p)
	}
}

func (n *Node) prepareInterface(p *netlab.Pod) {
	n.t.Helper()
	if p.Node() != n.Node {
		return
	}
	n.sysctls(map[string]string{
		fmt.Sprintf("net/ipv4/conf/%s/proxy_arp", p.Interface()):    "1",
		fmt.Sprintf("net/ipv4/neigh/%s/proxy_delay", p.Interface()): "0",
	})
}

func (n *Node) sysctls(values map[string]string) {
	n.t.Helper()
	for _, path := range slices.Sorted(maps.Keys(values)) {
		if err := n.SetSysctl(path, values[path]); err != nil {
			n.t.Fatal(err)
		}
	}
}

// Plug plugs a pod of the lab into the node.
func (n *Node) Plug(name string) {
	n.t.Helper()
	p := n.Pod(name)
	if err := p.Plug(n.Node); err != nil {
		n.t.Fatal(err)
	}
	n.prepareInterface(p)
}

// Unplug deletes the veth pair of a pod.
func (n *Node) Unplug(name string) {
	n.t.Helper()
	if err := n.Pod(name).Unplug(); err != nil {
		n.t.Fatal(err)
	}
}
