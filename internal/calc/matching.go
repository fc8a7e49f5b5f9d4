package calc

import "slices"

// This file keeps track of which policies' selectors match which classes of this node's
// endpoints. There are few such classes, so that the matches are stored.

// enter counts an endpoint of the class.
func (e *endpoints) enter(class uint32) {
	c := e.classes.classes.at(class)
	if c.shown++; c.shown == 1 {
		e.match(class)
	}
}

// leave counts one out.
func (e *endpoints) leave(class uint32) {
	c := e.classes.classes.at(class)
	if c.shown--; c.shown == 0 {
		e.unmatch(class)
	}
}

// match finds the policies' queries that match a class that has come to have endpoints.
func (e *endpoints) match(class uint32) {
	l := &localClass{dirty: true}
	e.classOf[class] = l
	e.index.queriesOf(class, ofPolicies, func(id uint32) { l.queries = append(l.queries, id) })
	slices.Sort(l.queries)
	for _, id := range l.queries {
		e.count(id, +1)
	}
}

func ofPolicies(q *query) bool { return q.policies != 0 }

func (e *endpoints) unmatch(class uint32) {
	for _, id := range e.classOf[class].queries {
		e.count(id, -1)
	}
	delete(e.classOf, class)
}

// count counts classes that a query matches; its policies look again at the first and
// the last.
func (e *endpoints) count(query uint32, by int) {
	q := e.index.queries.at(query)
	was := q.endpoints
	q.endpoints = uint32(int(was) + by)
	if was == 0 || q.endpoints == 0 {
		e.policies.enqueueAll(query)
	}
}

// relabel follows a change of the labels that classes inherit.
func (e *endpoints) relabel(classes []uint32) {
	for _, class := range classes {
		if old := e.classOf[class]; old != nil {
			e.unmatch(class)
			e.match(class)
			e.classOf[class].tiers = old.tiers
		}
	}
}

// entered follows a query that has become one of policies.
func (e *endpoints) entered(query uint32) {
	q := e.index.queries.at(query)
	add := func(class uint32) {
		l := e.classOf[class]
		i, _ := slices.BinarySearch(l.queries, query)
		l.queries = slices.Insert(l.queries, i, query)
		l.dirty = true
		e.count(query, +1)
	}
	if len(e.classOf) == 0 {
		return
	}
	if e.index.estimate(q) < uint32(len(e.classOf)) {
		e.index.classesOf(query, func(class uint32) {
			if e.classOf[class] != nil {
				add(class)
			}
		})
		return
	}
	for class := range e.classOf {
		if e.index.matches(q, e.classes.classes.at(class)) {
			add(class)
		}
	}
}

// left follows a query that is no longer one of policies.
func (e *endpoints) left(query uint32) {
	e.eachMatched(query, func(l *localClass, i int) {
		l.queries = slices.Delete(l.queries, i, i+1)
		l.dirty = true
	})
	e.index.queries.at(query).endpoints = 0
}

// changed follows a change of a query's policies or their order.
func (e *endpoints) changed(query uint32) {
	e.eachMatched(query, func(l *localClass, _ int) { l.dirty = true })
}

func (e *endpoints) eachMatched(query uint32, yield func(l *localClass, i int)) {
	if e.index.queries.at(query).endpoints == 0 {
		return
	}
	for _, l := range e.classOf {
		if i, found := slices.BinarySearch(l.queries, query); found {
			yield(l, i)
		}
	}
}

// changedAll follows a change of a tier.
func (e *endpoints) changedAll() {
	for _, l := range e.classOf {
		l.dirty = true
	}
}
