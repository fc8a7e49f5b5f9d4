package rules

import (
	"fmt"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Node is a node's whole packet path as one family sees it: what the agent was told, for
// the question what becomes of a packet.
type Node struct {
	Evaluator
	Family   family.Family
	Settings Settings
	// Endpoints are the local pods by interface.
	Endpoints map[string]*model.LocalEndpoint
}

// InterfaceOf is the interface of the local pod that has an address; empty for none.
func (n *Node) InterfaceOf(a netip.Addr) string {
	for name, ep := range n.Endpoints {
		if a.IsValid() && ep.Addresses.Get(n.Family) == a {
			return name
		}
	}
	return ""
}

// Verdict says what becomes of a packet of the node's family that takes the given way.
// Only pod interfaces matter: what touches none is allowed.
func (n *Node) Verdict(p Packet, w Way) *Trace {
	t := &Trace{Packet: p, Way: w, Allowed: true}
	from, to := n.Settings.PodInterface(w.In), n.Settings.PodInterface(w.Out)
	switch {
	case !from && !to:
		t.add(true, StageNode, "no pod's interface is on the way: allowed")
		return t
	case !n.Settings.Families.Has(n.Family):
		t.add(false, StageNode, n.Family.String()+" is off: denied")
		return t
	}
	if from {
		n.checkSource(t)
	}
	switch {
	case !t.Allowed:
	case w.In == "":
		n.fromNode(t)
	case w.Out == "":
		n.toNode(t)
	default:
		n.forward(t, from, to)
	}
	return t
}

func (t *Trace) add(allowed bool, s Stage, reason string) {
	t.Allowed = allowed
	t.Steps = append(t.Steps, Step{Stage: s, Reason: reason})
}

// checkSource holds a pod to its own addresses, whatever connection tracking says.
func (n *Node) checkSource(t *Trace) {
	p, ep := &t.Packet, n.Endpoints[t.Way.In]
	switch {
	case ep == nil:
		t.add(false, StageSource, t.Way.In+" is no known pod's: denied")
	case p.hasType(Unsolicited(n.Family)):
		t.add(false, StageSource, "pods are not routers: denied")
	case ep.Addresses.Get(n.Family) == p.Source:
	case n.Settings.AllowSpoofing && p.comesFrom(ep.AllowedSources):
		t.add(true, StageSource, fmt.Sprintf("%v is granted by annotation", p.Source))
	case p.isExchanged() && p.comesFrom(LinkSources(n.Family)):
		t.add(true, StageSource, "between a pod and its node")
	default:
		t.add(false, StageSource, fmt.Sprintf("%v is no address of %v: denied", p.Source, ep.ID))
	}
}

// forward takes the packet through the sending pod's policies, then the receiving one's.
func (n *Node) forward(t *Trace, from, to bool) {
	if from {
		n.leave(t)
	}
	if to && t.Allowed {
		n.enter(t)
	}
}

func (n *Node) leave(t *Trace) {
	if n.tracked(t, StageEgress) {
		return
	}
	if t.Packet.hasType(NeverForwarded(n.Family)) {
		t.add(false, StageEgress, "never forwarded: denied")
		return
	}
	n.egress(t)
}

// egress applies the sending pod's policies to what connection tracking left open.
func (n *Node) egress(t *Trace) {
	s, p := &n.Settings, &t.Packet
	switch {
	case !s.AllowVXLAN && p.Protocol == model.UDP && p.DestinationPort == s.VXLANPort:
		t.add(false, StageEgress, "pods do not send VXLAN: denied")
	case !s.AllowIPIP && p.Protocol == IPProtocolIPIP:
		t.add(false, StageEgress, "pods do not send IP in IP: denied")
	default:
		n.policies(t, t.Way.In, model.Egress)
	}
}

func (n *Node) enter(t *Trace) {
	switch {
	case n.Endpoints[t.Way.Out] == nil:
		t.add(false, StageIngress, t.Way.Out+" is no known pod's: denied")
	case n.tracked(t, StageIngress):
	case t.Packet.hasType(NeverForwarded(n.Family)):
		t.add(false, StageIngress, "never forwarded: denied")
	default:
		n.policies(t, t.Way.Out, model.Ingress)
	}
}

// toNode applies the sending pod's policies, then what the node wants from pods at all.
func (n *Node) toNode(t *Trace) {
	if n.tracked(t, StageNode) {
		return
	}
	if t.Packet.isExchanged() {
		t.add(true, StageNode, "between a pod and its node: allowed")
		return
	}
	if n.egress(t); t.Allowed {
		action := n.Settings.HostAction
		t.add(action != HostDrop, StageNode, fmt.Sprintf("DefaultEndpointToHostAction %v: %s",
			action, verdict(action != HostDrop)))
	}
}

// fromNode lets the node reach its own pods whatever their policies say, as Felix does.
func (n *Node) fromNode(t *Trace) {
	switch {
	case t.Packet.isExchanged():
		t.add(true, StageNode, "between a pod and its node: allowed")
	case n.Endpoints[t.Way.Out] == nil:
		t.add(false, StageNode, t.Way.Out+" is no known pod's: denied")
	default:
		t.add(true, StageNode, "the node's own traffic: allowed")
	}
}

// tracked says whether connection tracking decides.
func (n *Node) tracked(t *Trace, s Stage) bool {
	switch state := t.Packet.State; {
	case state == Established || state == Related:
		t.add(true, s, state.String()+": allowed")
		return true
	case state == Invalid && !n.Settings.KeepInvalid:
		t.add(false, s, "invalid: denied")
		return true
	}
	return false
}

func (n *Node) policies(t *Trace, iface string, d model.Direction) {
	ok, steps := n.Evaluate(&t.Packet, n.Endpoints[iface], d)
	t.Allowed = ok
	t.Steps = append(t.Steps, steps...)
}
