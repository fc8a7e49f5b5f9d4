package model

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// String prints the event as dumps and tests show it: one line for the object, and for
// a policy one more for each rule.
func (e Event) String() string {
	if e.Value == nil {
		return e.Key.String() + " gone"
	}
	line := line{e.Key.String()}
	switch v := e.Value.(type) {
	case *Pod:
		line.pod(v)
	case *Namespace:
		line.labels(v.Labels)
	case *ServiceAccount:
		line.labels(v.Labels)
	case *NetworkSet:
		line.labels(v.Labels)
		line.add("nets", join(v.Nets, ","))
	case *Pool:
		line.pool(v)
	case *Node:
		for _, f := range family.All() {
			if p := v.Addresses.Get(f); p.IsValid() {
				line.add("address", p.String())
			}
		}
		line.add("pod-cidrs", join(v.PodCIDRs, ","))
		line.tunnels(v)
		line.labels(v.Labels)
	case *Block:
		line.block(v)
	case *Service:
		line.add("addresses", join(v.Addresses, ","))
	case *StandingRoutes:
		line.add("to", join(v.Destinations, ","))
	case *Configuration:
		for _, name := range slices.Sorted(maps.Keys(v.Spec)) {
			line.add(name, fmt.Sprint(v.Spec[name]))
		}
	case *Tier:
		line.add("order", order(v.Order))
		line.add("default", v.Default.String())
	case *Policy:
		line.policy(v)
	}
	return strings.Join(line, " ")
}

// line collects the words of a line.
type line []string

// add adds name=text, unless text is empty.
func (l *line) add(name, text string) {
	if text != "" {
		*l = append(*l, name+"="+text)
	}
}

// flag adds a word, if on.
func (l *line) flag(word string, on bool) {
	if on {
		*l = append(*l, word)
	}
}

func (l *line) labels(labels map[string]string) {
	words := make([]string, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		words = append(words, k+"="+labels[k])
	}
	l.add("labels", braced(words))
}

func (l *line) pod(p *Pod) {
	l.add("node", p.Node)
	l.add("interface", p.Interface)
	l.flag("released", p.Claims.Released)
	l.add("status", join(p.Claims.Status, ","))
	l.add("annotated", join(p.Claims.Annotated, ","))
	l.add("service-account", p.ServiceAccount)
	var ports []string
	for _, port := range p.Ports {
		ports = append(ports, fmt.Sprintf("%s:%v/%d", port.Name, port.Protocol, port.Port))
	}
	l.add("ports", strings.Join(ports, ","))
	l.add("allowed-sources", join(p.AllowedSources, ","))
	l.labels(p.Labels)
}

func (l *line) pool(p *Pool) {
	l.add("cidr", p.CIDR.String())
	l.flag("nat-outgoing", p.NATOutgoing)
	l.flag("disabled", p.Disabled)
	l.encapsulation("vxlan", p.VXLAN)
	l.encapsulation("ipip", p.IPIP)
}

// tunnels are a node's ends of tunnels, those of the two families side by side.
func (l *line) tunnels(n *Node) {
	for _, f := range family.All() {
		if end := n.VXLAN.Get(f); end != (TunnelEnd{}) {
			l.add("vxlan-"+f.String(), end.String())
		}
	}
	if n.IPIP.IsValid() {
		l.add("ipip", n.IPIP.String())
	}
	for _, f := range family.All() {
		if end := n.Wireguard.Get(f); end != (WireguardEnd{}) {
			l.add("wireguard-"+f.String(), end.String())
		}
	}
}

// String is address/hardware address, as far as there are any.
func (e TunnelEnd) String() string {
	return ends(e.Address, e.MAC != MAC{}, e.MAC)
}

// String is address/key, as far as there are any.
func (e WireguardEnd) String() string {
	return ends(e.Address, e.Key != WireguardKey{}, e.Key)
}

func ends(a netip.Addr, has bool, more fmt.Stringer) string {
	text := ""
	if a.IsValid() {
		text = a.String()
	}
	if has {
		text += "/" + more.String()
	}
	return text
}

