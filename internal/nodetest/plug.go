package nodetest

// Plug plugs a pod of the lab into the node.
func (n *Node) Plug(name string) {
	n.t.Helper()
	if err := n.Pod(name).Plug(n.Node); err != nil {
		n.t.Fatal(err)
	}
}

// Unplug deletes the veth pair of a pod.
func (n *Node) Unplug(name string) {
	n.t.Helper()
	if err := n.Pod(name).Unplug(); err != nil {
		n.t.Fatal(err)
	}
}
