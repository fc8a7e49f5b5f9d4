package calc

import (
	"hash/maphash"
	"slices"

	"github.com/margay-net/margay/internal/selector"
)

// query is a selector in use: as that of policies, by the sets of active rules, or both.
// Equal selectors are one query.
type query struct {
	text string // canonical
	// selector is nil if matching is being linked to one of the query's places, as for
	// tests of one label: cheaper, and by far the most common kind.
	selector *selector.Selector
	uses     int
	link     uint32 // the first of its links to places

	policies  uint32     // the first of the policies that it is the selector of
	endpoints uint32     // how many classes of this node's endpoints match
	selection *selection // what the sets of rules make of it; nil without
}

// holdQuery finds or makes the query of a selector.
func (x *labelIndex) holdQuery(text string) (uint32, error) {
	if id := x.findQuery(text); id != 0 {
		x.queries.at(id).uses++
		return id, nil
	}
	sel, err := selector.Parse(text)
	if err != nil {
		return 0, err
	}
	id := x.findQuery(sel.String())
	if id == 0 {
		id = x.queries.alloc()
		*x.queries.at(id) = query{text: sel.String(), selector: sel}
		x.byText.insert(x.hashText(sel.String()), id)
		x.settleIn(id)
	}
	x.queries.at(id).uses++
	return id, nil
}

func (x *labelIndex) findQuery(text string) uint32 {
	return x.byText.find(x.hashText(text), func(id uint32) bool { return x.queries.at(id).text == text })
}

func (x *labelIndex) hashText(text string) uint32 { return fold(maphash.String(x.classes.seed, text)) }

// settleIn links the query to places: those of one restriction that it cannot match
// without, the one with the fewest neighbours; or anywhere.
func (x *labelIndex) settleIn(id uint32) {
	q := x.queries.at(id)
	restrictions := q.selector.Restrictions()
	if impossible(restrictions) {
		return
	}
	depends := dependsOn(restrictions)
	if len(depends) == 0 {
		q.link = x.addLink(&x.places.at(x.anywhere).queries, id, x.anywhere, 0)
		return
	}
	home, fewest := depends[0], ^uint32(0)
	for _, r := range depends {
		if n := x.countQueries(x.holdKey(r.Label), r); n < fewest {
			home, fewest = r, n
		}
	}
	for _, p := range x.placesOf(x.keys[home.Label], home) {
		q.link = x.addLink(&x.places.at(p).queries, id, p, q.link)
	}
	if len(restrictions) == 1 && saysItAll(q.text, restrictions[0]) {
		q.selector = nil
	}
}

// placesOf finds or makes the places of a restriction.
func (x *labelIndex) placesOf(key uint32, r selector.Restriction) []uint32 {
	if r.AnyOf == nil {
		return []uint32{x.names.at(key).any}
	}
	places := make([]uint32, len(r.AnyOf))
	for i, value := range r.AnyOf {
		places[i] = x.holdPlace(key, value)
	}
	return places
}

// countQueries says how many queries the restriction's places have already.
func (x *labelIndex) countQueries(key uint32, r selector.Restriction) (n uint32) {
	if r.AnyOf == nil {
		return x.places.at(x.names.at(key).any).queries.count
	}
	for _, value := range r.AnyOf {
		n++
		if p := x.findPlace(key, value); p != 0 {
			n += x.places.at(p).queries.count
		}
	}
	return n
}

// impossible says whether the restrictions contradict each other.
func impossible(restrictions []selector.Restriction) bool {
	return slices.ContainsFunc(restrictions, func(r selector.Restriction) bool { return r.AnyOf != nil && len(r.AnyOf) == 0 })
}

// dependsOn are the restrictions whose labels must have places: those with values, or
// else one without.
func dependsOn(restrictions []selector.Restriction) []selector.Restriction {
	valued := slices.DeleteFunc(slices.Clone(restrictions), func(r selector.Restriction) bool { return r.AnyOf == nil })
	if len(valued) == 0 && len(restrictions) > 0 {
		return restrictions[:1]
	}
	return valued
}

// saysItAll says whether the restriction is the whole selector.
func saysItAll(text string, r selector.Restriction) bool {
	whole, err := selector.HasLabel(r.Label)
	if r.AnyOf != nil {
		whole, err = selector.OneOf(r.Label, r.AnyOf...)
	}
	return err == nil && whole.String() == text
}

