package calctest

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// ParseState reads a state, one object on a line in the words in which the model prints
// events, with text that has spaces in `backquotes`; the rules of a policy follow it,
// indented. Empty lines and those that start with # are passed over.
//
//	Pod/shop/web-0 node=node-1 interface=cali1 status=10.0.0.1,fd00::1 labels={app=web}
//	NetworkPolicy/shop/web tier=default order=10 selector=`app == "web"` types=ingress
//	  ingress allow tcp from selector `app == "web"` to ports 80,8000-8100
func ParseState(text string) (State, error) {
	s := State{}
	var policy *model.Policy
	for n, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var err error
		if strings.HasPrefix(line, " ") {
			err = parseRule(policy, words(line))
		} else {
			var e model.Event
			e, err = parseObject(words(line))
			s[e.Key] = e.Value
			policy, _ = e.Value.(*model.Policy)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", n+1, line, err)
		}
	}
	return s, nil
}

// words splits at spaces outside backquotes and braces.
func words(line string) (out []string) {
	word, depth, quoted := "", 0, false
	for _, r := range line + " " {
		switch {
		case r == '`':
			quoted = !quoted
			continue
		case r == '{' && !quoted:
			depth++
		case r == '}' && !quoted:
			depth--
		}
		if r == ' ' && depth == 0 && !quoted {
			if word != "" {
				out = append(out, word)
			}
			word = ""
			continue
		}
		word += string(r)
	}
	return out
}

// options are what follows an object's name: name=text, or a bare word.
type options struct {
	texts map[string]string
	order []string
	err   error
}

func parseOptions(list []string) *options {
	o := &options{texts: map[string]string{}}
	for _, word := range list {
		name, text, _ := strings.Cut(word, "=")
		o.texts[name] = text
		o.order = append(o.order, name)
	}
	return o
}

// text takes an option out; what is left over at the end is a mistake.
func (o *options) text(name string) string {
	text := o.texts[name]
	delete(o.texts, name)
	return text
}

func (o *options) flag(name string) bool {
	_, on := o.texts[name]
	delete(o.texts, name)
	return on
}

func (o *options) fail(err error) {
	if err != nil && o.err == nil {
		o.err = err
	}
}

func list[T any](o *options, name string, parse func(string) (T, error)) (out []T) {
	for _, item := range strings.FieldsFunc(o.text(name), func(r rune) bool { return r == ',' }) {
		v, err := parse(item)
		o.fail(err)
		out = append(out, v)
	}
	return out
}

func (o *options) labels(name string) map[string]string {
	text := strings.Trim(o.text(name), "{}")
	if text == "" {
		return nil
	}
	out := map[string]string{}
	for _, item := range strings.Fields(text) {
		label, value, _ := strings.Cut(item, "=")
		out[label] = value
	}
	return out
}

func (o *options) number(name string) float64 {
	switch text := o.text(name); text {
	case "":
		return 0
	case "last":
		return model.Unordered()
	default:
		n, err := strconv.ParseFloat(text, 64)
		o.fail(err)
		return n
	}
}

func parseObject(line []string) (model.Event, error) {
	key, err := parseKey(line[0])
	if err != nil {
		return model.Event{}, err
	}
	o := parseOptions(line[1:])
	e := model.Event{Key: key, Value: parseValue(key.Kind, o)}
	for name := range o.texts {
		o.fail(fmt.Errorf("no such option: %s", name))
	}
	return e, o.err
}

func parseKey(text string) (model.Key, error) {
	parts := strings.Split(text, "/")
	for kind := model.KindPod; kind <= model.KindStandingRoute; kind++ {
		if kind.String() != parts[0] {
			continue
		}
		switch len(parts) {
		case 2:
			return model.Key{Kind: kind, Name: parts[1]}, nil
		case 3:
			return model.Key{Kind: kind, Namespace: parts[1], Name: parts[2]}, nil
		}
	}
	return model.Key{}, fmt.Errorf("%s names no object", text)
}

func parseValue(kind model.Kind, o *options) model.Value {
	switch kind {
	case model.KindPod:
		return parsePod(o)
	case model.KindNamespace:
		return &model.Namespace{Labels: o.labels("labels")}
	case model.KindServiceAccount:
		return &model.ServiceAccount{Labels: o.labels("labels")}
	case model.KindNetworkSet, model.KindGlobalNetworkSet:
		return &model.NetworkSet{Labels: o.labels("labels"), Nets: list(o, "nets", netip.ParsePrefix)}
	case model.KindPool:
		return parsePool(o)
	case model.KindNode:
		n := &model.Node{PodCIDRs: list(o, "pod-cidrs", netip.ParsePrefix)}
		for _, p := range list(o, "address", netip.ParsePrefix) {
			*n.Addresses.At(family.OfPrefix(p)) = p
		}
		parseTunnels(o, n)
		return n
	case model.KindBlock:
		return parseBlock(o)
	case model.KindService:
		return &model.Service{Addresses: list(o, "addresses", netip.ParseAddr)}
	case model.KindStandingRoute:
		return &model.StandingRoutes{Destinations: list(o, "to", netip.ParsePrefix)}
	case model.KindTier:
		return &model.Tier{Order: o.number("order"), Default: parseAction(o, o.text("default"))}
	}
	p := &model.Policy{Tier: o.text("tier"), Order: o.number("order"), Selector: o.text("selector")}
	for _, d := range strings.Split(o.text("types"), ",") {
		switch d {
		case "ingress":
			p.Types = p.Types.With(model.Ingress)
		case "egress":
			p.Types = p.Types.With(model.Egress)
		}
	}
	return p
}

