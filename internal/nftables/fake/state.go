package fake

import (
	"maps"
	"slices"
	"syscall"

	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// state is what the table holds.
type state struct {
	present bool
	dormant bool
	handles uint64
	chains  map[string]chain
	sets    map[string]set
}

type chain struct {
	base  *nft.Base
	rules []rule
}

type rule struct {
	handle uint64
	hash   nft.Hash
	rule   nft.Rule
}

type set struct {
	set      nft.Set
	elements map[nft.Element]struct{}
}

func (s state) clone() state {
	s.chains, s.sets = maps.Clone(s.chains), maps.Clone(s.sets)
	if s.chains == nil {
		s.chains, s.sets = map[string]chain{}, map[string]set{}
	}
	for name, c := range s.chains {
		c.rules = slices.Clone(c.rules)
		s.chains[name] = c
	}
	for name, v := range s.sets {
		v.elements = maps.Clone(v.elements)
		s.sets[name] = v
	}
	return s
}

func (s state) listing() nftables.Listing {
	l := nftables.Listing{Present: s.present, Dormant: s.dormant}
	for _, name := range slices.Sorted(maps.Keys(s.chains)) {
		c := nftables.ListedChain{Name: name, Base: s.chains[name].base}
		for _, r := range s.chains[name].rules {
			c.Rules = append(c.Rules, nftables.ListedRule{Handle: r.handle, Hash: r.hash})
		}
		l.Chains = append(l.Chains, c)
	}
	for _, name := range slices.Sorted(maps.Keys(s.sets)) {
		v := s.sets[name]
		l.Sets = append(l.Sets, nftables.ListedSet{Set: v.set, Elements: slices.Sorted(maps.Keys(v.elements))})
	}
	return l
}

// do makes one step, and returns a new rule's handle, or the error that the kernel gives.
func (s *state) do(op nft.Op) (uint64, syscall.Errno) {
	if _, ok := op.(nft.AddTable); ok {
		s.present, s.dormant = true, false
		return 0, 0
	}
	if !s.present {
		return 0, syscall.ENOENT
	}
	switch op := op.(type) {
	case nft.AddChain:
		return 0, s.addChain(op)
	case nft.DeleteChain:
		return 0, s.deleteChain(op.Name)
	case nft.FlushChain:
		return 0, s.flushChain(op.Name)
	case nft.AddRule:
		return s.addRule(op)
	case nft.DeleteRule:
		return 0, s.deleteRule(op)
	case nft.AddSet:
		return 0, s.addSet(op.Set)
	case nft.DeleteSet:
		return 0, s.deleteSet(op.Set.Name)
	case nft.AddElements:
		return 0, s.addElements(op)
	case nft.DeleteElements:
		return 0, s.deleteElements(op)
	case nft.FlushSet:
		return 0, s.flushSet(op.Set.Name)
	}
	return 0, syscall.EOPNOTSUPP
}

func (s *state) addChain(op nft.AddChain) syscall.Errno {
	if _, there := s.chains[op.Name]; there {
		return syscall.EEXIST
	}
	if op.Base != nil && op.Base.Type == nft.NAT && op.Base.Hook == nft.Forward {
		return syscall.EOPNOTSUPP
	}
	s.chains[op.Name] = chain{base: op.Base}
	return 0
}

func (s *state) flushChain(name string) syscall.Errno {
	c, there := s.chains[name]
	if !there {
		return syscall.ENOENT
	}
	c.rules = nil
	s.chains[name] = c
	return 0
}

// deleteChain deletes a chain with its rules. One that others lead to is in use.
func (s *state) deleteChain(name string) syscall.Errno {
	if errno := s.flushChain(name); errno != 0 {
		return errno
	}
	for _, c := range s.chains {
		for _, r := range c.rules {
			if slices.Contains(r.rule.Chains(), name) {
				return syscall.EBUSY
			}
		}
	}
	for _, v := range s.sets {
		for e := range v.elements {
			if _, verdict := v.set.Split(e); v.set.VMap && verdict.Target() == name {
				return syscall.EBUSY
			}
		}
	}
	delete(s.chains, name)
	return 0
}

func (s *state) addRule(op nft.AddRule) (uint64, syscall.Errno) {
	c, there := s.chains[op.Chain]
	if !there {
		return 0, syscall.ENOENT
	}
	at := len(c.rules)
	if op.Before != 0 {
		if at = c.place(op.Before); at < 0 {
			return 0, syscall.ENOENT
		}
	}
	for _, name := range op.Rule.Chains() {
		if errno := s.target(name); errno != 0 {
			return 0, errno
		}
	}
	for _, name := range op.Rule.Sets() {
		if _, there := s.sets[name]; !there {
			return 0, syscall.ENOENT
		}
	}
	s.handles++
	c.rules = slices.Insert(c.rules, at, rule{s.handles, op.Hash, op.Rule})
	s.chains[op.Chain] = c
	return s.handles, 0
}

// target says whether a rule or an element may lead to a chain.
func (s *state) target(name string) syscall.Errno {
	switch c, there := s.chains[name]; {
	case !there:
		return syscall.ENOENT
	case c.base != nil:
		return syscall.EOPNOTSUPP
	}
	return 0
}

func (c chain) place(handle uint64) int {
	return slices.IndexFunc(c.rules, func(r rule) bool { return r.handle == handle })
}

func (s *state) deleteRule(op nft.DeleteRule) syscall.Errno {
	c, there := s.chains[op.Chain]
	at := c.place(op.Handle)
	if !there || at < 0 {
		return syscall.ENOENT
	}
	c.rules = slices.Delete(c.rules, at, at+1)
	s.chains[op.Chain] = c
	return 0
}

func (s *state) addSet(v nft.Set) syscall.Errno {
	if _, there := s.sets[v.Name]; there {
		return syscall.EEXIST
	}
	s.sets[v.Name] = set{v, map[nft.Element]struct{}{}}
	return 0
}

func (s *state) deleteSet(name string) syscall.Errno {
	if _, there := s.sets[name]; !there {
		return syscall.ENOENT
	}
	for _, c := range s.chains {
		for _, r := range c.rules {
			if slices.Contains(r.rule.Sets(), name) {
				return syscall.EBUSY
			}
		}
	}
	delete(s.sets, name)
	return 0
}

func (s *state) flushSet(name string) syscall.Errno {
	v, there := s.sets[name]
	if !there {
		return syscall.ENOENT
	}
	v.elements = map[nft.Element]struct{}{}
	s.sets[name] = v
	return 0
}

func (s *state) addElements(op nft.AddElements) syscall.Errno {
	v, there := s.sets[op.Set.Name]
	if !there {
		return syscall.ENOENT
	}
	for _, e := range op.Elements {
		if !v.set.Fits(e) {
			return syscall.EINVAL
		}
		key, verdict := v.set.Split(e)
		if v.has(key) {
			return syscall.EEXIST
		}
		if name := verdict.Target(); name != "" {
			if errno := s.target(name); errno != 0 {
				return errno
			}
		}
		v.elements[e] = struct{}{}
	}
	return 0
}

// has says whether a set cannot take an element, because the key is there already or the
// interval overlaps one that is.
func (v set) has(e nft.Element) bool {
	if !v.set.Interval && !v.set.VMap {
		_, there := v.elements[e]
		return there
	}
	n := v.set.Size()
	for other := range v.elements {
		if v.set.VMap && other[:n] == e || v.set.Interval && e[:n] <= other[n:] && other[:n] <= e[n:] {
			return true
		}
	}
	return false
}

func (s *state) deleteElements(op nft.DeleteElements) syscall.Errno {
	v, there := s.sets[op.Set.Name]
	if !there {
		return syscall.ENOENT
	}
	for _, e := range op.Elements {
		if _, there := v.elements[e]; !there {
			return syscall.ENOENT
		}
		delete(v.elements, e)
	}
	return 0
}

// validate looks for circles and for ways that are too deep, from base chains on.
func (s *state) validate() syscall.Errno {
	for _, c := range s.chains {
		if c.base != nil {
			if errno := s.walk(c, 0, map[string]bool{}); errno != 0 {
				return errno
			}
		}
	}
	return 0
}

func (s *state) walk(c chain, depth int, way map[string]bool) syscall.Errno {
	const jumpStack = 16
	if depth >= jumpStack {
		return syscall.EMLINK
	}
	for _, name := range s.leadsTo(c) {
		if way[name] {
			return syscall.ELOOP
		}
		way[name] = true
		if errno := s.walk(s.chains[name], depth+1, way); errno != 0 {
			return errno
		}
		delete(way, name)
	}
	return 0
}

func (s *state) leadsTo(c chain) []string {
	var out []string
	for _, r := range c.rules {
		out = append(out, r.rule.Chains()...)
		for _, name := range r.rule.Sets() {
			v := s.sets[name]
			for e := range v.elements {
				if _, verdict := v.set.Split(e); v.set.VMap && verdict.Target() != "" {
					out = append(out, verdict.Target())
				}
			}
		}
	}
	return out
}