func (l *line) encapsulation(name string, m EncapsulationMode) {
	if m != EncapsulateNever {
		l.add(name, m.String())
	}
}

func (l *line) block(b *Block) {
	l.add("cidr", b.CIDR.String())
	l.add("node", b.Node)
	for _, a := range b.Allocations {
		owner := a.Namespace + "/" + a.Pod
		if a.Pod == "" {
			owner = "-"
		}
		if a.Node != b.Node {
			owner += "@" + a.Node
		}
		l.add(a.Address.String(), owner)
	}
}

func (l *line) policy(p *Policy) {
	l.add("tier", p.Tier)
	l.add("order", order(p.Order))
	l.add("selector", p.Selector)
	l.add("types", p.Types.String())
	for _, d := range []Direction{Ingress, Egress} {
		for i := range p.Rules(d) {
			(*l)[len(*l)-1] += "\n  " + d.String() + " " + p.Rules(d)[i].String()
		}
	}
}

func order(o float64) string {
	if o == Unordered() {
		return "last"
	}
	return fmt.Sprint(o)
}

func join[T fmt.Stringer](items []T, by string) string {
	words := make([]string, len(items))
	for i, item := range items {
		words[i] = item.String()
	}
	return strings.Join(words, by)
}

func braced(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "{" + strings.Join(words, " ") + "}"
}

// String is the protocol's name, or its number.
func (p Protocol) String() string {
	switch p {
	case AnyProtocol:
		return "any"
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMPv6:
		return "icmpv6"
	case SCTP:
		return "sctp"
	case UDPLite:
		return "udplite"
	}
	return fmt.Sprint(uint8(p))
}

// String is first-last, or the port alone.
func (r PortRange) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// String is type, or type/code.
func (m *ICMPMatch) String() string {
	if m.Code == nil {
		return fmt.Sprint(m.Type)
	}
	return fmt.Sprintf("%d/%d", m.Type, *m.Code)
}

// String prints the rule in words: allow tcp from nets 10.0.0.0/8 to ports 80,443.
func (r *Rule) String() string {
	l := line{strings.ToLower(r.Action.String())}
	l.flag(r.Families.String(), !r.Families.Empty() && r.Families != family.Both)
	l.flag(r.Protocol.String(), r.Protocol != AnyProtocol)
	l.flag("not "+r.NotProtocol.String(), r.NotProtocol != AnyProtocol)
	if r.ICMP != nil {
		l.flag("type "+r.ICMP.String(), true)
	}
	if r.NotICMP != nil {
		l.flag("not type "+r.NotICMP.String(), true)
	}
	for _, end := range []struct {
		word string
		peer *Peer
	}{{"from", &r.Source}, {"to", &r.Destination}} {
		words := end.peer.words()
		l.flag(end.word+" "+strings.Join(words, " "), len(words) > 0)
	}
	return strings.Join(l, " ")
}

// words are the peer's conditions, each with its name. Sets stand behind the selector
// that they are for.
func (p *Peer) words() []string {
	var l line
	list := func(name, items string) { l.flag(name+" "+items, items != "") }
	list("nets", join(p.Nets, ","))
	list("not nets", join(p.NotNets, ","))
	list("selector", quoted(p.Selector))
	list("sets", idents(p.Sets))
	list("not selector", quoted(p.NotSelector))
	list("not sets", idents(p.NotSets))
	list("ports", join(p.Ports, ","))
	list("not ports", join(p.NotPorts, ","))
	list("named ports", strings.Join(p.NamedPorts, ","))
	list("port sets", idents(p.PortSets))
	list("not named ports", strings.Join(p.NotNamedPorts, ","))
	list("not port sets", idents(p.NotPortSets))
	return l
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func idents(ids []SetID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = string(id)
	}
	return strings.Join(words, ",")
}

// String is the prefix as an address where it is one, with protocol and port if it has them.
func (m Member) String() string {
	text := m.Prefix.String()
	if family.IsHost(m.Prefix) {
		text = m.Prefix.Addr().String()
	}
	if m.Port != 0 {
		text += " " + m.Protocol.String() + " " + fmt.Sprint(m.Port)
	}
	return text
}
