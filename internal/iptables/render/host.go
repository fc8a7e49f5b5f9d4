package render

import (
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/rules"
)

// input takes a packet from a pod to its node through the pod's egress policies, and then
// does what the node wants with packets from pods at all.
func (r *Renderer) input(p *Part) {
	p.top(r, iptables.Filter, "INPUT", append([]iptables.Rule{iptables.NewRule("", iptables.Jump(tunnelInput))},
		r.atPods("-i", "", iptables.Goto(toHost))...)...)
	all := append(r.tracked(r.allow()), r.exchanged(r.allow())...)
	all = append(all, r.encapsulated()...)
	all = append(all, iptables.NewRule("", iptables.Jump(fromDispatch)))
	end := map[rules.HostAction]iptables.Words{rules.HostAccept: accept, rules.HostReturn: back, rules.HostDrop: drop}
	action := r.settings.HostAction
	all = append(all, iptables.NewRule("DefaultEndpointToHostAction "+action.String(), end[action]))
	p.chain(iptables.Filter, toHost, all...)
}

// output leaves the node's own packets alone but for those to a pod that is not known.
func (r *Renderer) output(p *Part) {
	p.top(r, iptables.Filter, "OUTPUT", r.atPods("-o", "", iptables.Goto(fromNode))...)
	p.chain(iptables.Filter, fromNode, append(r.exchanged(back), iptables.NewRule("", iptables.Goto(toKnown)))...)
}

// exchanged are rules for what a pod and its node need to find each other.
func (r *Renderer) exchanged(do iptables.Words) []iptables.Rule {
	var out []iptables.Rule
	for _, m := range rules.Exchanged(r.family) {
		for _, t := range m.Types {
			out = append(out, iptables.NewRule("between a pod and its node", r.icmpType(t), matching("-m hl --hl-eq %d", m.HopLimit), do))
		}
	}
	return out
}
