package nftables

import (
	"slices"

	"github.com/margay-net/margay/internal/nftables/nft"
)

// uses collects what rules lead to and look into. Its memory is used again.
type uses struct {
	list []object
	seen map[object]struct{}
}

// fewUses is up to how many of them going through the list is faster than a map.
const fewUses = 24

// usesOf lists what rules lead to and look into, each once, in the order of the rules. The
// list is good until the next call.
func (s *uses) usesOf(rules []nft.Rule) []object {
	s.list = s.list[:0]
	clear(s.seen)
	for i := range rules {
		rules[i].Refers(func(chain string) { s.add(chainObject(chain)) }, func(set string) { s.add(setObject(set)) })
	}
	return s.list
}

func (s *uses) add(o object) {
	if len(s.list) < fewUses {
		if !slices.Contains(s.list, o) {
			s.list = append(s.list, o)
		}
		return
	}
	if len(s.seen) == 0 {
		if s.seen == nil {
			s.seen = map[object]struct{}{}
		}
		for _, known := range s.list {
			s.seen[known] = struct{}{}
		}
	}
	if _, known := s.seen[o]; !known {
		s.seen[o] = struct{}{}
		s.list = append(s.list, o)
	}
}

// setUses keeps users and uses. No object is in a list twice, so that what two lists have
// in common at their beginnings and ends is nothing that has changed: most often a chain
// gets one more rule, or loses one.
func (t *Table) setUses(o object, uses []object) {
	old := t.uses[o]
	if slices.Equal(old, uses) {
		return
	}
	first, endOld, end := 0, len(old), len(uses)
	for first < min(endOld, end) && old[first] == uses[first] {
		first++
	}
	for endOld > first && end > first && old[endOld-1] == uses[end-1] {
		endOld, end = endOld-1, end-1
	}
	for _, u := range old[first:endOld] {
		if delete(t.users[u], o); len(t.users[u]) == 0 {
			delete(t.users, u)
		}
	}
	for _, u := range uses[first:end] {
		if t.users[u] == nil {
			t.users[u] = map[object]struct{}{}
		}
		t.users[u][o] = struct{}{}
	}
	if len(uses) == 0 {
		delete(t.uses, o)
		return
	}
	t.uses[o] = slices.Clone(uses)
}