func parsePod(o *options) *model.Pod {
	return &model.Pod{
		Node: o.text("node"), Interface: o.text("interface"),
		Labels: o.labels("labels"), ServiceAccount: o.text("service-account"),
		Claims: model.AddressClaims{
			Status: list(o, "status", netip.ParseAddr), Annotated: list(o, "annotated", netip.ParseAddr), Released: o.flag("released"),
		},
		Ports:          list(o, "ports", parsePort),
		AllowedSources: list(o, "allowed-sources", netip.ParsePrefix),
	}
}

// parsePort reads http:tcp/80.
func parsePort(text string) (model.NamedPort, error) {
	name, rest, _ := strings.Cut(text, ":")
	protocol, number, _ := strings.Cut(rest, "/")
	n, err := strconv.ParseUint(number, 10, 16)
	p, _ := parseProtocol(protocol)
	return model.NamedPort{Name: name, Protocol: p, Port: uint16(n)}, err
}

func parseProtocol(text string) (model.Protocol, bool) {
	for _, p := range []model.Protocol{model.ICMP, model.TCP, model.UDP, model.ICMPv6, model.SCTP, model.UDPLite} {
		if p.String() == text {
			return p, true
		}
	}
	return 0, false
}

func parsePool(o *options) *model.Pool {
	p := &model.Pool{NATOutgoing: o.flag("nat-outgoing"), Disabled: o.flag("disabled")}
	for _, cidr := range list(o, "cidr", netip.ParsePrefix) {
		p.CIDR = cidr
	}
	modes := map[string]model.EncapsulationMode{"Always": model.EncapsulateAlways, "CrossSubnet": model.EncapsulateCrossSubnet}
	p.VXLAN, p.IPIP = modes[o.text("vxlan")], modes[o.text("ipip")]
	return p
}

// parseBlock reads allocations as address=namespace/pod, with @node where that is not the
// block's own, and with - for what is not a pod.
func parseBlock(o *options) *model.Block {
	b := &model.Block{Node: o.text("node")}
	for _, cidr := range list(o, "cidr", netip.ParsePrefix) {
		b.CIDR = cidr
	}
	for _, name := range o.order {
		owner, left := o.texts[name]
		if !left {
			continue
		}
		addr, err := netip.ParseAddr(name)
		o.fail(err)
		delete(o.texts, name)
		a := model.Allocation{Address: addr, Node: b.Node}
		owner, node, elsewhere := strings.Cut(owner, "@")
		if elsewhere {
			a.Node = node
		}
		a.Namespace, a.Pod, _ = strings.Cut(owner, "/")
		if a.Pod == "" {
			a.Namespace = ""
		}
		b.Allocations = append(b.Allocations, a)
	}
	return b
}

func parseAction(o *options, text string) model.Action {
	for _, a := range []model.Action{model.Deny, model.Allow, model.Pass, model.Log} {
		if strings.EqualFold(a.String(), text) {
			return a
		}
	}
	if text != "" {
		o.fail(fmt.Errorf("%s is no action", text))
	}
	return model.Deny
}

// parseRule adds a rule to a policy.
func parseRule(p *model.Policy, line []string) error {
	if p == nil || len(line) < 2 {
		return fmt.Errorf("a rule of no policy")
	}
	o := parseOptions(nil)
	r := model.Rule{Action: parseAction(o, line[1])}
	peer, not := (*model.Peer)(nil), false
	for i := 2; i < len(line); i++ {
		word := line[i]
		if protocol, known := parseProtocol(word); known {
			r.Protocol = protocol
			continue
		}
		switch word {
		case "from":
			peer = &r.Source
		case "to":
			peer = &r.Destination
		case "not":
			not = true
		case "named":
		default:
			if i++; peer == nil || i == len(line) {
				return fmt.Errorf("%s: what?", word)
			}
			if line[i-2] == "named" {
				word = "named"
			}
			o.texts[word] = line[i]
			parsePeer(o, peer, word, not)
			not = false
		}
	}
	if line[0] == "egress" {
		p.Egress = append(p.Egress, r)
	} else {
		p.Ingress = append(p.Ingress, r)
	}
	return o.err
}

// parsePeer adds one condition to a peer.
func parsePeer(o *options, p *model.Peer, what string, not bool) {
	choose := func(yes, no any) any {
		if not {
			return no
		}
		return yes
	}
	switch what {
	case "nets":
		*choose(&p.Nets, &p.NotNets).(*[]netip.Prefix) = list(o, what, netip.ParsePrefix)
	case "selector":
		*choose(&p.Selector, &p.NotSelector).(*string) = o.text(what)
	case "named":
		*choose(&p.NamedPorts, &p.NotNamedPorts).(*[]string) = list(o, what, func(s string) (string, error) { return s, nil })
	case "ports":
		*choose(&p.Ports, &p.NotPorts).(*[]model.PortRange) = list(o, what, parseRange)
	default:
		o.fail(fmt.Errorf("%s: what?", what))
	}
}

func parseRange(text string) (model.PortRange, error) {
	first, last, more := strings.Cut(text, "-")
	if !more {
		last = first
	}
	a, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return model.PortRange{}, err
	}
	b, err := strconv.ParseUint(last, 10, 16)
	return model.PortRange{First: uint16(a), Last: uint16(b)}, err
}
