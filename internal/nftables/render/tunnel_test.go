package render_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/rules"
)

func TestTunnel(t *testing.T) {
	vxlan := rules.Tunnel{VXLAN: true, VNI: 4096, Port: 4789}
	both := vxlan
	both.IPIP, both.External = true, prefixes("192.0.2.0/24", "2001:db8::/32")
	for name, c := range map[string]struct {
		f    family.Family
		end  rules.Tunnel
		want string
	}{
		"none": {family.V4, rules.Tunnel{VNI: 4096, Port: 4789, External: both.External}, ""},
		"VXLAN": {family.V6, vxlan, `
tunnel-senders: ip6 saddr @cali-tunnel-senders6 accept
tunnel-senders: meta nfproto ipv6 drop
tunnel-input: meta l4proto udp th dport 4789 @th,96,24 4096 meta nfproto ipv6 goto tunnel-senders
tunnel-prerouting: meta l4proto udp th dport 4789 @th,96,24 4096 ip6 saddr @cali-tunnel-senders6 notrack
tunnel-output: meta l4proto udp th dport 4789 @th,96,24 4096 ip6 daddr @cali-tunnel-senders6 notrack
`},
		"both, and nets outside": {family.V4, both, `
tunnel-senders: ip saddr @cali-tunnel-senders4 accept
tunnel-senders: ip saddr 192.0.2.0/24 accept
tunnel-senders: meta nfproto ipv4 drop
tunnel-input: meta l4proto udp th dport 4789 @th,96,24 4096 meta nfproto ipv4 goto tunnel-senders
tunnel-input: meta l4proto 4 meta nfproto ipv4 goto tunnel-senders
tunnel-prerouting: meta l4proto udp th dport 4789 @th,96,24 4096 ip saddr @cali-tunnel-senders4 notrack
tunnel-prerouting: meta l4proto 4 ip saddr @cali-tunnel-senders4 notrack
tunnel-output: meta l4proto udp th dport 4789 @th,96,24 4096 ip daddr @cali-tunnel-senders4 notrack
tunnel-output: meta l4proto 4 ip daddr @cali-tunnel-senders4 notrack
`},
	} {
		t.Run(name, func(t *testing.T) {
			p := render.New(c.f, felixDefaults()).Tunnel(c.end)
			var got strings.Builder
			for _, chain := range p.Chains {
				for _, r := range chain.Rules {
					text, _, _ := strings.Cut(r.String(), " comment")
					got.WriteString(chain.Name + ": " + text + "\n")
					if err := r.Err(); err != nil {
						t.Error(err)
					}
				}
			}
			if got.String() != strings.TrimPrefix(c.want, "\n") {
				t.Errorf("got\n%swant%s", &got, c.want)
			}
		})
	}
}

func TestSender(t *testing.T) {
	for _, f := range family.All() {
		off := felixDefaults()
		off.Families = off.Families.Without(f)
		for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
			a := netip.MustParseAddr(a)
			if got := render.New(f, felixDefaults()).Sender(a); len(got.Members) != 1 && family.Of(a) == f || len(got.Members) != 0 && family.Of(a) != f {
				t.Errorf("%v of %v: %+v", a, f, got)
			}
			if got := render.New(f, off).Sender(a); len(got.Members) != 0 {
				t.Errorf("%v, and %v is off: %+v", a, f, got)
			}
		}
		if got := render.New(f, off).Tunnel(rules.Tunnel{VXLAN: true, VNI: 1, Port: 1}); len(got.Chains) != 0 {
			t.Errorf("%v is off: %+v", f, got)
		}
	}
}
