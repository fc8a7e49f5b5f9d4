package rules

import (
	"cmp"
	"math"
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// reduceEnd fills one end of the rule, whose protocol is already settled.
func reduceEnd(in *model.Peer, rule *Rule, out *End, f family.Family) truth {
	if in.Selector != "" && len(in.Sets) == 0 {
		return never
	}
	out.Sets, out.NotSets = in.Sets, in.NotSets
	for _, t := range []truth{
		reduceNets(in, out, f),
		reduceNotNets(in, rule.Action, out, f),
		reducePorts(in, rule.Protocol, out),
		reduceNotPorts(in, rule, out),
	} {
		if t == never {
			return never
		}
	}
	return depends
}

func reduceNets(in *model.Peer, out *End, f family.Family) truth {
	if len(in.Nets) == 0 {
		return always
	}
	nets := Nets(in.Nets, f)
	switch {
	case len(nets) == 0:
		return never
	case nets[0] == f.Any():
		return always
	}
	out.Nets = nets
	return depends
}

func reduceNotNets(in *model.Peer, a model.Action, out *End, f family.Family) truth {
	if len(in.NotNets) == 0 {
		return always
	}
	nets := Nets(in.NotNets, f)
	switch {
	case len(nets) == 0:
		return unsaid(a)
	case nets[0] == f.Any():
		return never
	}
	out.NotNets = nets
	return depends
}

// reducePorts holds that a port without a protocol that has ports never matches.
func reducePorts(in *model.Peer, p model.Protocol, out *End) truth {
	if len(in.Ports)+len(in.NamedPorts)+len(in.PortSets) == 0 {
		return always
	}
	if !p.HasPorts() {
		return never
	}
	ports := mergePorts(in.Ports)
	switch {
	case everyPort(ports):
		return always
	case len(ports)+len(in.PortSets) == 0:
		return never
	}
	out.Ports, out.PortSets = ports, in.PortSets
	return depends
}

func reduceNotPorts(in *model.Peer, r *Rule, out *End) truth {
	if len(in.NotPorts)+len(in.NotNamedPorts)+len(in.NotPortSets) == 0 {
		return always
	}
	if !r.Protocol.HasPorts() {
		return unsaid(r.Action)
	}
	ports := mergePorts(in.NotPorts)
	if everyPort(ports) {
		return never
	}
	out.NotPorts, out.NotPortSets = ports, in.NotPortSets
	return depends
}

// Nets is the family's part of a list: sorted, and without what lies within another.
func Nets(in []netip.Prefix, f family.Family) []netip.Prefix {
	var nets []netip.Prefix
	for _, p := range in {
		if p = unmap(p); family.OfPrefix(p) == f {
			nets = append(nets, p.Masked())
		}
	}
	slices.SortFunc(nets, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	// Sorted so, a net comes after those that hold it, and right after the last of them
	// that is not itself held.
	var out []netip.Prefix
	for _, p := range nets {
		if n := len(out); n == 0 || !out[n-1].Contains(p.Addr()) {
			out = append(out, p)
		}
	}
	return out
}

// unmap turns ::ffff:a.b.c.d/n into the IPv4 net that it stands for.
func unmap(p netip.Prefix) netip.Prefix {
	const mapped = 96
	if !p.Addr().Is4In6() || p.Bits() < mapped {
		return p
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
}

// mergePorts sorts ranges and joins those that overlap or touch; empty ones fall out.
func mergePorts(in []model.PortRange) []model.PortRange {
	ranges := slices.DeleteFunc(slices.Clone(in), func(r model.PortRange) bool { return r.First > r.Last })
	slices.SortFunc(ranges, func(a, b model.PortRange) int { return cmp.Compare(a.First, b.First) })
	var out []model.PortRange
	for _, r := range ranges {
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

func everyPort(merged []model.PortRange) bool {
	return len(merged) == 1 && merged[0] == model.PortRange{First: 0, Last: math.MaxUint16}
}
