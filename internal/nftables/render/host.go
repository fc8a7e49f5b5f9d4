package render

import (
	"slices"

	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// input takes a packet from a pod to its node through the pod's egress policies, and then,
// in a base chain of its own, through what the node wants from pods at all.
func (r *Renderer) input(p *Part) {
	p.chain("input-from-pod", slices.Concat(r.tracked(), r.exchanged(), r.fromPod())...)
	p.base("input-egress", nft.Filter, nft.Input, nft.PriorityFilter,
		r.atPods(nft.IIfName, "", nft.Goto("input-from-pod"))...)

	action := r.settings.HostAction
	if action == rules.HostReturn {
		return
	}
	end := nft.Drop()
	if action == rules.HostAccept {
		end = nft.Accept()
	}
	node := []nft.Rule{nft.NewRule("", nft.States(nft.Established|nft.Related), nft.Accept())}
	node = append(node, r.exchanged()...)
	node = append(node, nft.NewRule("DefaultEndpointToHostAction "+action.String(), end))
	p.chain("pod-to-node", node...)
	p.base("input-node", nft.Filter, nft.Input, nft.PriorityFilter+1,
		r.atPods(nft.IIfName, "", nft.Goto("pod-to-node"))...)
}

// output leaves the node's own packets alone but for those to a pod that is not known.
func (r *Renderer) output(p *Part) {
	to := []nft.Rule{nft.NewRule("", nft.OIfName.VMap(pods))}
	to = append(to, r.exchanged()...)
	to = append(to, nft.NewRule("no known pod's interface", nft.Drop()))
	p.chain("node-to-pod", to...)
	p.base("output", nft.Filter, nft.Output, nft.PriorityFilter,
		r.atPods(nft.OIfName, "", nft.Goto("node-to-pod"))...)
}

// exchanged accepts what a pod and its node need to find each other.
func (r *Renderer) exchanged() []nft.Rule {
	var out []nft.Rule
	for _, m := range rules.Exchanged(r.family) {
		out = append(out, nft.NewRule("between a pod and its node", r.icmpType(m.Types), r.hops(m), nft.Accept()))
	}
	return out
}

func (r *Renderer) hops(m rules.LinkMessages) nft.Match {
	return nft.HopLimit(r.family).Is(nft.Num(uint32(m.HopLimit)))
}

func (r *Renderer) icmpType(types []uint8) nft.Match {
	var values []nft.Value
	for _, t := range types {
		values = append(values, nft.Num(uint32(t)))
	}
	return nft.ICMPType(r.family).Is(values...)
}
