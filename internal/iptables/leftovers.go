package iptables

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/margay-net/margay/internal/family"
)

// Guards says whether a variant has anything of ours, or of Felix's, in a family's filter
// table: packets meet it until it is removed.
func (p *Probe) Guards(f family.Family, v Variant) (bool, error) {
	if !slices.Contains(p.InUse(f, v), Filter) {
		return false, nil
	}
	l, err := p.read(f, v, Filter)
	return err == nil && l.anyOfOurs(), err
}

func (p *Probe) read(f family.Family, v Variant, table string) (*listing, error) {
	text, err := p.Programs(f, v).Save(table)
	if err != nil {
		return nil, fmt.Errorf("read the %v table %s of the %s variant: %w", f, table, v, err)
	}
	return parse(text), nil
}

// Remove removes what is ours or Felix's from all tables of a family and a variant, and
// nothing else: chains of our name, and rules that have our mark or lead to these. It says
// how many chains and rules that were. It is for when something else guards the node.
func (p *Probe) Remove(f family.Family, v Variant) (removed int, err error) {
	var errs []error
	for _, table := range p.InUse(f, v) {
		l, err := p.read(f, v, table)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s := l.removal(table)
		if s == nil {
			continue
		}
		if err := p.Programs(f, v).Restore(table, s.input()); err != nil {
			errs = append(errs, fmt.Errorf("remove what is left in the %v table %s of the %s variant: %w", f, table, v, err))
			continue
		}
		removed += len(s.deleted)
	}
	return removed, errors.Join(errs...)
}

// removal takes all of ours out of a table; nil if there is nothing.
func (l *listing) removal(table string) *script {
	if !l.anyOfOurs() {
		return nil
	}
	s := &script{deleted: slices.Sorted(maps.Keys(l.chains))}
	s.do(owner{}, "*"+table)
	for _, name := range s.deleted {
		s.do(owner{}, ":"+name+" - [0:0]")
	}
	for _, chain := range slices.Sorted(maps.Keys(l.kernel)) {
		for _, r := range l.kernel[chain] {
			if r.ours {
				s.do(owner{}, "-D "+chain+" "+r.text)
			}
		}
	}
	for _, name := range s.deleted {
		s.do(owner{}, "-X "+name)
	}
	s.do(owner{}, "COMMIT")
	return s
}

// anyOfOurs says whether there is anything of ours.
func (l *listing) anyOfOurs() bool {
	if len(l.chains) > 0 {
		return true
	}
	for _, rules := range l.kernel {
		if slices.ContainsFunc(rules, func(r listedRule) bool { return r.ours }) {
			return true
		}
	}
	return false
}
