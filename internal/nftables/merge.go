package nftables

import (
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// ruleList is a list of rules with their hashes.
type ruleList struct {
	rules  []nft.Rule
	hashes []nft.Hash
}

func listOf(rules []nft.Rule) ruleList {
	return ruleList{rules: rules, hashes: appendHashes(make([]nft.Hash, 0, len(rules)), rules)}
}

func appendHashes(out []nft.Hash, rules []nft.Rule) []nft.Hash {
	for i := range rules {
		out = append(out, rules[i].Hash())
	}
	return out
}

func (l *ruleList) add(r nft.Rule, h nft.Hash) {
	l.rules = append(l.rules, r)
	l.hashes = append(l.hashes, h)
}

// merge joins the two families' lists for one chain. A rule that both have is there once,
// as it is; a rule of one family is confined to it by its own match, or by "meta nfproto".
// A rule that can only match the other family's packets says nothing about its own, and
// is left out.
// Only the order within a family counts: a packet is of one family, and the rules of the
// other do not match it. So the result is right whatever the interleaving; the longest
// common subsequence makes it the shortest.
func merge(lists family.Pair[ruleList]) ruleList {
	a, b := lists.Get(family.V4), lists.Get(family.V6)
	if slices.Equal(a.hashes, b.hashes) {
		return a
	}
	pairs := common(a.hashes, b.hashes)
	most := len(a.rules) + len(b.rules) - len(pairs)
	out := ruleList{make([]nft.Rule, 0, most), make([]nft.Hash, 0, most)}
	only := func(f family.Family, l ruleList, from, to int) {
		for i := from; i < to; i++ {
			switch r := l.rules[i]; r.Family() {
			case 0:
				r = r.Only(f)
				out.add(r, r.Hash())
			case f:
				out.add(r, l.hashes[i])
			}
		}
	}
	nextA, nextB := 0, 0
	for _, p := range pairs {
		only(family.V4, a, nextA, p.A)
		only(family.V6, b, nextB, p.B)
		out.add(a.rules[p.A], a.hashes[p.A])
		nextA, nextB = p.A+1, p.B+1
	}
	only(family.V4, a, nextA, len(a.rules))
	only(family.V6, b, nextB, len(b.rules))
	return out
}
