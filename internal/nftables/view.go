package nftables

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// View is what one family's manager wants in the table. Nothing it says reaches the kernel
// before Table.Apply; saying the same again costs little and changes nothing. Chains, sets
// and maps may be named in rules before they are there, as long as they are by Apply.
//
// A chain or map may be in both views: the two families' rules and entries are merged. A
// packet of one family never meets a rule that only the other's view has; but a verdict map
// cannot tell the families apart, so an entry of either view is everybody's, and the chain
// it leads to must say what becomes of the other family's packets.
//
// A set of addresses belongs to one family, and so to one view.
type View struct {
	family family.Family
	table  *Table
	chains map[string]viewChain
	// hashes is room for those of a chain that may turn out to be the one that is there.
	hashes []nft.Hash
}

// viewChain is a chain as one family wants it.
type viewChain struct {
	base *nft.Base
	list ruleList
}

// SetChain says what a chain holds, all of it, in this family. Rules are not to be changed
// afterwards.
func (v *View) SetChain(c nft.Chain) {
	v.hashes = appendHashes(v.hashes[:0], c.Rules)
	old, had := v.chains[c.Name]
	if had && old.base.Equal(c.Base) && slices.Equal(old.list.hashes, v.hashes) {
		return
	}
	v.chains[c.Name] = viewChain{base: c.Base, list: ruleList{c.Rules, slices.Clone(v.hashes)}}
	v.table.chainChanged(c.Name, !had)
}

// RemoveChain says that this family does not want the chain.
func (v *View) RemoveChain(name string) {
	if _, had := v.chains[name]; had {
		delete(v.chains, name)
		v.table.chainChanged(name, true)
	}
}

// AddSet declares a set or map. One that is there already with another key or kind is
// replaced, and starts empty.
func (v *View) AddSet(s nft.Set) { v.table.addSet(v.family, s) }

// RemoveSet says that this family does not want the set or map.
func (v *View) RemoveSet(name string) { v.table.removeSet(v.family, name) }

// AddMembers adds elements to a hash set.
func (v *View) AddMembers(set string, members ...nft.Element) {
	c := v.table.content(v.family, set)
	if c == nil {
		return
	}
	for _, m := range members {
		c.want(m)
	}
	v.table.touched[set] = struct{}{}
}

// RemoveMembers takes elements out of a hash set.
func (v *View) RemoveMembers(set string, members ...nft.Element) {
	c := v.table.content(v.family, set)
	if c == nil {
		return
	}
	for _, m := range members {
		c.unwant(m)
	}
	v.table.touched[set] = struct{}{}
}

// AddNets adds prefixes to an interval set. They may overlap: the kernel's set holds those
// that no other covers.
func (v *View) AddNets(set string, nets ...netip.Prefix) {
	c := v.table.content(v.family, set)
	if c == nil {
		return
	}
	for _, p := range nets {
		c.wantNet(p)
	}
	v.table.touched[set] = struct{}{}
}

// RemoveNets takes prefixes out of an interval set. What they covered comes to light.
func (v *View) RemoveNets(set string, nets ...netip.Prefix) {
	c := v.table.content(v.family, set)
	if c == nil {
		return
	}
	for _, p := range nets {
		c.unwantNet(p)
	}
	v.table.touched[set] = struct{}{}
}

// SetEntry says where a key of a verdict map leads.
func (v *View) SetEntry(vmap string, key nft.Element, verdict nft.Verdict) {
	v.table.setEntry(v.family, vmap, key, &verdict)
}

// RemoveEntry takes a key out of a verdict map.
func (v *View) RemoveEntry(vmap string, key nft.Element) {
	v.table.setEntry(v.family, vmap, key, nil)
}
