package calc

import "hash/maphash"

// labelIndex is where classes and queries meet, so that each finds the other without
// looking at all of them. A place is a label with a value; classes are linked to the
// places of their labels, queries to the places that they cannot match without. Only
// labels that some query depends on have places: most labels of a cluster are never
// asked for.
type labelIndex struct {
	classes *classStore
	keys    map[string]uint32
	names   slab[indexKey]
	places  slab[place]
	byValue lookup
	links   slab[link]
	queries slab[query]
	byText  lookup
	// anywhere is the place of the queries that can match any class.
	anywhere uint32
	// evaluated counts; only Matched and Unmatched are kept.
	evaluated Stats
}

// indexKey is a label that has places.
type indexKey struct {
	name    string
	uses    int    // queries that depend on the label
	any     uint32 // the place of queries that want the label with whatever value
	first   uint32 // of the places with a value
	classes uint32 // how many classes have the label
}

// place is a label (an indexKey) with one value.
type place struct {
	key        uint32
	value      string
	next, prev uint32 // of the same key
	classes    linkList
	queries    linkList
}

type linkList struct{ first, count uint32 }

// link puts an owner, which is a class or a query, in a place.
type link struct {
	owner, place uint32
	next, prev   uint32 // in the place
	sibling      uint32 // of the same owner
}

func newLabelIndex(classes *classStore) *labelIndex {
	x := &labelIndex{classes: classes, keys: map[string]uint32{}}
	x.anywhere = x.places.alloc()
	return x
}

// addClass links a class to the places of its labels.
func (x *labelIndex) addClass(id uint32) {
	if len(x.keys) == 0 {
		return
	}
	c := x.classes.classes.at(id)
	x.classes.of(c).each(func(name, value string) {
		if key := x.keys[name]; key != 0 {
			x.linkClass(id, c, key, value)
		}
	})
}

func (x *labelIndex) linkClass(id uint32, c *class, key uint32, value string) {
	p := x.holdPlace(key, value)
	c.link = x.addLink(&x.places.at(p).classes, id, p, c.link)
	x.names.at(key).classes++
}

// removeClass takes a class out of all its places.
func (x *labelIndex) removeClass(id uint32) {
	c := x.classes.classes.at(id)
	for l := c.link; l != 0; {
		next := x.links.at(l).sibling
		x.unlinkClass(l)
		l = next
	}
	c.link = 0
}

func (x *labelIndex) unlinkClass(l uint32) {
	p := x.links.at(l).place
	x.names.at(x.places.at(p).key).classes--
	x.removeLink(&x.places.at(p).classes, l)
	x.dropPlace(p)
}

// holdKey makes the label one that has places, if it is not yet, which takes a look at
// every class.
func (x *labelIndex) holdKey(name string) uint32 {
	key := x.keys[name]
	if key == 0 {
		key = x.names.alloc()
		x.keys[name] = key
		p := x.places.alloc()
		x.places.at(p).key = key
		*x.names.at(key) = indexKey{name: name, any: p}
		x.eachClass(func(id uint32) {
			c := x.classes.classes.at(id)
			if value, ok := x.classes.of(c).Get(name); ok {
				x.linkClass(id, c, key, value)
			}
		})
	}
	x.names.at(key).uses++
	return key
}

// releaseKey takes the label's places away with the last query that depends on it.
func (x *labelIndex) releaseKey(name string) {
	key := x.keys[name]
	k := x.names.at(key)
	if k.uses--; k.uses > 0 {
		return
	}
	for p := k.first; p != 0; {
		next := x.places.at(p).next
		for l := x.places.at(p).classes.first; l != 0; {
			after := x.links.at(l).next
			x.disown(x.links.at(l).owner, l)
			x.links.release(l)
			l = after
		}
		x.byValue.remove(x.hashPlace(key, x.places.at(p).value), p)
		x.places.release(p)
		p = next
	}
	x.places.release(k.any)
	x.names.release(key)
	delete(x.keys, name)
}

// disown takes a link out of its class's chain.
func (x *labelIndex) disown(class, l uint32) {
	at := &x.classes.classes.at(class).link
	for *at != l {
		at = &x.links.at(*at).sibling
	}
	*at = x.links.at(l).sibling
}

// eachClass yields every class there is.
func (x *labelIndex) eachClass(yield func(id uint32)) {
	all := &x.classes.classes
	for id := uint32(1); id <= all.last; id++ {
		if all.at(id).members > 0 {
			yield(id)
		}
	}
}

func (x *labelIndex) findPlace(key uint32, value string) uint32 {
	return x.byValue.find(x.hashPlace(key, value), func(id uint32) bool {
		p := x.places.at(id)
		return p.key == key && p.value == value
	})
}

// holdPlace finds or makes the place. Its value is a copy of its own: what it is made
// from may be a part of a class's labels, and would keep them all.
func (x *labelIndex) holdPlace(key uint32, value string) uint32 {
	if p := x.findPlace(key, value); p != 0 {
		return p
	}
	id := x.places.alloc()
	k := x.names.at(key)
	*x.places.at(id) = place{key: key, value: string([]byte(value)), next: k.first}
	if k.first != 0 {
		x.places.at(k.first).prev = id
	}
	k.first = id
	x.byValue.insert(x.hashPlace(key, value), id)
	return id
}

// dropPlace removes the place if nothing is there any more.
func (x *labelIndex) dropPlace(id uint32) {
	p := x.places.at(id)
	if p.classes.count+p.queries.count > 0 || id == x.anywhere || id == x.names.at(p.key).any {
		return
	}
	if p.next != 0 {
		x.places.at(p.next).prev = p.prev
	}
	if p.prev != 0 {
		x.places.at(p.prev).next = p.next
	} else {
		x.names.at(p.key).first = p.next
	}
	x.byValue.remove(x.hashPlace(p.key, p.value), id)
	x.places.release(id)
}

func (x *labelIndex) hashPlace(key uint32, value string) uint32 {
	return fold(maphash.String(x.classes.seed, value)) + key*0x9e3779b1
}

// addLink puts an owner on a list and returns the link, the first of the owner's chain.
func (x *labelIndex) addLink(list *linkList, owner, place, sibling uint32) uint32 {
	id := x.links.alloc()
	*x.links.at(id) = link{owner: owner, place: place, next: list.first, sibling: sibling}
	if list.first != 0 {
		x.links.at(list.first).prev = id
	}
	list.first = id
	list.count++
	return id
}

func (x *labelIndex) removeLink(list *linkList, id uint32) {
	l := x.links.at(id)
	if l.next != 0 {
		x.links.at(l.next).prev = l.prev
	}
	if l.prev != 0 {
		x.links.at(l.prev).next = l.next
	} else {
		list.first = l.next
	}
	list.count--
	x.links.release(id)
}
