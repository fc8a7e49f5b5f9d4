package render

import (
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// Tunnel is what guards the node's end of tunnels: packets for it are taken from those who are
// at the other ends, and from nobody else, pods least of all. VXLAN of another network on the
// same port is somebody else's, and not looked at. Between nodes, tunnelled packets are not
// tracked: what is inside is, once it is out. The base part leads to its chains, which are
// there without tunnels, too.
func (r *Renderer) Tunnel(t rules.Tunnel) Part {
	var p Part
	if !r.on() {
		return p
	}
	var in, simpler, early, out []iptables.Rule
	add := func(network iptables.Words, match ...iptables.Words) {
		to := func(more ...iptables.Words) iptables.Rule {
			return iptables.NewRule("", append(append([]iptables.Words{}, match...), more...)...)
		}
		in = append(in, to(network, iptables.Goto(tunnelSenders)))
		simpler = append(simpler, to(iptables.Goto(tunnelSenders)))
		early = append(early, to(network, iptables.InSet(r.named(senders), "src"), iptables.Text("-j CT --notrack")))
		out = append(out, to(network, iptables.InSet(r.named(senders), "dst"), iptables.Text("-j CT --notrack")))
	}
	if t.VXLAN {
		add(matching("-m u32 --u32 %s=%#x", networkAt.Get(r.family), t.VNI),
			protocolIs(model.UDP), matching("-m multiport --dports %d", t.Port))
	}
	if t.IPIP {
		add(iptables.Words{}, protocolIs(rules.IPProtocolIPIP))
	}
	if t.VXLAN || t.IPIP {
		p.Sets = []ipset.Set{{Name: r.named(senders), Type: ipset.Addresses}}
		from := []iptables.Rule{iptables.NewRule("", iptables.InSet(r.named(senders), "src"), r.allow())}
		for _, n := range rules.Nets(t.External, r.family) {
			from = append(from, iptables.NewRule("ExternalNodesCIDRList", matching("-s %v", n), r.allow()))
		}
		p.chain(iptables.Filter, tunnelSenders, append(from, iptables.NewRule("tunnelled, by nobody we know", drop))...)
	}
	// Where the kernel cannot tell networks apart, all that comes to the port is for us.
	p.guarded(iptables.Filter, tunnelInput, in, simpler)
	p.guarded(iptables.Raw, tunnelIn, early, []iptables.Rule{})
	p.guarded(iptables.Raw, tunnelOut, out, []iptables.Rule{})
	return p
}

// networkAt is where the VXLAN network lies in a packet, in the words of the u32 match: behind
// the header of IPv4, as long as that says, or the fixed one of IPv6; behind UDP's eight bytes
// and four more of VXLAN's, in the upper three of four bytes.
var networkAt = family.PairOf("0>>22&0x3c@0xc>>8", "0x34>>8")

// guarded is a chain that all packets of the node meet: it must not drop what is nobody's
// when its rules cannot be written.
func (p *Part) guarded(table, name string, rules, closed []iptables.Rule) {
	p.Chains = append(p.Chains, iptables.Chain{Table: table, Name: name, Rules: rules, Closed: closed})
}

// Sender is one who is at the other end of a tunnel. The tunnel's part must be there as well.
func (r *Renderer) Sender(a netip.Addr) Part {
	var p Part
	if r.on() && family.Of(a) == r.family {
		p.member(r.named(senders), ipset.Address(a))
	}
	return p
}
