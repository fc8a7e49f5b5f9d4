package calc

import (
	"hash/maphash"
	"slices"

	"github.com/margay-net/margay/internal/model"
)

// policy is a row of the table of all policies.
type policy struct {
	key        model.Key
	order      float64
	packed     string // see packPolicy
	query      uint32 // its selector; 0 if that cannot be read
	next, prev uint32 // of the same query
	rank       uint32 // its place among the active policies
	types      model.Directions
	exists     bool
	queued     bool
}

// policies decides which policies are active: those that apply to an endpoint of this
// node in some direction. The sets of an active policy's rules are in use.
type policies struct {
	rows   slab[policy]
	byKey  lookup
	index  *labelIndex
	sets   *sets
	order  *ordering
	active map[uint32]*activePolicy
	queue  []uint32
	// changed is told of a query whose policies have changed, or their order.
	changed func(query uint32)
	// entered is told of a query that has its first policy, left of one that loses its last.
	entered, left func(query uint32)
	problems      func(model.Key)
}

// tier is the name of the policy's tier, which its packed text starts with.
func (row *policy) tier() string {
	if row.packed == "" {
		return ""
	}
	name, _ := cutText(row.packed)
	return name
}

// activePolicy is what has been handed over.
type activePolicy struct {
	packed string
	refs   []setRef
	broken []model.Problem
}

func (p *policies) hash(key model.Key) uint32 {
	return fold(maphash.String(p.index.classes.seed, key.Name)*31+maphash.String(p.index.classes.seed, key.Namespace)) + uint32(key.Kind)
}

func (p *policies) find(key model.Key) uint32 {
	return p.byKey.find(p.hash(key), func(id uint32) bool { return p.rows.at(id).key == key })
}

// update takes in a policy, or, with nil, that it is gone.
func (p *policies) update(key model.Key, v *model.Policy) {
	id := p.find(key)
	if v == nil {
		if id != 0 && p.rows.at(id).exists {
			p.rows.at(id).exists = false
			p.setQuery(id, 0)
			p.enqueue(id)
			p.problems(key)
		}
		return
	}
	if id == 0 {
		id = p.rows.alloc()
		p.rows.at(id).key = key
		p.byKey.insert(p.hash(key), id)
	}
	row := p.rows.at(id)
	query, _ := p.index.holdQuery(v.Selector) // a selector that cannot be read is a problem, told below
	packed := packPolicy(v)
	if row.exists && row.query == query && row.packed == packed && row.order == v.Order {
		if query != 0 {
			p.index.releaseQuery(query)
		}
		return
	}
	if row.order != v.Order || row.tier() != v.Tier || !row.exists {
		p.order.disturb()
	}
	row.exists, row.packed, row.order, row.types = true, packed, v.Order, v.Types
	p.setQuery(id, query)
	p.enqueue(id)
	p.problems(key)
}

// setQuery makes a query, held for it, the policy's; 0 is none.
func (p *policies) setQuery(id, query uint32) {
	row := p.rows.at(id)
	old := row.query
	if old == query {
		if query != 0 {
			p.index.releaseQuery(query)
			p.changed(query)
		}
		return
	}
	p.unlink(id)
	if query != 0 {
		q := p.index.queries.at(query)
		first := q.policies
		row.query, row.prev, row.next = query, 0, first
		q.policies = id
		if first != 0 {
			p.rows.at(first).prev = id
			p.changed(query)
		} else {
			p.entered(query)
		}
	}
}

// unlink takes a policy off its query's list, and lets the query go.
func (p *policies) unlink(id uint32) {
	row := p.rows.at(id)
	if row.query == 0 {
		return
	}
	if row.next != 0 {
		p.rows.at(row.next).prev = row.prev
	}
	if row.prev != 0 {
		p.rows.at(row.prev).next = row.next
	} else {
		p.index.queries.at(row.query).policies = row.next
	}
	if p.index.queries.at(row.query).policies == 0 {
		p.left(row.query)
	} else {
		p.changed(row.query)
	}
	p.index.releaseQuery(row.query)
	row.query, row.next, row.prev = 0, 0, 0
}

