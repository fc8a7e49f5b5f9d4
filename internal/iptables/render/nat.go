package render

import (
	"fmt"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/model"
)

// postrouting gives packets that leave the pools an address of the node. Rules on ports come
// first: a masquerade without a range keeps the port that the pod chose, which may be one of
// the node's own.
func (r *Renderer) postrouting(p *Part) {
	nat := &r.settings.NAT
	p.Sets = append(p.Sets, ipset.Set{Name: r.named(natPools), Type: ipset.Nets}, ipset.Set{Name: r.named(allPools), Type: ipset.Nets})
	leaves := []iptables.Words{iptables.InSet(r.named(natPools), "src"), iptables.NotInSet(r.named(allPools), "dst")}
	if nat.Interface != "" {
		name := nat.Interface
		if start, any := strings.CutSuffix(name, "*"); any {
			name = start + "+"
		}
		leaves = append([]iptables.Words{matching("-o %s", name)}, leaves...)
	}
	if nat.ExcludeHosts {
		p.Sets = append(p.Sets, ipset.Set{Name: r.named(allHosts), Type: ipset.Nets})
		leaves = append(leaves, iptables.NotInSet(r.named(allHosts), "dst"))
	}
	var out []iptables.Rule
	give := func(protocol model.Protocol, ports model.PortRange) {
		var words []iptables.Words
		if protocol != model.AnyProtocol {
			words = append(words, protocolIs(protocol))
		}
		words = append(append(words, leaves...), r.translate(ports))
		out = append(out, iptables.NewRule("natOutgoing", words...))
	}
	if udp := nat.UDPPorts(); udp != (model.PortRange{}) {
		give(model.UDP, udp)
	}
	if nat.Ports != (model.PortRange{}) {
		give(model.TCP, nat.Ports)
	}
	give(model.AnyProtocol, model.PortRange{})
	p.top(r, iptables.NAT, "POSTROUTING", iptables.NewRule("", iptables.Jump(natOutgoing)))
	p.chain(iptables.NAT, natOutgoing, out...)
}

func (r *Renderer) translate(ports model.PortRange) iptables.Words {
	to := r.settings.NAT.Address.Get(r.family)
	text, span := "-j MASQUERADE", ""
	if ports != (model.PortRange{}) {
		span = fmt.Sprintf("%d-%d", ports.First, ports.Last)
	}
	switch {
	case to.IsValid() && span != "" && r.family == family.V6:
		text = fmt.Sprintf("-j SNAT --to-source [%v]:%s", to, span)
	case to.IsValid() && span != "":
		text = fmt.Sprintf("-j SNAT --to-source %v:%s", to, span)
	case to.IsValid():
		text = fmt.Sprintf("-j SNAT --to-source %v", to)
	case span != "":
		text += " --to-ports " + span
	}
	if !r.idiom.PredictablePorts {
		text += " --random-fully"
	}
	return iptables.Text(text)
}

// Pool is what a pool adds to the sets that NAT asks.
func (r *Renderer) Pool(pool model.NATPool) Part {
	var p Part
	if !r.on() || family.OfPrefix(pool.CIDR) != r.family {
		return p
	}
	p.member(r.named(allPools), ipset.Net(pool.CIDR))
	if pool.Outgoing {
		p.member(r.named(natPools), ipset.Net(pool.CIDR))
	}
	return p
}

// Host is what a node's address adds to the sets that NAT asks.
func (r *Renderer) Host(h model.Host) Part {
	var p Part
	if r.on() && r.settings.NAT.ExcludeHosts && family.Of(h.Address) == r.family {
		p.member(r.named(allHosts), ipset.Address(h.Address))
	}
	return p
}
