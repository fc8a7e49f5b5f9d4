package nftables_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
	"pgregory.net/rapid"
)

// wish is what somebody wants in the table, in the most obvious form: the model that the
// driver is held against.
type wish struct {
	chains family.Pair[map[string]nft.Chain]
	hosts  family.Pair[map[string]map[nft.Element]bool]
	nets   family.Pair[map[string]map[netip.Prefix]bool]
	routes family.Pair[map[nft.Element]nft.Verdict]
}

func newWish() *wish {
	w := &wish{}
	for _, f := range family.All() {
		*w.chains.At(f) = map[string]nft.Chain{}
		*w.hosts.At(f) = map[string]map[nft.Element]bool{}
		*w.nets.At(f) = map[string]map[netip.Prefix]bool{}
		*w.routes.At(f) = map[nft.Element]nft.Verdict{}
	}
	return w
}

const dispatch = "dispatch"

func hostSet(f family.Family, name string) nft.Set {
	return nft.Set{Name: name, Key: nft.KeyOf(nft.SAddr(f).Type())}
}

func netSet(f family.Family, name string) nft.Set {
	return nft.Set{Name: name, Key: nft.KeyOf(nft.SAddr(f).Type()), Interval: true}
}

func dispatchMap() nft.Set {
	return nft.Set{Name: dispatch, Key: nft.KeyOf(nft.TypeIfName), VMap: true}
}

// fill tells a fresh driver all of it at once.
func (w *wish) fill(t *nftables.Table) {
	for _, f := range family.All() {
		v := t.View(f)
		v.AddSet(dispatchMap())
		for key, verdict := range w.routes.Get(f) {
			v.SetEntry(dispatch, key, verdict)
		}
		for name, members := range w.hosts.Get(f) {
			v.AddSet(hostSet(f, name))
			for m := range members {
				v.AddMembers(name, m)
			}
		}
		for name, nets := range w.nets.Get(f) {
			v.AddSet(netSet(f, name))
			for p := range nets {
				v.AddNets(name, p)
			}
		}
		for _, c := range w.chains.Get(f) {
			v.SetChain(c)
		}
	}
}

// walk is a random walk through wishes, told to a driver step by step.
type walk struct {
	*wish
	rt *rapid.T
	t  *nftables.Table
}

func chainNames() []string { return []string{"a", "b", "c", "d"} }

func pick[T any](rt *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(rt, label)
}

func (w *walk) family() family.Family { return pick(w.rt, "family", family.V4, family.V6) }

func (w *walk) address(f family.Family) netip.Addr {
	n := rapid.IntRange(0, 7).Draw(w.rt, "address")
	return netip.MustParseAddr(fmt.Sprintf(family.PairOf("10.0.0.%d", "fd00::%d").Get(f), n))
}

// net draws prefixes that often cover one another, and now and then everything or the end.
func (w *walk) net(f family.Family) netip.Prefix {
	switch rapid.IntRange(0, 9).Draw(w.rt, "kind of net") {
	case 0:
		return f.Any()
	case 1:
		return family.PairOf(netip.MustParsePrefix("255.255.255.0/24"), netip.MustParsePrefix("ffff:ffff::/32")).Get(f)
	}
	a := w.address(f)
	p, _ := a.Prefix(a.BitLen() - rapid.IntRange(0, 4).Draw(w.rt, "host bits"))
	return p
}

// rules draws a list of rules. A chain leads only to chains after it, so that there are no
// circles; what it names need not be there.
func (w *walk) rules(f family.Family, name string) []nft.Rule {
	pool := []nft.Rule{
		rule(nft.States(nft.Established), nft.Accept()),
		rule(nft.IIfName.Is(nft.Iface("cali*")), nft.Count(), nft.Drop()),
		rule(nft.SAddr(f).Is(addr(w.address(f).String())), nft.Accept()),
		rule(nft.SAddr(f).In(hostName(f, "h1")), nft.Accept()),
		rule(nft.DAddr(f).NotIn(hostName(f, "n1")), nft.Drop()),
		rule(nft.L4Proto.Is(nft.Num(6)), nft.DPort.Is(nft.Num(80), nft.Nums(90, 95)), nft.Accept()),
	}
	if name == "base" {
		pool = append(pool, rule(nft.IIfName.VMap(dispatch)))
	}
	for _, next := range chainNames() {
		if name == "base" || next > name {
			pool = append(pool, rule(nft.Jump(next)))
		}
	}
	return rapid.SliceOfN(rapid.SampledFrom(pool), 0, 8).Draw(w.rt, "rules")
}

