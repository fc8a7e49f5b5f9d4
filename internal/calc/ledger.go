package calc

// ledger remembers what has been handed over under each name, so that only what differs
// is handed over again, and what comes and goes between two batches is never mentioned.
type ledger[K comparable, V any] struct {
	sent  map[K]V
	dirty map[K]struct{}
	equal func(a, b V) bool
}

func newLedger[K comparable, V any](equal func(a, b V) bool) ledger[K, V] {
	return ledger[K, V]{sent: map[K]V{}, dirty: map[K]struct{}{}, equal: equal}
}

// mark says that what is under the name may have changed.
func (l *ledger[K, V]) mark(name K) { l.dirty[name] = struct{}{} }

// settle asks for the present value of every marked name, and returns the names whose
// values have changed and those that are gone, in no order.
func (l *ledger[K, V]) settle(now func(K) (V, bool)) (changed, gone []K) {
	for name := range l.dirty {
		old, had := l.sent[name]
		value, has := now(name)
		switch {
		case has && (!had || !l.equal(old, value)):
			l.sent[name] = value
			changed = append(changed, name)
		case had && !has:
			delete(l.sent, name)
			gone = append(gone, name)
		}
	}
	if len(l.dirty) > 1024 { // a map never gives its room back by itself
		l.dirty = map[K]struct{}{}
	}
	clear(l.dirty)
	return changed, gone
}

// same is the equality of comparable values.
func same[V comparable](a, b V) bool { return a == b }
