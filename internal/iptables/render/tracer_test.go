package render_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/ipset"
	ipsetfake "github.com/margay-net/margay/internal/ipset/fake"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/iptables/fake"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// tracer sends packets through the tables of a family by reading their text, as slowly and as
// plainly as a person would. It knows no more of iptables than what the renderer writes, and
// stops at what it does not know.
type tracer struct {
	fataler
	tables *fake.Kernel
	sets   *ipsetfake.Kernel
}

type fataler interface{ Fatalf(string, ...any) }

var _ fataler = (*testing.T)(nil)

// passage is one packet on its way.
type passage struct {
	*tracer
	packet rules.Packet
	way    rules.Way
	logs   []string
	mark   uint32
	steps  int
}

// everyMark is what a packet comes with: nobody else's mark may count.
const everyMark = 0xffffffff

// send says whether the packet gets through, and what was logged.
func (tr *tracer) send(p rules.Packet, w rules.Way) (bool, []string) {
	pass := &passage{tracer: tr, packet: p, way: w, mark: everyMark}
	type hook struct{ table, chain string }
	hooks := []hook{{iptables.Raw, "PREROUTING"}, {iptables.Filter, "FORWARD"}}
	switch {
	case w.In == "" && w.Out == "":
		return true, nil
	case w.In == "":
		hooks = []hook{{iptables.Filter, "OUTPUT"}}
	case w.Out == "":
		hooks = []hook{{iptables.Raw, "PREROUTING"}, {iptables.Filter, "INPUT"}}
	}
	for _, h := range hooks {
		if pass.chain(h.table, h.chain) == "DROP" {
			return false, pass.logs
		}
	}
	return true, pass.logs
}

// chain returns ACCEPT, DROP, or "" where the packet comes back from the chain.
func (p *passage) chain(table, name string) string {
	all, ok := p.tables.Rules(table, name)
	if !ok {
		p.Fatalf("no chain %s in %s", name, table)
	}
	for _, rule := range all {
		target, goes := p.rule(rule)
		switch {
		case target == "":
		case target == "RETURN":
			return ""
		case target == "ACCEPT" || target == "DROP" || target == "REJECT":
			return strings.Replace(target, "REJECT", "DROP", 1)
		case goes:
			return p.chain(table, target)
		default:
			if v := p.chain(table, target); v != "" {
				return v
			}
		}
	}
	return ""
}

// rule returns the target, or "" where the packet goes on with the next rule.
func (p *passage) rule(text string) (target string, goes bool) {
	if p.steps++; p.steps > 5000 {
		p.Fatalf("no end")
	}
	words := split(text)
	comment, not := "", false
	take := func(n int) (taken []string) { taken, words = words[:n], words[n:]; return taken }
	for len(words) > 0 {
		option := take(1)[0]
		var holds bool
		switch option {
		case "!":
			not = true
			continue
		case "-m":
			take(1)
			continue
		case "--comment":
			_, comment, _ = strings.Cut(take(1)[0], " ")
			continue
		case "-j", "-g":
			return p.target(take(1)[0], words, comment), option == "-g"
		case "--match-set":
			arg := take(2)
			holds = p.inSet(arg[0], arg[1])
		default:
			holds = p.match(option, take(1)[0])
		}
		if holds == not {
			return "", false
		}
		not = false
	}
	return "", false
}

func (p *passage) target(target string, words []string, comment string) string {
	switch target {
	case "MARK":
		value, mask, _ := strings.Cut(words[1], "/")
		p.mark = p.mark&^number(mask) ^ number(value)
		return ""
	case "LOG":
		p.logs = append(p.logs, comment)
		return ""
	}
	return target
}

func (p *passage) match(option, value string) bool {
	k := &p.packet
	switch option {
	case "-i":
		return isInterface(p.way.In, value)
	case "-o":
		return isInterface(p.way.Out, value)
	case "-p":
		return protocolNumber(value) == int(k.Protocol)
	case "-s":
		return netip.MustParsePrefix(value).Contains(k.Source)
	case "-d":
		return netip.MustParsePrefix(value).Contains(k.Destination)
	case "--ctstate":
		return slices.Contains(strings.Split(strings.ToLower(value), ","), k.State.String())
	case "--mark":
		v, mask, _ := strings.Cut(value, "/")
		return p.mark&number(mask) == number(v)
	case "--dports":
		return inPorts(k.DestinationPort, value)
	case "--sports":
		return inPorts(k.SourcePort, value)
	case "--icmp-type", "--icmpv6-type":
		typ, code, coded := strings.Cut(value, "/")
		return typ == strconv.Itoa(int(k.ICMPType)) && (!coded || code == strconv.Itoa(int(k.ICMPCode)))
	case "--hl-eq":
		return value == strconv.Itoa(int(k.HopLimit))
	}
	p.Fatalf("option %s %s", option, value)
	return false
}

func (p *passage) inSet(set, which string) bool {
	if !p.sets.Has(set) {
		p.Fatalf("no set %s", set)
	}
	k := &p.packet
	address, port := k.Source, k.SourcePort
	if strings.HasPrefix(which, "dst") {
		address, port = k.Destination, k.DestinationPort
	}
	return slices.ContainsFunc(p.sets.Members(set), func(m ipset.Member) bool {
		first, second, two := strings.Cut(string(m), ",")
		if two != strings.Contains(which, ",") {
			p.Fatalf("set %s looked into by %s", set, which)
		}
		net, err := netip.ParsePrefix(first)
		if err != nil {
			a := netip.MustParseAddr(first)
			net = netip.PrefixFrom(a, a.BitLen())
		}
		protocol, portText, hasPort := strings.Cut(second, ":")
		switch {
		case !net.Contains(address):
			return false
		case !two:
			return true
		case hasPort:
			return protocolNumber(protocol) == int(k.Protocol) && portText == strconv.Itoa(int(port))
		}
		return second == p.way.In
	})
}

func isInterface(name, pattern string) bool {
	if start, any := strings.CutSuffix(pattern, "+"); any {
		return strings.HasPrefix(name, start)
	}
	return name == pattern
}

func inPorts(port uint16, text string) bool {
	return slices.ContainsFunc(strings.Split(text, ","), func(s string) bool {
		first, last, isRange := strings.Cut(s, ":")
		if !isRange {
			last = first
		}
		return int(number(first)) <= int(port) && int(port) <= int(number(last))
	})
}

func protocolNumber(name string) int {
	known := map[string]model.Protocol{
		"icmp": model.ICMP, "tcp": model.TCP, "udp": model.UDP, "ipv6-icmp": model.ICMPv6, "sctp": model.SCTP, "udplite": model.UDPLite,
	}
	if p, ok := known[name]; ok {
		return int(p)
	}
	return int(number(name))
}

func number(s string) uint32 {
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil {
		panic(fmt.Sprintf("%q is no number", s))
	}
	return uint32(n)
}

// split cuts a rule into words as a shell does.
func split(text string) (out []string) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeft(text, " ") {
		end := strings.IndexByte(text, ' ')
		if text[0] == '"' {
			end = strings.IndexByte(text[1:], '"') + 2
		}
		if end < 0 {
			end = len(text)
		}
		out = append(out, strings.Trim(text[:end], `"`))
		text = text[end:]
	}
	return out
}
