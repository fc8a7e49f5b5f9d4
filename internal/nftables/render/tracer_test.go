package render_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// tracer sends packets through a table by reading its text, as slowly and as plainly as a
// person would. It knows no more of nftables than what the renderer writes, and stops at
// what it does not know.
type tracer struct {
	fataler
	chains map[string]nft.Chain
	sets   map[string]nft.Set
	table  nft.Table
}

type fataler interface{ Fatalf(string, ...any) }

var _ fataler = (*testing.T)(nil)

func newTracer(t fataler, table nft.Table) *tracer {
	tr := &tracer{fataler: t, chains: map[string]nft.Chain{}, sets: map[string]nft.Set{}, table: table}
	for _, c := range table.Chains {
		tr.chains[c.Name] = c
		for _, r := range c.Rules {
			if err := r.Err(); err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
		}
	}
	for _, s := range table.Sets {
		tr.sets[s.Name] = s
	}
	return tr
}

// deepest is how many chains deep a packet may get: the base chain, the one that it leads
// to, the pod's, the tier's and the policy's.
const deepest = 5

// passage is one packet on its way.
type passage struct {
	*tracer
	packet rules.Packet
	way    rules.Way
	logs   []string // comments of the rules that logged
	depth  int
}

// send says whether the packet gets through, and what was logged.
func (tr *tracer) send(p rules.Packet, w rules.Way) (bool, []string) {
	pass := &passage{tracer: tr, packet: p, way: w}
	hooks := []nft.Hook{nft.Prerouting, nft.Forward}
	switch {
	case w.In == "" && w.Out == "":
		return true, nil
	case w.In == "":
		hooks = []nft.Hook{nft.Output}
	case w.Out == "":
		hooks = []nft.Hook{nft.Prerouting, nft.Input}
	}
	for _, h := range hooks {
		for _, c := range tr.at(h) {
			if verdict := pass.chain(c); verdict == "drop" {
				return false, pass.logs
			}
		}
	}
	return true, pass.logs
}

// at lists the filter base chains of a hook, in the order of their priorities.
func (tr *tracer) at(h nft.Hook) []nft.Chain {
	var out []nft.Chain
	for _, c := range tr.chains {
		if c.Base != nil && c.Base.Hook == h && c.Base.Type == nft.Filter {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b nft.Chain) int { return a.Base.Priority - b.Base.Priority })
	return out
}

// chain returns "accept", "drop", or "" where the packet comes back from the chain.
func (p *passage) chain(c nft.Chain) string {
	if p.depth++; p.depth > deepest {
		p.Fatalf("%s: more than %d chains deep", c.Name, deepest)
	}
	defer func() { p.depth-- }()
	for _, r := range c.Rules {
		verdict := p.rule(r)
		kind, target, _ := strings.Cut(verdict, " ")
		switch kind {
		case "":
		case "accept", "drop":
			return kind
		case "return":
			return ""
		case "goto":
			return p.chain(p.target(target))
		case "jump":
			if v := p.chain(p.target(target)); v != "" {
				return v
			}
		default:
			p.Fatalf("%s: verdict %q", r, verdict)
		}
	}
	return ""
}

func (p *passage) target(name string) nft.Chain {
	c, ok := p.chains[name]
	if !ok {
		p.Fatalf("no chain %s", name)
	}
	return c
}

// rule returns the verdict, or "" where the packet goes on with the next rule.
func (p *passage) rule(r nft.Rule) string {
	text, comment, _ := strings.Cut(r.String(), ` comment "`)
	for text != "" {
		first, rest, _ := strings.Cut(text, " ")
		switch first {
		case "counter":
			text = rest
			continue
		case "log":
			p.logs = append(p.logs, strings.TrimSuffix(comment, `"`))
			return ""
		case "accept", "drop", "return", "goto", "jump":
			return text
		}
		fields, after := p.fields(text)
		matched, verdict, after := p.test(fields, after)
		if !matched {
			return ""
		}
		if verdict != "" {
			return verdict
		}
		text = after
	}
	return ""
}

// fields reads one field, or several joined by dots, and returns their values as nft
// writes values. The values are nil where the packet lacks a field.
func (p *passage) fields(text string) (values []string, rest string) {
	missing := false
	for {
		name, after := p.fieldName(text)
		value, ok := p.value(name)
		missing = missing || !ok
		values = append(values, value)
		if rest, ok = strings.CutPrefix(after, ". "); !ok {
			if missing {
				values = nil
			}
			return values, after
		}
		text = rest
	}
}

func (p *passage) fieldName(text string) (name, rest string) {
	for _, known := range []string{
		"meta nfproto", "meta l4proto", "iifname", "oifname", "ct state", "th sport", "th dport", "ip saddr", "ip daddr",
		"ip6 saddr", "ip6 daddr", "ip6 hoplimit", "icmp type", "icmp code", "icmpv6 type", "icmpv6 code",
	} {
		if rest, ok := strings.CutPrefix(text, known+" "); ok {
			return known, rest
		}
	}
	p.Fatalf("no field at %q", text)
	return "", ""
}

