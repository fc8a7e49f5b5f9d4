package nodetest

import "github.com/margay-net/margay/internal/netlab"

// Listen begins to listen to the node's kernel: what it announces from now on is heard, until the
// test's end.
func (n *Node) Listen() *netlab.Kernel {
	n.t.Helper()
	k, err := n.Node.Listen()
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(k.Close)
	return k
}

// Await waits until nothing is missing in the kernel: missing is asked now, and again
// whenever the kernel announces a change. The test ends if that never comes.
func (n *Node) Await(missing func() string) {
	n.t.Helper()
	k := n.Listen()
	defer k.Close()
	if err := k.Await(patience, missing); err != nil {
		n.t.Fatal(err)
	}
}
