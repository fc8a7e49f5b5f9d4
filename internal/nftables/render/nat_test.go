package render_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/rules"
)

func TestPostrouting(t *testing.T) {
	const v4 = "ip saddr @cali-masq-ipam-pools4 ip daddr != @cali-all-ipam-pools4"
	const v6 = "ip6 saddr @cali-masq-ipam-pools6 ip6 daddr != @cali-all-ipam-pools6"
	for _, c := range []struct {
		name   string
		nat    rules.NAT
		v4, v6 string
	}{
		{
			"nothing set", rules.NAT{},
			"  " + v4 + " masquerade\n", "  " + v6 + " masquerade\n",
		},
		{
			"above the VXLAN port", rules.NAT{ReservedUDP: []uint16{4789}},
			"  " + v4 + " meta l4proto udp masquerade to :4790-65535\n  " + v4 + " masquerade\n",
			"  " + v6 + " meta l4proto udp masquerade to :4790-65535\n  " + v6 + " masquerade\n",
		},
		{
			"between the VXLAN and the WireGuard ports", rules.NAT{ReservedUDP: []uint16{51821, 4789, 51820}},
			"  " + v4 + " meta l4proto udp masquerade to :4790-51819\n  " + v4 + " masquerade\n",
			"  " + v6 + " meta l4proto udp masquerade to :4790-51819\n  " + v6 + " masquerade\n",
		},
		{
			"ports, one end of them reserved",
			rules.NAT{ReservedUDP: []uint16{4000}, Ports: model.PortRange{First: 4000, Last: 4999}},
			"  " + v4 + " meta l4proto udp masquerade to :4001-4999\n" +
				"  " + v4 + " meta l4proto tcp masquerade to :4000-4999\n  " + v4 + " masquerade\n",
			"  " + v6 + " meta l4proto udp masquerade to :4001-4999\n" +
				"  " + v6 + " meta l4proto tcp masquerade to :4000-4999\n  " + v6 + " masquerade\n",
		},
		{
			"the only port is reserved",
			rules.NAT{ReservedUDP: []uint16{4789}, Ports: model.PortRange{First: 4789, Last: 4789}},
			"  " + v4 + " meta l4proto udp masquerade to :4790-65535\n" +
				"  " + v4 + " meta l4proto tcp masquerade to :4789\n  " + v4 + " masquerade\n",
			"  " + v6 + " meta l4proto udp masquerade to :4790-65535\n" +
				"  " + v6 + " meta l4proto tcp masquerade to :4789\n  " + v6 + " masquerade\n",
		},
		{
			"an address for IPv4 only", rules.NAT{Address: addrs("192.0.2.1", ""), ReservedUDP: []uint16{4789}},
			"  " + v4 + " meta l4proto udp snat ip to 192.0.2.1:4790-65535\n  " + v4 + " snat ip to 192.0.2.1\n",
			"  " + v6 + " meta l4proto udp masquerade to :4790-65535\n  " + v6 + " masquerade\n",
		},
		{
			"by one interface, never to nodes", rules.NAT{Interface: "eth0", ExcludeHosts: true, Address: addrs("", "2001:db8::1")},
			"  oifname \"eth0\" " + v4 + " ip daddr != @cali-all-hosts4 masquerade\n",
			"  oifname \"eth0\" " + v6 + " ip6 daddr != @cali-all-hosts6 snat ip6 to 2001:db8::1\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := felixDefaults()
			s.NAT = c.nat
			for f, want := range map[family.Family]string{family.V4: c.v4, family.V6: c.v6} {
				for _, chain := range render.New(f, s).Base().Chains {
					for _, r := range chain.Rules {
						if err := r.Err(); err != nil {
							t.Error(err)
						}
					}
					if chain.Name != "postrouting" {
						continue
					}
					if diff := cmp.Diff("postrouting:\n"+want, text([]nft.Chain{chain})); diff != "" {
						t.Errorf("%v: (-want +got)\n%s", f, diff)
					}
				}
			}
		})
	}
}

func TestPoolsAndHosts(t *testing.T) {
	s := felixDefaults()
	s.NAT.ExcludeHosts = true
	r := render.New(family.V6, s)
	for _, c := range []struct {
		what string
		got  any
		want string
	}{
		{
			"a pool with NAT", r.Pool(model.NATPool{CIDR: prefixes("fd00:65::/64")[0], Outgoing: true}).Nets,
			"[{cali-all-ipam-pools6 [fd00:65::/64]} {cali-masq-ipam-pools6 [fd00:65::/64]}]",
		},
		{"a pool without", r.Pool(model.NATPool{CIDR: prefixes("fd00:66::/64")[0]}).Nets, "[{cali-all-ipam-pools6 [fd00:66::/64]}]"},
		{"the other family's", r.Pool(model.NATPool{CIDR: prefixes("10.65.0.0/16")[0], Outgoing: true}).Nets, "[]"},
		{"a node", len(r.Host(model.Host{Address: prefixes("2001:db8::1/128")[0].Addr()}).Members), "1"},
		{"the other family's node", len(r.Host(model.Host{Address: prefixes("192.0.2.1/32")[0].Addr()}).Members), "0"},
	} {
		if got := fmt.Sprint(c.got); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}
