package wireguard

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
)

// Node is another node, as far as the tunnel is concerned.
type Node struct {
	Name string
	// Key is zero for a node that has published none.
	Key Key
	// Shared says that another node has published the same key, so that it is nobody's.
	Shared bool
	// Endpoint is the node's own address of the underlay's family; invalid for none.
	Endpoint netip.Addr
	// Addresses are the node's own that lead through the tunnel: those on its device, and, where
	// traffic between hosts is encrypted, the node's own.
	Addresses []netip.Prefix
}

func (n Node) equal(o Node) bool {
	return n.Name == o.Name && n.Key == o.Key && n.Shared == o.Shared && n.Endpoint == o.Endpoint && slices.Equal(n.Addresses, o.Addresses)
}

// nodes are the other nodes, with what lies behind each. It says for each of them whether it is a
// peer, and if not why.
type nodes struct {
	own    Key // a node with our own key is no peer
	byName map[string]Node
	// behind are the destinations that nodes stand for, of pods and blocks.
	behind map[string]map[netip.Prefix]bool
	to     map[netip.Prefix]string
	// claims are the nodes that call a destination their own address.
	claims map[netip.Prefix]map[string]bool
}

func newNodes() nodes {
	return nodes{
		byName: map[string]Node{}, behind: map[string]map[netip.Prefix]bool{}, to: map[netip.Prefix]string{},
		claims: map[netip.Prefix]map[string]bool{},
	}
}

// put adds a node or changes it, and returns the nodes whose state may differ from before.
func (ns *nodes) put(n Node) (touched []string) {
	old, known := ns.byName[n.Name]
	if known && old.equal(n) {
		return nil
	}
	touched = append(ns.remove(n.Name), n.Name)
	ns.byName[n.Name] = n
	for _, a := range n.Addresses {
		touched = append(touched, enlist(ns.claims, a, n.Name)...)
	}
	return touched
}

// enlist puts a name on the list of k and returns all that are on it.
func enlist[K comparable](lists map[K]map[string]bool, k K, name string) []string {
	if lists[k] == nil {
		lists[k] = map[string]bool{}
	}
	lists[k][name] = true
	return slices.Collect(maps.Keys(lists[k]))
}

// strike takes a name off the list of k and returns all that were on it.
func strike[K comparable](lists map[K]map[string]bool, k K, name string) []string {
	were := slices.Collect(maps.Keys(lists[k]))
	if delete(lists[k], name); len(lists[k]) == 0 {
		delete(lists, k)
	}
	return were
}

// remove takes a node away; what lies behind it stays, for it may come back.
func (ns *nodes) remove(name string) (touched []string) {
	n, known := ns.byName[name]
	if !known {
		return nil
	}
	delete(ns.byName, name)
	touched = append(touched, name)
	for _, a := range n.Addresses {
		touched = append(touched, strike(ns.claims, a, name)...)
	}
	return touched
}

// place says behind which node a destination lies; no name for none.
func (ns *nodes) place(to netip.Prefix, name string) (touched []string) {
	before := ns.to[to]
	if before == name {
		return nil
	}
	touched = slices.Collect(maps.Keys(ns.claims[to]))
	if before != "" {
		if delete(ns.behind[before], to); len(ns.behind[before]) == 0 {
			delete(ns.behind, before)
		}
		delete(ns.to, to)
		touched = append(touched, before)
	}
	if name != "" {
		if ns.behind[name] == nil {
			ns.behind[name] = map[netip.Prefix]bool{}
		}
		ns.behind[name][to] = true
		ns.to[to] = name
		touched = append(touched, name)
	}
	return touched
}

// noKey is why a node that takes no part is no peer: it is no fault.
type noKey struct{}

// Error implements error.
func (noKey) Error() string { return "has no key" }

// check says why a node cannot be a peer; nil if it can.
func (ns *nodes) check(name string) error {
	n, known := ns.byName[name]
	switch {
	case !known || n.Key == (Key{}):
		return noKey{}
	case n.Key == ns.own:
		return errors.New("has this node's own key")
	case n.Shared:
		return errors.New("shares its key with another node")
	case !n.Endpoint.IsValid():
		return errors.New("has a key, but no address to send to")
	}
	return nil
}

// destinations are all that leads to a node through the tunnel, sorted.
func (ns *nodes) destinations(name string) []netip.Prefix {
	out := slices.Collect(maps.Keys(ns.behind[name]))
	for _, a := range ns.byName[name].Addresses {
		if ns.owner(a) == name && !ns.behind[name][a] {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

// owner is the node that a destination leads to. A route says more than a node's own word, and of
// several nodes with one address the smallest name counts, as it does everywhere.
func (ns *nodes) owner(to netip.Prefix) string {
	if name := ns.to[to]; name != "" {
		return name
	}
	if claims := ns.claims[to]; len(claims) > 0 {
		return slices.Min(slices.Collect(maps.Keys(claims)))
	}
	return ""
}
