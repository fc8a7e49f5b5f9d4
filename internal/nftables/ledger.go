package nftables

import (
	"slices"

	"github.com/margay-net/margay/internal/nftables/nft"
)

// ledger is the table's chains as they stand: written by a dump, and kept by every
// transaction that the kernel takes.
type ledger struct {
	present bool
	// dormant is true if somebody has switched the table off.
	dormant bool
	chains  map[string]*standing
}

// standing is one chain as it stands.
type standing struct {
	base  *nft.Base
	rules []placed
}

// placed is one rule as it stands.
type placed struct {
	hash   nft.Hash
	handle uint64
}

func ledgerOf(l Listing) ledger {
	g := ledger{present: l.Present, dormant: l.Dormant, chains: make(map[string]*standing, len(l.Chains))}
	for _, c := range l.Chains {
		s := &standing{base: c.Base}
		for _, r := range c.Rules {
			s.rules = append(s.rules, placed{r.Hash, r.Handle})
		}
		g.chains[c.Name] = s
	}
	return g
}

func (s *standing) chain() *chain {
	return &chain{base: s.base, list: ruleList{hashes: s.hashes()}}
}

func (s *standing) hashes() []nft.Hash {
	out := make([]nft.Hash, len(s.rules))
	for i, r := range s.rules {
		out[i] = r.hash
	}
	return out
}

func (s *standing) place(handle uint64) int {
	return slices.IndexFunc(s.rules, func(p placed) bool { return p.handle == handle })
}

// learn enters a step that the kernel has taken. It returns the chain that has changed,
// or "".
func (g *ledger) learn(op nft.Op, handle uint64) string {
	switch op := op.(type) {
	case nft.AddTable:
		g.present, g.dormant = true, false
	case nft.AddChain:
		g.chains[op.Name] = &standing{base: op.Base}
		return op.Name
	case nft.DeleteChain:
		delete(g.chains, op.Name)
		return op.Name
	case nft.FlushChain:
		g.chains[op.Name].rules = nil
		return op.Name
	case nft.DeleteRule:
		s := g.chains[op.Chain]
		if i := s.place(op.Handle); i >= 0 {
			s.rules = slices.Delete(s.rules, i, i+1)
		}
		return op.Chain
	case nft.AddRule:
		s := g.chains[op.Chain]
		at := len(s.rules)
		if op.Before != 0 {
			at = s.place(op.Before)
		}
		s.rules = slices.Insert(s.rules, at, placed{op.Hash, handle})
		return op.Chain
	}
	return ""
}
