package family

import "strings"

// Set is a set of families. The zero value is the empty set.
type Set uint8

// Both holds IPv4 and IPv6.
const Both Set = 3

// NewSet returns the set of the given families.
func NewSet(fs ...Family) Set {
	var s Set
	for _, f := range fs {
		s = s.With(f)
	}
	return s
}

// Has says whether f is in the set.
func (s Set) Has(f Family) bool { return s&(1<<f.index()) != 0 }

// With is the set and f.
func (s Set) With(f Family) Set { return s | 1<<f.index() }

// Without is the set less f.
func (s Set) Without(f Family) Set { return s &^ (1 << f.index()) }

// Empty says whether no family is in the set.
func (s Set) Empty() bool { return s&Both == 0 }

// Families lists the members, IPv4 first.
func (s Set) Families() []Family {
	var out []Family
	for _, f := range All() {
		if s.Has(f) {
			out = append(out, f)
		}
	}
	return out
}

// String lists the members' names: "IPv4", "IPv6", "IPv4+IPv6" or "none".
func (s Set) String() string {
	var names []string
	for _, f := range s.Families() {
		names = append(names, f.String())
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, "+")
}

// Pair holds one T for each family.
type Pair[T any] struct{ of [2]T }

// PairOf makes a Pair from its two halves.
func PairOf[T any](v4, v6 T) Pair[T] { return Pair[T]{of: [2]T{v4, v6}} }

// Get returns the family's T.
func (p Pair[T]) Get(f Family) T { return p.of[f.index()] }

// At points to the family's T.
func (p *Pair[T]) At(f Family) *T { return &p.of[f.index()] }