// value is what the packet has for a field.
func (p *passage) value(field string) (string, bool) {
	k := &p.packet
	six := k.Family() == family.V6
	switch field {
	case "meta nfproto":
		return strings.ToLower(k.Family().String()), true
	case "meta l4proto":
		return strconv.Itoa(int(k.Protocol)), true
	case "iifname":
		return p.way.In, p.way.In != ""
	case "oifname":
		return p.way.Out, p.way.Out != ""
	case "ct state":
		return k.State.String(), true
	case "th sport":
		return strconv.Itoa(int(k.SourcePort)), k.Protocol.HasPorts()
	case "th dport":
		return strconv.Itoa(int(k.DestinationPort)), k.Protocol.HasPorts()
	case "ip saddr", "ip6 saddr":
		return k.Source.String(), six == (field == "ip6 saddr")
	case "ip daddr", "ip6 daddr":
		return k.Destination.String(), six == (field == "ip6 daddr")
	case "ip6 hoplimit":
		return strconv.Itoa(int(k.HopLimit)), six
	case "icmp type", "icmpv6 type":
		return strconv.Itoa(int(k.ICMPType)), p.isICMP(field)
	case "icmp code", "icmpv6 code":
		return strconv.Itoa(int(k.ICMPCode)), p.isICMP(field)
	}
	p.Fatalf("field %s", field)
	return "", false
}

func (p *passage) isICMP(field string) bool {
	six := strings.HasPrefix(field, "icmpv6")
	return six && p.packet.Family() == family.V6 && p.packet.Protocol == model.ICMPv6 ||
		!six && p.packet.Family() == family.V4 && p.packet.Protocol == model.ICMP
}

// test reads what the fields are compared with, or where they are looked up.
func (p *passage) test(values []string, text string) (matched bool, verdict, rest string) {
	text, not := strings.CutPrefix(text, "!= ")
	if name, ok := strings.CutPrefix(text, "vmap @"); ok {
		return p.vmap(values, name)
	}
	operand, rest := operand(text)
	if values == nil {
		return false, "", rest
	}
	in := false
	for _, o := range p.operands(operand) {
		in = in || p.equal(values, strings.Split(o, " . "))
	}
	return in != not, "", rest
}

func (p *passage) vmap(values []string, name string) (bool, string, string) {
	name, rest, _ := strings.Cut(name, " ")
	for _, e := range p.elements(name) {
		key, verdict, _ := strings.Cut(e, " : ")
		if values != nil && p.equal(values, strings.Split(key, " . ")) {
			return true, verdict, rest
		}
	}
	return rest != "", "", rest
}

// operand cuts off a value, a set of values in braces, or the name of a set.
func operand(text string) (operand, rest string) {
	end := " "
	if strings.HasPrefix(text, "{") {
		end = " } "
	}
	operand, rest, _ = strings.Cut(text, end)
	return strings.TrimPrefix(operand, "{ "), rest
}

// operands lists the values that the operand stands for. States are listed without
// blanks: any of them will do.
func (p *passage) operands(operand string) []string {
	if name, ok := strings.CutPrefix(operand, "@"); ok {
		return p.elements(name)
	}
	return strings.Split(strings.ReplaceAll(operand, ", ", ","), ",")
}

func (p *passage) elements(set string) []string {
	s, ok := p.sets[set]
	if !ok {
		p.Fatalf("no set %s", set)
	}
	var out []string
	for _, e := range p.table.Elements[set] {
		if !s.Fits(e) {
			p.Fatalf("%s: an element that does not fit: %x", set, e)
		}
		out = append(out, s.Text(e))
	}
	return out
}

func (p *passage) equal(values, wanted []string) bool {
	if len(values) != len(wanted) {
		p.Fatalf("%q compared with %q", values, wanted)
	}
	for i := range values {
		if !within(values[i], wanted[i]) {
			return false
		}
	}
	return true
}

// within compares one value with a value, a range, a prefix or a name with a wildcard.
func within(value, wanted string) bool {
	if name, err := strconv.Unquote(wanted); err == nil {
		prefix, wild := strings.CutSuffix(name, "*")
		return value == name || wild && strings.HasPrefix(value, prefix)
	}
	if net, err := netip.ParsePrefix(wanted); err == nil {
		return net.Contains(netip.MustParseAddr(value))
	}
	if a, err := netip.ParseAddr(value); err == nil {
		first, last, _ := strings.Cut(wanted+"-"+wanted, "-")
		last, _, _ = strings.Cut(last, "-")
		return a.Compare(netip.MustParseAddr(first)) >= 0 && a.Compare(netip.MustParseAddr(last)) <= 0
	}
	first, last, isRange := strings.Cut(number(wanted), "-")
	if !isRange {
		return value == first
	}
	v, from, to := atoi(value), atoi(first), atoi(last)
	return from <= v && v <= to
}

func number(name string) string {
	for n, known := range map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp", "132": "sctp", "136": "udplite"} {
		if name == known {
			return n
		}
	}
	return name
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(fmt.Sprintf("%q is no number", s))
	}
	return n
}