// enqueue lets the next flush look at the policy.
func (p *policies) enqueue(id uint32) {
	if row := p.rows.at(id); !row.queued {
		row.queued = true
		p.queue = append(p.queue, id)
	}
}

// enqueueAll does so for all policies of a query, whose endpoints come or go.
func (p *policies) enqueueAll(query uint32) {
	p.each(query, func(id uint32) { p.enqueue(id) })
}

func (p *policies) each(query uint32, yield func(id uint32)) {
	for id := p.index.queries.at(query).policies; id != 0; id = p.rows.at(id).next {
		yield(id)
	}
}

// applies says whether the policy applies to an endpoint of this node.
func (p *policies) applies(row *policy) bool {
	return row.exists && row.types != 0 && row.query != 0 && p.index.queries.at(row.query).endpoints > 0
}

// flush hands over the policies that have changed and enters and releases their uses of
// sets. It must come before the sets' own flush.
func (p *policies) flush(b *Batch) {
	rules := map[uint32]*model.Policy{}
	for _, id := range p.queue {
		row := p.rows.at(id)
		row.queued = false
		if v := p.activate(id, row); v != nil {
			rules[id] = v
		}
		if !row.exists {
			p.retire(b, id)
		}
	}
	for _, id := range p.queue {
		if row := p.rows.at(id); row.exists && !p.applies(row) {
			p.deactivate(b, id)
		}
	}
	p.queue = emptied(p.queue)
	p.again(rules)
	for id, v := range rules {
		b.Policies = append(b.Policies, p.resolved(id, v))
	}
	slices.SortFunc(b.Policies, func(x, y *model.ActivePolicy) int { return x.ID.Compare(y.ID) })
	slices.SortFunc(b.PoliciesGone, model.Key.Compare)
}

// activate returns the policy's rules if they are to be handed over.
func (p *policies) activate(id uint32, row *policy) *model.Policy {
	if !p.applies(row) {
		return nil
	}
	a := p.active[id]
	if a != nil && a.packed == row.packed {
		return nil
	}
	if a == nil {
		a = &activePolicy{}
		p.active[id] = a
		p.order.enter(id)
	}
	v := unpackPolicy(row.packed)
	a.broken = p.enforceable(v)
	a.packed = row.packed
	old := a.refs
	a.refs = nil
	eachUse(v, func(u setUse, _ *[]model.SetID) {
		if ref, err := p.sets.use(u); err == nil { // enforceable has read them all
			a.refs = append(a.refs, ref)
		}
	})
	for _, ref := range old {
		p.sets.release(ref)
	}
	p.problems(row.key)
	return v
}

func (p *policies) deactivate(b *Batch, id uint32) {
	a := p.active[id]
	if a == nil {
		return
	}
	for _, ref := range a.refs {
		p.sets.release(ref)
	}
	delete(p.active, id)
	p.order.disturb()
	key := p.rows.at(id).key
	p.problems(key)
	b.PoliciesGone = append(b.PoliciesGone, key)
}

// retire forgets a policy that is gone.
func (p *policies) retire(b *Batch, id uint32) {
	p.deactivate(b, id)
	p.byKey.remove(p.hash(p.rows.at(id).key), id)
	p.rows.release(id)
}

// again adds the policies whose selectors have come to stand for other sets.
func (p *policies) again(rules map[uint32]*model.Policy) {
	toggled := p.sets.toggled()
	if len(toggled) == 0 {
		return
	}
	for id, a := range p.active {
		if rules[id] == nil && slices.ContainsFunc(a.refs, func(r setRef) bool { return r.port == nil && toggled[r.selection] }) {
			v := unpackPolicy(a.packed)
			p.enforceable(v)
			rules[id] = v
		}
	}
}