func hostName(f family.Family, kind string) string { return fmt.Sprintf("%s-%d", kind, f.Version()) }

func (w *walk) step() {
	f := w.family()
	v := w.t.View(f)
	switch rapid.IntRange(0, 11).Draw(w.rt, "what") {
	case 0, 1, 2, 3:
		c := nft.Chain{Name: pick(w.rt, "chain", append(chainNames(), "base")...)}
		c.Rules = w.rules(f, c.Name)
		if c.Name == "base" {
			c.Base = &nft.Base{Type: nft.Filter, Hook: nft.Forward, Policy: nft.Accept()}
		}
		w.chains.Get(f)[c.Name] = c
		v.SetChain(c)
	case 4:
		name := pick(w.rt, "chain", append(chainNames(), "base")...)
		delete(w.chains.Get(f), name)
		v.RemoveChain(name)
	case 5, 6:
		w.members(f, v)
	case 7, 8:
		w.prefixes(f, v)
	case 9, 10:
		w.entries(f, v)
	case 11:
		name := hostName(f, pick(w.rt, "set", "h1", "n1"))
		delete(w.hosts.Get(f), name)
		delete(w.nets.Get(f), name)
		v.RemoveSet(name)
	}
}

func (w *walk) members(f family.Family, v *nftables.View) {
	name := hostName(f, "h1")
	if w.hosts.Get(f)[name] == nil {
		w.hosts.Get(f)[name] = map[nft.Element]bool{}
		v.AddSet(hostSet(f, name))
	}
	for range rapid.IntRange(1, 5).Draw(w.rt, "members") {
		e := nft.AddrElement(w.address(f))
		if rapid.Bool().Draw(w.rt, "add") {
			w.hosts.Get(f)[name][e] = true
			v.AddMembers(name, e)
		} else {
			delete(w.hosts.Get(f)[name], e)
			v.RemoveMembers(name, e)
		}
	}
}

func (w *walk) prefixes(f family.Family, v *nftables.View) {
	name := hostName(f, "n1")
	if w.nets.Get(f)[name] == nil {
		w.nets.Get(f)[name] = map[netip.Prefix]bool{}
		v.AddSet(netSet(f, name))
	}
	for range rapid.IntRange(1, 5).Draw(w.rt, "nets") {
		p := w.net(f)
		if rapid.Bool().Draw(w.rt, "add") {
			w.nets.Get(f)[name][p] = true
			v.AddNets(name, p)
		} else {
			delete(w.nets.Get(f)[name], p)
			v.RemoveNets(name, p)
		}
	}
}

func (w *walk) entries(f family.Family, v *nftables.View) {
	key := element(dispatchMap().Key, nft.Iface(pick(w.rt, "interface", "cali1", "cali2")))
	if rapid.Bool().Draw(w.rt, "add") {
		verdict := pick(w.rt, "verdict", nft.Goto("c"), nft.Goto("d"), nft.Drop())
		w.routes.Get(f)[key] = verdict
		v.SetEntry(dispatch, key, verdict)
	} else {
		delete(w.routes.Get(f), key)
		v.RemoveEntry(dispatch, key)
	}
}

// listingOf is what a kernel holds, without handles.
func listingOf(t testing.TB, k nftables.Kernel) nftables.Listing {
	t.Helper()
	l, err := k.Dump()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(l.Chains, func(a, b nftables.ListedChain) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(l.Sets, func(a, b nftables.ListedSet) int { return strings.Compare(a.Set.Name, b.Set.Name) })
	for i := range l.Chains {
		for j := range l.Chains[i].Rules {
			l.Chains[i].Rules[j].Handle = 0
		}
	}
	return l
}

func addr16(n int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xfd, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)})
}
