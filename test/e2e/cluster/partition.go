package cluster

import (
	"fmt"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// CutOff drops every packet between a node and the control plane, without a word: the node stays
// among its pods and the other nodes.
func (c *Cluster) CutOff(n *Node) {
	c.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "table inet cut-off-%s {\n", n.Name())
	for hook, end := range map[string]string{"input": "saddr", "output": "daddr"} {
		fmt.Fprintf(&text, "chain %s {\ntype filter hook %s priority -400\n", hook, hook)
		for _, a := range n.addresses() {
			fmt.Fprintf(&text, "%s %s %s drop\n", nftFamily.Get(family.Of(a)), end, a)
		}
		text.WriteString("}\n")
	}
	c.nft(text.String() + "}\n")
}

// nftFamily is what nftables calls a family's header.
var nftFamily = family.PairOf("ip", "ip6")

// Reconnect ends CutOff.
func (c *Cluster) Reconnect(n *Node) {
	c.t.Helper()
	c.nft("delete table inet cut-off-" + n.Name())
}

// nft runs commands of nftables in the control plane's namespace.
func (c *Cluster) nft(commands string) {
	c.t.Helper()
	command := c.control.Command("nft", "-f", "-")
	command.Stdin = strings.NewReader(commands)
	if out, err := command.CombinedOutput(); err != nil {
		c.t.Fatalf("nft: %v: %s", err, out)
	}
}
