package nftables

import "github.com/margay-net/margay/internal/nftables/nft"

// Estimates of a step's length on the wire, in bytes. They need not be exact.
const (
	stepSize    = 100
	ruleSize    = 700
	elementSize = 40
)

func sizeOf(op nft.Op) int {
	switch op := op.(type) {
	case nft.AddRule:
		return ruleSize
	case nft.AddElements:
		return len(op.Elements) * (elementSize + op.Set.Size())
	case nft.DeleteElements:
		return len(op.Elements) * (elementSize + op.Set.Size())
	}
	return stepSize
}

// stages cuts a plan that is longer than the limit into several transactions. What nothing
// that stands refers to yet goes ahead, in pieces: new sets and their elements, new regular
// chains and their rules. The last transaction makes all of it live: it holds whatever
// changes what packets meet, and is never cut.
func stages(steps []step, limit int) [][]step {
	size := 0
	for _, s := range steps {
		size += sizeOf(s.op)
	}
	if size <= limit {
		return [][]step{steps}
	}
	var out [][]step
	var piece, last []step
	ahead := aheadOf(steps)
	size = 0
	for _, s := range steps {
		if !ahead(s) {
			last = append(last, s)
			continue
		}
		if n := sizeOf(s.op); size+n > limit && len(piece) > 0 {
			out, piece, size = append(out, piece), nil, 0
		}
		piece = append(piece, s)
		size += sizeOf(s.op)
	}
	if len(piece) > 0 {
		out = append(out, piece)
	}
	if len(last) > 0 {
		out = append(out, last)
	}
	return out
}

// aheadOf says which steps can go ahead.
func aheadOf(steps []step) func(step) bool {
	doomed := map[object]bool{}
	fresh := map[object]bool{}
	for _, s := range steps {
		switch op := s.op.(type) {
		case nft.DeleteSet:
			doomed[setObject(op.Set.Name)] = true
		case nft.DeleteChain:
			doomed[chainObject(op.Name)] = true
		case nft.AddSet:
			fresh[setObject(op.Set.Name)] = !doomed[setObject(op.Set.Name)]
		case nft.AddChain:
			fresh[chainObject(op.Name)] = op.Base == nil && !doomed[chainObject(op.Name)]
		}
	}
	return func(s step) bool {
		switch op := s.op.(type) {
		case nft.AddTable:
			return true
		case nft.AddSet:
			return fresh[setObject(op.Set.Name)]
		case nft.AddChain:
			return fresh[chainObject(op.Name)]
		case nft.AddElements:
			return fresh[setObject(op.Set.Name)] && !op.Set.VMap
		case nft.AddRule:
			return fresh[chainObject(op.Chain)] && !usesDoomed(op.Rule, doomed)
		}
		return false
	}
}

// usesDoomed says whether a rule uses a set or chain that is replaced: bound now, it would
// be bound to the old one.
func usesDoomed(r nft.Rule, doomed map[object]bool) bool {
	found := false
	r.Refers(func(chain string) { found = found || doomed[chainObject(chain)] },
		func(set string) { found = found || doomed[setObject(set)] })
	return found
}
