package render

import (
	"slices"

	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// Base is what stands whatever the pods and policies are: the chains that the kernel's lead
// to, those that they share, and the trees and sets that the other parts put something into.
// On its own it closes the node to pods. For a family that is off it drops all of it.
func (r *Renderer) Base() Part {
	var p Part
	if !r.on() {
		r.closed(&p)
		return p
	}
	p.Sets = []ipset.Set{{Name: r.named(sources), Type: ipset.Sources}}
	p.Trees = []iptables.Tree{
		{Table: iptables.Filter, Root: fromDispatch, Side: "-i", End: unknown},
		{Table: iptables.Filter, Root: toDispatch, Side: "-o", End: unknown},
		{Table: iptables.Filter, Root: toKnown, Side: "-o", End: unknown},
	}
	r.prerouting(&p)
	r.forward(&p)
	r.input(&p)
	r.output(&p)
	r.postrouting(&p)
	return p
}

// unknown is the end of a tree.
var unknown = iptables.NewRule("no known pod's interface", drop)

// closed drops the family at every hook.
func (r *Renderer) closed(p *Part) {
	off := r.family.String() + " is off"
	p.top(r, iptables.Raw, "PREROUTING", r.atPods("-i", off, drop)...)
	p.top(r, iptables.Filter, "FORWARD", append(r.atPods("-i", off, drop), r.atPods("-o", off, drop)...)...)
	p.top(r, iptables.Filter, "INPUT", r.atPods("-i", off, drop)...)
	p.top(r, iptables.Filter, "OUTPUT", r.atPods("-o", off, drop)...)
}

// top is a chain that one of the kernel's leads to, and how it does. If its rules cannot be
// written, it drops what is the pods' in either direction.
func (p *Part) top(r *Renderer, table, kernel string, rules ...iptables.Rule) {
	name := "cali-" + kernel
	var closed []iptables.Rule
	for _, side := range []string{"-i", "-o"} {
		if side == "-o" && kernel != "FORWARD" && kernel != "OUTPUT" || side == "-i" && kernel == "OUTPUT" {
			continue
		}
		closed = append(closed, r.atPods(side, "closed", drop)...)
	}
	if table == iptables.NAT {
		closed = []iptables.Rule{}
	}
	p.Chains = append(p.Chains, iptables.Chain{Table: table, Name: name, Rules: rules, Closed: closed})
	p.Hooks = append(p.Hooks, iptables.Hook{
		Table: table, Chain: kernel, Rule: iptables.NewRule("", iptables.Jump(name)),
		Last: r.idiom.Last || table == iptables.NAT, // others' NAT, as kube-proxy's, comes first
	})
}

// atPods is one rule for each interface prefix.
func (r *Renderer) atPods(side, comment string, words ...iptables.Words) []iptables.Rule {
	const longest = 15 // IFNAMSIZ less the closing zero: a longer prefix is nobody's
	var out []iptables.Rule
	for _, prefix := range r.settings.InterfacePrefixes {
		if prefix == "" || len(prefix) > longest || !writable(prefix) {
			continue
		}
		all := slices.Concat([]iptables.Words{iptables.Text(side + " " + prefix + "+")}, words)
		out = append(out, iptables.NewRule(comment, all...))
	}
	return out
}

// prerouting holds every packet from a pod to the sources that the pod may have, before
// connection tracking knows of it. Each chain leads on to the next, and the last one drops.
func (r *Renderer) prerouting(p *Part) {
	p.top(r, iptables.Raw, "PREROUTING", append(r.atPods("-i", "", iptables.Goto(sourceCheck)),
		iptables.NewRule("", iptables.Jump(tunnelIn)))...)
	p.top(r, iptables.Raw, "OUTPUT", iptables.NewRule("", iptables.Jump(tunnelOut)))
	var check []iptables.Rule
	for _, t := range rules.Unsolicited(r.family) {
		check = append(check, iptables.NewRule("pods are not routers", r.icmpType(t), drop))
	}
	check = append(check, iptables.NewRule("", iptables.InSet(r.named(sources), "src,src"), back))
	end := iptables.NewRule("not the pod's own source", drop)
	if r.settings.AllowSpoofing {
		p.Trees = append(p.Trees, iptables.Tree{Table: iptables.Raw, Root: granted, Side: "-i", End: end})
		end = iptables.NewRule("", iptables.Goto(granted))
	}
	if messages := r.exchanged(iptables.Goto(fromKnown)); len(messages) > 0 {
		p.Trees = append(p.Trees, iptables.Tree{Table: iptables.Raw, Root: fromKnown, Side: "-i", End: unknown})
		for _, from := range rules.LinkSources(r.family) {
			check = append(check, iptables.NewRule("", matching("-p %s -s %v", icmpName.Get(r.family), from), iptables.Goto(linkMessages)))
		}
		p.chain(iptables.Raw, linkMessages, append(messages, end)...)
	}
	p.chain(iptables.Raw, sourceCheck, append(check, end)...)
}

// forward takes a packet through the sending pod's policies, then the receiving one's. Each
// jump comes back with what is allowed.
func (r *Renderer) forward(p *Part) {
	all := r.atPods("-i", "", iptables.Jump(fromPod))
	all = append(all, r.atPods("-o", "", iptables.Jump(toDispatch))...)
	if !r.idiom.LeaveAllowed {
		all = append(all, r.atPods("-i", "allowed by policy", accept)...)
		all = append(all, r.atPods("-o", "allowed by policy", accept)...)
	}
	p.top(r, iptables.Filter, "FORWARD", all...)

	from := r.tracked(back)
	if len(rules.NeverForwarded(r.family)) > 0 {
		from = append(from, iptables.NewRule("", iptables.Jump(neverForward)))
		var never []iptables.Rule
		for _, t := range rules.NeverForwarded(r.family) {
			never = append(never, iptables.NewRule("never forwarded", r.icmpType(t), drop))
		}
		p.chain(iptables.Filter, neverForward, never...)
	}
	p.chain(iptables.Filter, fromPod, append(append(from, r.encapsulated()...),
		iptables.NewRule("", iptables.Goto(fromDispatch)))...)
	p.chain(iptables.Filter, allowed, iptables.NewRule("", setMark(r.idiom.Marks.Accept)))
	p.chain(iptables.Filter, passed, iptables.NewRule("", setMark(r.idiom.Marks.Pass)))
}

// tracked lets connection tracking decide.
func (r *Renderer) tracked(established iptables.Words) []iptables.Rule {
	out := []iptables.Rule{iptables.NewRule("", matching("-m conntrack --ctstate RELATED,ESTABLISHED"), established)}
	if !r.settings.KeepInvalid {
		out = append(out, iptables.NewRule("", matching("-m conntrack --ctstate INVALID"), drop))
	}
	return out
}

// encapsulated drops what pods must not encapsulate by themselves.
func (r *Renderer) encapsulated() []iptables.Rule {
	var out []iptables.Rule
	if s := &r.settings; !s.AllowVXLAN {
		out = append(out, iptables.NewRule("pods do not send VXLAN",
			protocolIs(model.UDP), matching("-m multiport --dports %d", s.VXLANPort), r.deny()))
	}
	if !r.settings.AllowIPIP {
		out = append(out, iptables.NewRule("pods do not send IP in IP", protocolIs(rules.IPProtocolIPIP), r.deny()))
	}
	return out
}

// icmpType is the match on one of the family's own ICMP types.
func (r *Renderer) icmpType(t uint8) iptables.Words {
	return matching("-p %s %s %d", icmpName.Get(r.family), icmpTypeMatch.Get(r.family), t)
}
