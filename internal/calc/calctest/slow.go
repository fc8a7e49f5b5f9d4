package calctest

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/selector"
)

// State is the present input: every object that is there.
type State map[model.Key]model.Value

// Slow is the graph's function written down without any thought of speed: it looks at all
// of the state for every question. Problems are not among its answers (see Complaints).
func Slow(node string, settings calc.Settings, s State) *calc.Output {
	w := world{State: s, node: node, settings: settings}
	w.holders = w.addresses()
	out := calc.NewOutput()
	out.Endpoints = w.endpoints()
	for _, e := range out.Endpoints {
		for _, id := range policiesOf(e) {
			w.activate(out, id)
		}
	}
	w.routes(out)
	for key, v := range w.vteps() {
		if key.Node != node {
			out.VTEPs[key] = v
		}
	}
	out.Peers = w.peers()
	for _, f := range family.All() {
		if own := w.own(f); own != (model.Own{Family: f}) {
			out.Own[f] = own
		}
	}
	for _, key := range w.keys(model.KindPool) {
		p := s[key].(*model.Pool)
		if _, taken := out.Pools[p.CIDR]; !taken {
			out.Pools[p.CIDR] = model.NATPool{CIDR: p.CIDR, Outgoing: p.NATOutgoing}
		}
	}
	for _, key := range w.keys(model.KindNode) {
		for _, f := range family.All() {
			a := s[key].(*model.Node).Addresses.Get(f).Addr()
			if _, taken := out.Hosts[a]; a.IsValid() && !taken {
				out.Hosts[a] = model.Host{Node: key.Name, Address: a}
			}
		}
	}
	return out
}

// world is a state seen from a node.
type world struct {
	State
	node     string
	settings calc.Settings
	holders  map[netip.Addr]model.Key
}

// keys are the keys of the given kinds, sorted.
func (w *world) keys(kinds ...model.Kind) []model.Key {
	var out []model.Key
	for key := range w.State {
		if slices.Contains(kinds, key.Kind) {
			out = append(out, key)
		}
	}
	slices.SortFunc(out, model.Key.Compare)
	return out
}

// labels are an object's own labels and what it inherits; what looks inherited in its own
// does not count.
func (w *world) labels(key model.Key) selector.Map {
	var own map[string]string
	account := ""
	switch v := w.State[key].(type) {
	case *model.Pod:
		own, account = v.Labels, v.ServiceAccount
	case *model.NetworkSet:
		own = v.Labels
	}
	out := selector.Map{}
	for k, v := range own {
		prefixed := strings.HasPrefix(k, model.NamespacePrefix) || strings.HasPrefix(k, model.ServiceAccountPrefix)
		if key.Namespace == "" || !prefixed {
			out[k] = v
		}
	}
	if a, ok := w.State[model.Key{Kind: model.KindServiceAccount, Namespace: key.Namespace, Name: account}].(*model.ServiceAccount); ok {
		inherit(out, model.ServiceAccountPrefix, account, a.Labels)
	}
	if n, ok := w.State[model.Key{Kind: model.KindNamespace, Name: key.Namespace}].(*model.Namespace); ok {
		inherit(out, model.NamespacePrefix, key.Namespace, n.Labels)
	}
	return out
}

func inherit(out selector.Map, prefix, name string, labels map[string]string) {
	for k, v := range labels {
		out[prefix+k] = v
	}
	out[prefix+model.NameLabel] = name
}

func (w *world) selects(text string, key model.Key) bool {
	s, err := selector.Parse(text)
	return err == nil && s.Matches(w.labels(key))
}

// endpoints are this node's.
func (w *world) endpoints() map[model.Key]*model.LocalEndpoint {
	out := map[model.Key]*model.LocalEndpoint{}
	for _, key := range w.keys(model.KindPod) {
		p := w.State[key].(*model.Pod)
		if p.Node != w.node || p.Interface == "" || w.interfaceHolder(p.Interface) != key {
			continue
		}
		e := &model.LocalEndpoint{ID: key, Interface: p.Interface, AllowedSources: p.AllowedSources, Tiers: w.tiers(key)}
		for a, holder := range w.holders {
			if holder == key {
				*e.Addresses.At(family.Of(a)) = a
			}
		}
		out[key] = e
	}
	return out
}

// interfaceHolder prefers a pod that has not released its addresses.
func (w *world) interfaceHolder(name string) (holder model.Key) {
	for _, released := range []bool{true, false} {
		for _, key := range slices.Backward(w.keys(model.KindPod)) {
			p := w.State[key].(*model.Pod)
			if p.Node == w.node && p.Interface == name && p.Claims.Released == released {
				holder = key
			}
		}
	}
	return holder
}

