package render

import (
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// Tunnel is what guards the node's end of tunnels: packets for it are taken from those who are
// at the other ends, and from nobody else, pods least of all. VXLAN of another network on the
// same port is somebody else's, and not looked at. Between nodes, tunnelled packets are not
// tracked: what is inside is, once it is out.
func (r *Renderer) Tunnel(t rules.Tunnel) Part {
	var p Part
	if !r.on() || !t.VXLAN && !t.IPIP {
		return p
	}
	p.Sets = []nft.Set{{Name: r.named(tunnelSenders), Key: r.addressKey()}}
	src, dst := nft.SAddr(r.family), nft.DAddr(r.family)
	from := []nft.Rule{nft.NewRule("", src.In(r.named(tunnelSenders)), nft.Accept())}
	if nets := rules.Nets(t.External, r.family); len(nets) > 0 {
		from = append(from, nft.NewRule("ExternalNodesCIDRList", src.Is(netValues(nets)...), nft.Accept()))
	}
	p.chain("tunnel-senders", append(from, nft.NewRule("tunnelled, by nobody we know", nft.FamilyIs(r.family), nft.Drop()))...)

	var in, early, out []nft.Rule
	add := func(match ...nft.Statement) {
		in = append(in, rule(match, nft.FamilyIs(r.family), nft.Goto("tunnel-senders")))
		early = append(early, rule(match, src.In(r.named(tunnelSenders)), nft.Notrack{}))
		out = append(out, rule(match, dst.In(r.named(tunnelSenders)), nft.Notrack{}))
	}
	if t.VXLAN {
		add(protocolIs(model.UDP), nft.DPort.Is(nft.Num(uint32(t.Port))), nft.VNI.Is(nft.Num(t.VNI)))
	}
	if t.IPIP {
		add(protocolIs(rules.IPProtocolIPIP))
	}
	p.base("tunnel-input", nft.Filter, nft.Input, nft.PriorityFilter, in...)
	p.base("tunnel-prerouting", nft.Filter, nft.Prerouting, nft.PriorityRaw+1, early...)
	p.base("tunnel-output", nft.Filter, nft.Output, nft.PriorityRaw, out...)
	return p
}

// rule is one of statements of which the first are shared.
func rule(match []nft.Statement, more ...nft.Statement) nft.Rule {
	return nft.NewRule("", append(append([]nft.Statement{}, match...), more...)...)
}

// Sender is one who is at the other end of a tunnel. The tunnel's part must be there as well.
func (r *Renderer) Sender(a netip.Addr) Part {
	var p Part
	if r.on() && family.Of(a) == r.family {
		p.member(r.named(tunnelSenders), nft.AddrElement(a))
	}
	return p
}