// parsed is the query's selector, read again where it is not kept.
func (x *labelIndex) parsed(q *query) *selector.Selector {
	if q.selector != nil {
		return q.selector
	}
	sel, err := selector.Parse(q.text)
	if err != nil {
		panic("calc: the canonical text of a selector does not parse: " + q.text)
	}
	return sel
}

func (x *labelIndex) releaseQuery(id uint32) {
	q := x.queries.at(id)
	if q.uses--; q.uses > 0 {
		return
	}
	restrictions := x.parsed(q).Restrictions()
	for l := q.link; l != 0; {
		next := x.links.at(l).sibling
		p := x.links.at(l).place
		x.removeLink(&x.places.at(p).queries, l)
		if p != x.anywhere {
			x.dropPlace(p)
		}
		l = next
	}
	if !impossible(restrictions) {
		for _, r := range dependsOn(restrictions) {
			x.releaseKey(r.Label)
		}
	}
	x.byText.remove(x.hashText(q.text), id)
	x.queries.release(id)
}

// matches says whether the query's selector selects the class.
func (x *labelIndex) matches(q *query, c *class) bool {
	if q.selector != nil {
		return x.evaluate(q.selector, c)
	}
	for l := q.link; l != 0; l = x.links.at(l).sibling {
		p := x.places.at(x.links.at(l).place)
		k := x.names.at(p.key)
		value, ok := x.classes.of(c).Get(k.name)
		if !ok {
			return false
		}
		if x.links.at(l).place == k.any || value == p.value {
			return true
		}
	}
	return false
}

// queriesOf yields the queries that match the class, among those wanted. A query is in
// one place of the class at most: its places are values of one label.
func (x *labelIndex) queriesOf(class uint32, wanted func(*query) bool, yield func(id uint32)) {
	c := x.classes.classes.at(class)
	try := func(p uint32) {
		for l := x.places.at(p).queries.first; l != 0; l = x.links.at(l).next {
			id := x.links.at(l).owner
			q := x.queries.at(id)
			if wanted(q) && (q.selector == nil || x.evaluate(q.selector, c)) {
				yield(id)
			}
		}
	}
	for l := c.link; l != 0; l = x.links.at(l).sibling {
		p := x.links.at(l).place
		try(p)
		try(x.names.at(x.places.at(p).key).any)
	}
	try(x.anywhere)
}

// classesOf yields the classes that the query's selector selects.
func (x *labelIndex) classesOf(id uint32, yield func(class uint32)) {
	q := x.queries.at(id)
	sel := x.parsed(q)
	restrictions := sel.Restrictions()
	if impossible(restrictions) {
		return
	}
	best, fewest := -1, uint32(x.classes.classes.size())
	for i, r := range restrictions {
		if n, known := x.countClasses(r); known && n <= fewest {
			best, fewest = i, n
		}
	}
	exact := q.selector == nil
	try := func(class uint32) {
		if exact || x.evaluate(sel, x.classes.classes.at(class)) {
			yield(class)
		}
	}
	if best < 0 {
		x.eachClass(try)
		return
	}
	x.classesAt(restrictions[best], try)
}

// estimate says how many classes classesOf would look at.
func (x *labelIndex) estimate(q *query) uint32 {
	fewest := uint32(x.classes.classes.size())
	for _, r := range x.parsed(q).Restrictions() {
		if n, known := x.countClasses(r); known {
			fewest = min(fewest, n)
		}
	}
	return fewest
}

// countClasses says how many classes satisfy a restriction, if its label has places.
func (x *labelIndex) countClasses(r selector.Restriction) (n uint32, known bool) {
	key := x.keys[r.Label]
	if key == 0 {
		return 0, false
	}
	if r.AnyOf == nil {
		return x.names.at(key).classes, true
	}
	for _, value := range r.AnyOf {
		if p := x.findPlace(key, value); p != 0 {
			n += x.places.at(p).classes.count
		}
	}
	return n, true
}

// classesAt yields the classes that satisfy a restriction whose label has places.
func (x *labelIndex) classesAt(r selector.Restriction, yield func(class uint32)) {
	key := x.keys[r.Label]
	visit := func(p uint32) {
		for l := x.places.at(p).classes.first; l != 0; l = x.links.at(l).next {
			yield(x.links.at(l).owner)
		}
	}
	if r.AnyOf == nil {
		for p := x.names.at(key).first; p != 0; p = x.places.at(p).next {
			visit(p)
		}
		return
	}
	for _, value := range r.AnyOf {
		if p := x.findPlace(key, value); p != 0 {
			visit(p)
		}
	}
}