// tiers are those with policies that apply to a pod.
func (w *world) tiers(pod model.Key) (out []model.TierPolicies) {
	var keys []model.Key
	for _, key := range w.keys(model.KindPolicy, model.KindGlobalPolicy, model.KindKubernetesPolicy) {
		if p := w.State[key].(*model.Policy); p.Types != 0 && w.selects(p.Selector, pod) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, w.comparePolicies)
	for _, key := range keys {
		p := w.State[key].(*model.Policy)
		if len(out) == 0 || out[len(out)-1].Name != p.Tier {
			t, _ := w.tier(p.Tier)
			out = append(out, model.TierPolicies{Name: p.Tier, Default: t.Default})
		}
		t := &out[len(out)-1]
		if p.Types.Has(model.Ingress) {
			t.Ingress = append(t.Ingress, key)
		}
		if p.Types.Has(model.Egress) {
			t.Egress = append(t.Egress, key)
		}
	}
	return out
}

func (w *world) tier(name string) (t model.Tier, missing int) {
	if t, ok := w.State[model.Key{Kind: model.KindTier, Name: name}].(*model.Tier); ok {
		return *t, 0
	}
	if name == model.DefaultTier {
		return model.Tier{Order: model.DefaultTierOrder}, 0
	}
	return model.Tier{}, 1
}

func (w *world) comparePolicies(a, b model.Key) int {
	p, q := w.State[a].(*model.Policy), w.State[b].(*model.Policy)
	t, tMissing := w.tier(p.Tier)
	u, uMissing := w.tier(q.Tier)
	return cmp.Or(
		tMissing-uMissing, cmp.Compare(t.Order, u.Order), strings.Compare(p.Tier, q.Tier),
		cmp.Compare(p.Order, q.Order), strings.Compare(a.Name, b.Name), strings.Compare(a.Namespace, b.Namespace), int(a.Kind)-int(b.Kind),
	)
}

// activate adds a policy and its sets.
func (w *world) activate(out *calc.Output, id model.PolicyID) {
	p := w.State[id].(*model.Policy)
	out.Policies[id] = &model.ActivePolicy{
		ID: id, Tier: p.Tier, Types: p.Types, Ingress: w.rules(out, p.Ingress), Egress: w.rules(out, p.Egress),
	}
}

func (w *world) rules(out *calc.Output, rules []model.Rule) []model.Rule {
	rules = slices.Clone(rules)
	for i := range rules {
		for _, e := range []*model.Peer{&rules[i].Source, &rules[i].Destination} {
			e.Sets, e.NotSets = w.addressSets(out, e.Selector), w.addressSets(out, e.NotSelector)
			e.PortSets = w.portSets(out, e.Selector, e.NamedPorts, rules[i].Protocol)
			e.NotPortSets = w.portSets(out, e.Selector, e.NotNamedPorts, rules[i].Protocol)
		}
	}
	return rules
}

// addressSets makes the sets of a selector: one of addresses, and one of nets if any.
func (w *world) addressSets(out *calc.Output, text string) (ids []model.SetID) {
	if text == "" {
		return nil
	}
	members := map[model.SetKind]map[model.Member]struct{}{model.AddressSet: {}, model.NetSet: {}}
	for a, pod := range w.holders {
		if w.selects(text, pod) {
			members[model.AddressSet][model.Member{Prefix: family.HostPrefix(a)}] = struct{}{}
		}
	}
	for _, key := range w.keys(model.KindNetworkSet, model.KindGlobalNetworkSet) {
		if !w.selects(text, key) {
			continue
		}
		for _, p := range w.State[key].(*model.NetworkSet).Nets {
			kind := model.NetSet
			if family.IsHost(p) {
				kind = model.AddressSet
			}
			members[kind][model.Member{Prefix: p}] = struct{}{}
		}
	}
	for _, kind := range []model.SetKind{model.AddressSet, model.NetSet} {
		if kind == model.AddressSet || len(members[kind]) > 0 {
			ids = append(ids, addSet(out, model.Set{Kind: kind, Origin: canonical(text)}, members[kind]))
		}
	}
	return ids
}

func (w *world) portSets(out *calc.Output, text string, names []string, protocol model.Protocol) (ids []model.SetID) {
	if text == "" {
		text = "all()"
	}
	for _, name := range names {
		members := map[model.Member]struct{}{}
		for a, pod := range w.holders {
			for _, port := range w.State[pod].(*model.Pod).Ports {
				if w.selects(text, pod) && port.Name == name && (protocol == 0 || protocol == port.Protocol) {
					members[model.Member{Prefix: family.HostPrefix(a), Protocol: port.Protocol, Port: port.Port}] = struct{}{}
				}
			}
		}
		origin := protocol.String() + " port " + name + " of " + canonical(text)
		ids = append(ids, addSet(out, model.Set{Kind: model.PortSet, Origin: origin}, members))
	}
	return ids
}

func canonical(text string) string {
	s, err := selector.Parse(text)
	if err != nil {
		return text
	}
	return s.String()
}

// addSet names the set by what it is: the graph's own names need not be known here, since
// outputs are compared as text.
func addSet(out *calc.Output, s model.Set, members map[model.Member]struct{}) model.SetID {
	s.ID = model.SetID(s.Kind.String() + " " + s.Origin)
	out.Sets[s.ID] = &calc.SetContent{Set: s, Members: members}
	return s.ID
}
