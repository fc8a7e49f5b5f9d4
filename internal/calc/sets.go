package calc

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// sets keeps the members of all sets in use up to date. Between two batches it follows
// every change of a pod, an address or a network set at once, and only as far as sets are
// concerned that the dataplane has; a set that it does not have yet is listed from scratch
// when it is handed over.
type sets struct {
	classes   *classStore
	index     *labelIndex
	pods      *podTable
	addresses *addresses
	netsets   *slab[netset]
	count     int // of selections
	queue     []*selection
	tick      uint32
	old, new  []*selection // scratch
}

// setUse is a use that a rule makes of a selector. Without a port's name it is of the
// addresses.
type setUse struct {
	selector string
	port     string
	protocol model.Protocol
}

// setRef is a use that has been entered.
type setRef struct {
	selection *selection
	port      *portSet // nil for the addresses
}

// ids are the sets that the use stands for, to be used as any of them.
func (r setRef) ids() []model.SetID {
	if r.port != nil {
		return []model.SetID{r.port.set.ID}
	}
	if r.selection.subnets > 0 {
		return []model.SetID{r.selection.addresses.set.ID, r.selection.nets.set.ID}
	}
	return []model.SetID{r.selection.addresses.set.ID}
}

// use enters a use of a selector, whose sets are there from the next batch on.
func (t *sets) use(u setUse) (setRef, error) {
	id, err := t.index.holdQuery(u.selector)
	if err != nil {
		return setRef{}, err
	}
	q := t.index.queries.at(id)
	if q.selection == nil {
		q.selection = t.start(id)
	} else {
		t.index.releaseQuery(id) // the selection holds it
	}
	ref := setRef{selection: q.selection}
	if u.port == "" {
		ref.selection.addresses.uses++
	} else {
		ref.port = ref.selection.port(u.port, u.protocol)
		ref.port.uses++
	}
	t.enqueue(ref.selection)
	return ref, nil
}

// start makes the selection of a query and finds the network sets that it selects.
func (t *sets) start(query uint32) *selection {
	s := newSelection(query, t.index.queries.at(query).text)
	t.count++
	t.index.classesOf(query, func(class uint32) {
		t.eachNetset(class, func(id uint32, n *netset) {
			s.netsets = append(s.netsets, id)
			s.subnets += n.nets.subnets()
		})
	})
	return s
}

// release takes a use back.
func (t *sets) release(r setRef) {
	if r.port != nil {
		r.port.uses--
	} else {
		r.selection.addresses.uses--
	}
	t.enqueue(r.selection)
}

func (t *sets) enqueue(s *selection) {
	if !s.queued {
		s.queued = true
		t.queue = append(t.queue, s)
	}
}

// matching appends the selections that select the class.
func (t *sets) matching(class uint32, to []*selection) []*selection {
	if class == 0 || t.count == 0 {
		return to
	}
	t.index.queriesOf(class, selecting, func(id uint32) { to = append(to, t.index.queries.at(id).selection) })
	return to
}

func selecting(q *query) bool { return q.selection != nil }

// compare yields the selections in either list, and whether each is in the one and the
// other.
func (t *sets) compare(old, new []*selection, yield func(s *selection, before, after bool)) {
	t.tick++
	for _, s := range new {
		s.mark = t.tick
	}
	for _, s := range old {
		if s.mark == t.tick {
			s.mark = 0
			yield(s, true, true)
		} else {
			yield(s, true, false)
		}
	}
	for _, s := range new {
		if s.mark == t.tick {
			yield(s, false, true)
		}
	}
}

// move follows a pod from one class to another; 0 is none.
func (t *sets) move(pod, from, to uint32) {
	if t.count == 0 || from == 0 {
		return // without a class before, it has no address yet
	}
	t.old, t.new = t.matching(from, t.old[:0]), t.matching(to, t.new[:0])
	t.addresses.of(pod, func(_ uint32, c *claim) {
		if !c.counted {
			return
		}
		a := c.address.addr()
		t.compare(t.old, t.new, func(s *selection, before, after bool) {
			if before != after {
				t.podAddress(s, a, before, after)
			}
			if before {
				t.podPorts(s, from, a, -1)
			}
			if after {
				t.podPorts(s, to, a, +1)
			}
		})
	})
}

