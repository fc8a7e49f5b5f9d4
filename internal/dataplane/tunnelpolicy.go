package dataplane

import (
	"net/netip"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// tunnelEnds is what a manager knows of the tunnels over its family: whether this node has an
// end, and who may be at the others.
type tunnelEnds struct {
	own model.Own
	// vteps are the addresses of the others' ends, hosts those of all nodes, which IPIP comes
	// from. Two nodes may, by mistake, have one address.
	vteps map[string]netip.Addr
	hosts map[netip.Addr]bool
	// shown are the senders that the table has.
	shown map[netip.Addr]bool
}

func newTunnelEnds() *tunnelEnds {
	return &tunnelEnds{vteps: map[string]netip.Addr{}, hosts: map[netip.Addr]bool{}, shown: map[netip.Addr]bool{}}
}

// sender is one who is at the other end of a tunnel.
type sender struct{ netip.Addr }

func tunnelPart() part { return part{what: "tunnel"} }

func senderPart(a netip.Addr) part { return part{what: "tunnel sender", name: a.String()} }

// updateTunnels takes in what has changed about tunnels, as far as policy looks at them.
func (m *manager) updateTunnels(b *calc.Batch) {
	t := m.tunnels
	changed := len(b.VTEPs)+len(b.VTEPsGone)+len(b.Own)+len(b.Hosts)+len(b.HostsGone) > 0
	for _, k := range b.VTEPsGone {
		if k.Underlay == m.family {
			delete(t.vteps, k.Node)
		}
	}
	for _, v := range b.VTEPs {
		if v.Family() == m.family {
			t.vteps[v.Node] = v.Underlay
		}
	}
	for _, a := range b.HostsGone {
		delete(t.hosts, a)
	}
	for _, h := range b.Hosts {
		if family.Of(h.Address) == m.family {
			t.hosts[h.Address] = true
		}
	}
	for _, o := range b.Own {
		if o.Family == m.family && o != t.own {
			t.own = o
			m.policyIn.put(m.tunnel())
		}
	}
	if changed {
		m.putSenders()
	}
}

// tunnel is what guards this node's end of the tunnels.
func (m *manager) tunnel() rules.Tunnel {
	s, own := m.settings, forced(m.settings, m.tunnels.own)
	return rules.Tunnel{
		VXLAN: own.VXLAN, VNI: uint32(s.VXLAN.VNI), Port: s.VXLAN.Port,
		IPIP: own.IPIP, External: s.VXLAN.External,
	}
}

// putSenders puts who may send tunnelled packets, as far as they are new. Without an end of
// this node's, nobody.
func (m *manager) putSenders() {
	t, own := m.tunnels, forced(m.settings, m.tunnels.own)
	want := map[netip.Addr]bool{}
	if own.VXLAN {
		for _, a := range t.vteps {
			want[a] = true
		}
	}
	if own.IPIP {
		for a := range t.hosts {
			want[a] = true
		}
	}
	for a := range t.shown {
		if !want[a] {
			m.policyIn.drop(senderPart(a))
		}
	}
	for a := range want {
		if !t.shown[a] {
			m.policyIn.put(sender{a})
		}
	}
	t.shown = want
}
