package render

import (
	"slices"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// Closed are the rules that a base chain is to have when its own cannot be written: no
// packet of a pod gets past it.
func Closed(s rules.Settings) []nft.Rule {
	r := Renderer{settings: s}
	return append(r.atPods(nft.IIfName, "closed", nft.Drop()), r.atPods(nft.OIfName, "closed", nft.Drop())...)
}

// Base is what stands whatever the pods and policies are: base chains, the chains that
// they share, and the maps and sets that the other parts put elements into. On its own it
// is the closed table. For a family that is off it drops all its traffic of pods.
func (r *Renderer) Base() Part {
	var p Part
	if !r.on() {
		r.closed(&p)
		return p
	}
	p.Sets = []nft.Set{
		{Name: fromPods, Key: whereKey(), VMap: true},
		{Name: toPods, Key: whereKey(), VMap: true},
		{Name: pods, Key: whereKey(), VMap: true},
		{Name: r.named(sources), Key: r.sourceKey()},
	}
	r.onLinkTypes(&p)
	r.prerouting(&p)
	r.forward(&p)
	r.input(&p)
	r.output(&p)
	r.postrouting(&p)
	return p
}

// closed drops the family at every hook before anything of the other family is asked.
func (r *Renderer) closed(p *Part) {
	off := r.family.String() + " is off"
	for _, c := range []struct {
		name string
		hook nft.Hook
		prio int
		side nft.Field
	}{
		{"raw-prerouting", nft.Prerouting, nft.PriorityRaw, nft.IIfName},
		{"forward-egress", nft.Forward, nft.PriorityFilter, nft.IIfName},
		{"forward-ingress", nft.Forward, nft.PriorityFilter + 1, nft.OIfName},
		{"input-egress", nft.Input, nft.PriorityFilter, nft.IIfName},
		{"output", nft.Output, nft.PriorityFilter, nft.OIfName},
	} {
		p.base(c.name, nft.Filter, c.hook, c.prio, r.atPods(c.side, off, nft.FamilyIs(r.family), nft.Drop())...)
	}
}

// atPods is one rule for each interface prefix. Matches of the family come first.
func (r *Renderer) atPods(side nft.Field, comment string, statements ...nft.Statement) []nft.Rule {
	const longest = 15 // IFNAMSIZ less the closing zero: a longer prefix is nobody's
	var out []nft.Rule
	for _, prefix := range r.settings.InterfacePrefixes {
		if prefix == "" || len(prefix) > longest {
			continue
		}
		pod := side.Is(nft.Iface(prefix + "*"))
		last := len(statements) - 1
		all := append(slices.Clone(statements[:last]), pod, statements[last])
		out = append(out, nft.NewRule(comment, all...))
	}
	return out
}

// prerouting holds every packet from a pod to the sources that the pod may have, before
// connection tracking knows of it.
func (r *Renderer) prerouting(p *Part) {
	own := nft.Fields(nft.IIfName, nft.SAddr(r.family)).In(r.named(sources))
	var check []nft.Rule
	if types := rules.Unsolicited(r.family); len(types) > 0 {
		check = append(check, nft.NewRule("pods are not routers", r.icmpType(types), nft.Drop()))
	}
	check = append(check, nft.NewRule("", own, nft.Accept()))
	if r.settings.AllowSpoofing {
		p.Sets = append(p.Sets, nft.Set{Name: granted, Key: whereKey(), VMap: true})
		check = append(check, nft.NewRule("", nft.IIfName.VMap(granted)))
	}
	for _, m := range rules.Exchanged(r.family) {
		check = append(check, nft.NewRule("", r.icmpType(m.Types), r.hops(m),
			nft.SAddr(r.family).Is(netValues(rules.LinkSources(r.family))...), nft.IIfName.VMap(pods)))
	}
	check = append(check, nft.NewRule("not the pod's own source", nft.Drop()))
	p.chain("source-check", check...)
	p.base("raw-prerouting", nft.Filter, nft.Prerouting, nft.PriorityRaw,
		r.atPods(nft.IIfName, "", nft.Goto("source-check"))...)
}

// forward has the receiving pod's map looked up first and connection tracking after it,
// so that an interface without a known pod gets nothing even of an old connection. The
// sending one's is known from the source check.
func (r *Renderer) forward(p *Part) {
	from := slices.Concat(r.tracked(), r.neverForwarded(), r.fromPod())
	p.chain("forward-from-pod", from...)
	p.base("forward-egress", nft.Filter, nft.Forward, nft.PriorityFilter,
		r.atPods(nft.IIfName, "", nft.Goto("forward-from-pod"))...)
	to := []nft.Rule{nft.NewRule("", nft.OIfName.VMap(toPods))}
	p.base("forward-ingress", nft.Filter, nft.Forward, nft.PriorityFilter+1,
		append(to, r.atPods(nft.OIfName, "no known pod's interface", nft.Drop())...)...)
}

// tracked lets connection tracking decide, by two comparisons: a map of the three states
// would be one more anonymous set for each pod.
func (r *Renderer) tracked() []nft.Rule {
	out := []nft.Rule{nft.NewRule("", nft.States(nft.Established|nft.Related), nft.Accept())}
	if !r.settings.KeepInvalid {
		out = append(out, nft.NewRule("", nft.States(nft.Invalid), nft.Drop()))
	}
	return out
}

// neverForwarded drops what must stay on its link.
func (r *Renderer) neverForwarded() []nft.Rule {
	if len(rules.NeverForwarded(r.family)) == 0 {
		return nil
	}
	return []nft.Rule{nft.NewRule("never forwarded", nft.ICMPType(r.family).In(r.named(onLink)), nft.Drop())}
}

// onLinkTypes has a set of its own because the chain of every pod asks for it.
func (r *Renderer) onLinkTypes(p *Part) {
	types := rules.NeverForwarded(r.family)
	if len(types) == 0 {
		return
	}
	set := nft.Set{Name: r.named(onLink), Key: nft.KeyOf(nft.ICMPType(r.family).Type())}
	p.Sets = append(p.Sets, set)
	all := Members{Set: set.Name}
	for _, t := range types {
		if e, err := set.Key.Element(nft.Num(uint32(t))); err == nil {
			all.Elements = append(all.Elements, e)
		}
	}
	p.Members = append(p.Members, all)
}

// fromPod is the end of a chain for packets from pods: encapsulation, then policy.
func (r *Renderer) fromPod() []nft.Rule {
	var out []nft.Rule
	if s := &r.settings; !s.AllowVXLAN {
		out = append(out, nft.NewRule("pods do not send VXLAN", protocolIs(model.UDP),
			nft.DPort.Is(nft.Num(uint32(s.VXLANPort))), nft.Drop()))
	}
	if !r.settings.AllowIPIP {
		out = append(out, nft.NewRule("pods do not send IP in IP", protocolIs(rules.IPProtocolIPIP), nft.Drop()))
	}
	return append(out,
		nft.NewRule("", nft.IIfName.VMap(fromPods)),
		nft.NewRule("no known pod's interface", nft.Drop()))
}