// lost follows an address away from a pod.
func (t *sets) lost(pod uint32, a netip.Addr) { t.pass(pod, a, true, false) }

// gained follows an address to a pod.
func (t *sets) gained(pod uint32, a netip.Addr) { t.pass(pod, a, false, true) }

func (t *sets) pass(pod uint32, a netip.Addr, before, after bool) {
	if t.count == 0 {
		return
	}
	class := t.pods.at(pod).class
	t.old = t.matching(class, t.old[:0])
	for _, s := range t.old {
		t.podAddress(s, a, before, after)
		t.podPorts(s, class, a, delta(before, after))
	}
}

func delta(before, after bool) int {
	switch {
	case before && !after:
		return -1
	case after && !before:
		return 1
	}
	return 0
}

// podAddress counts a pod in or out as an owner of its address.
func (t *sets) podAddress(s *selection, a netip.Addr, before, after bool) {
	if !s.addresses.sent {
		return
	}
	m := hostMember(a)
	s.addresses.touch(m, delta(before, after), func() int {
		n := t.listing(s, m.Prefix, 0)
		if before {
			n++
		}
		return n
	})
	t.enqueue(s)
}

// podPorts counts the ports of a pod of the class in or out. A port with an address has
// one owner at most.
func (t *sets) podPorts(s *selection, class uint32, a netip.Addr, by int) {
	for _, p := range s.ports {
		if !p.sent {
			continue
		}
		p.members(t.classes.portsOf(t.classes.classes.at(class)), a, func(m model.Member) {
			p.touch(m, by, func() int { return (1 - by) / 2 })
			t.enqueue(s)
		})
	}
}

// listing is how many of the selection's network sets, one excepted, list the prefix.
func (t *sets) listing(s *selection, p netip.Prefix, except uint32) (n int) {
	for _, id := range s.netsets {
		if id != except && t.netsets.at(id).nets.contains(p) {
			n++
		}
	}
	return n
}

// moveNetset follows a network set from its class to another, and to other content.
func (t *sets) moveNetset(id, to uint32, content nets) {
	if t.count == 0 {
		return
	}
	n := t.netsets.at(id)
	t.old, t.new = t.matching(n.class, t.old[:0]), t.matching(to, t.new[:0])
	t.compare(t.old, t.new, func(s *selection, before, after bool) {
		old, now := n.nets, content
		if !before {
			old = nets{}
		}
		if !after {
			now = nets{}
		}
		t.relist(s, id, old, now)
		if before != after {
			s.enlist(id, after)
		}
	})
}

// enlist notes that a network set is selected, or is no more.
func (s *selection) enlist(id uint32, selected bool) {
	if selected {
		s.netsets = append(s.netsets, id)
		return
	}
	i := slices.Index(s.netsets, id)
	s.netsets = slices.Delete(s.netsets, i, i+1)
}

// relist counts a network set in and out as an owner of what it lists.
func (t *sets) relist(s *selection, id uint32, old, now nets) {
	old.without(now, func(p netip.Prefix) { t.netsetEntry(s, id, p, -1) })
	now.without(old, func(p netip.Prefix) { t.netsetEntry(s, id, p, +1) })
	s.subnets += now.subnets() - old.subnets()
	t.enqueue(s)
}

func (t *sets) netsetEntry(s *selection, id uint32, p netip.Prefix, by int) {
	target := &s.nets
	if family.IsHost(p) {
		target = &s.addresses
	}
	if !target.sent {
		return
	}
	target.touch(model.Member{Prefix: p}, by, func() int {
		n := t.listing(s, p, id) + (1-by)/2
		if family.IsHost(p) && t.hasPodAt(s, p.Addr()) {
			n++
		}
		return n
	})
}

// hasPodAt says whether the pod that has the address is selected.
func (t *sets) hasPodAt(s *selection, a netip.Addr) bool {
	pod := t.addresses.holder(addressOf(a))
	return pod != 0 && t.index.matches(t.index.queries.at(s.query), t.classes.classes.at(t.pods.at(pod).class))
}
