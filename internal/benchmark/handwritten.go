package main

import (
	"fmt"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/workload"
)

// byHand loads a ruleset that does what an agent's must do for these two pods, and no
// more: it is what the best of agents could come to.
func (p *path) byHand() error {
	node := p.lab.Node(workload.LocalNode)
	if err := node.RouteByHand(); err != nil {
		return err
	}
	nft := node.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(handWritten(p.lab.Pod("0"), p.lab.Pod("1")))
	if out, err := nft.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, out)
	}
	return nil
}

func handWritten(from, to *netlab.Pod) string {
	return strings.NewReplacer(
		"FROM4", from.Address(family.V4).String(), "FROM6", from.Address(family.V6).String(), "FROM", from.Interface(),
		"TO4", to.Address(family.V4).String(), "TO6", to.Address(family.V6).String(), "TO", to.Interface(),
	).Replace(`table inet hand {
	set sources4 { type ifname . ipv4_addr; elements = { "FROM" . FROM4, "TO" . TO4 } }
	set sources6 { type ifname . ipv6_addr; elements = { "FROM" . FROM6, "TO" . TO6 } }
	set members4 { type ipv4_addr; elements = { FROM4 } }
	set members6 { type ipv6_addr; elements = { FROM6 } }
	chain to-pod {
		ip saddr @members4 tcp dport 9999 accept
		ip6 saddr @members6 tcp dport 9999 accept
		drop
	}
	map to { type ifname : verdict; elements = { "FROM" : goto to-pod, "TO" : goto to-pod } }
	chain last {
		oifname vmap @to
		oifname "cali*" drop
	}
	chain from-pod { goto last; }
	map from { type ifname : verdict; elements = { "FROM" : goto from-pod, "TO" : goto from-pod } }
	chain forward {
		type filter hook forward priority 0; policy accept;
		iifname "cali*" meta nfproto ipv4 iifname . ip saddr != @sources4 drop
		iifname "cali*" meta nfproto ipv6 iifname . ip6 saddr != @sources6 drop
		ct state vmap { established : accept, related : accept, invalid : drop }
		iifname vmap @from
		iifname "cali*" drop
		goto last
	}
	chain nat {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.240.0.0/12 ip daddr != 10.240.0.0/12 masquerade
		ip6 saddr fd00:10:240::/48 ip6 daddr != fd00:10:240::/48 masquerade
	}
}
`)
}
