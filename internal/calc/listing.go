package calc

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// flush hands over what has become of the sets.
func (t *sets) flush(b *Batch) {
	for _, s := range t.queue {
		s.queued = false
		idle := true
		s.all(func(m *memberSet, wanted bool) {
			idle = idle && !wanted
			t.flushSet(b, s, m, wanted)
		})
		s.ports = slices.DeleteFunc(s.ports, func(p *portSet) bool { return p.uses == 0 })
		if idle {
			t.index.queries.at(s.query).selection = nil
			t.index.releaseQuery(s.query)
			t.count--
		}
	}
	t.queue = nil
	slices.SortFunc(b.Sets, func(x, y SetUpdate) int { return strings.Compare(string(x.Set.ID), string(y.Set.ID)) })
	slices.Sort(b.SetsGone)
}

func (t *sets) flushSet(b *Batch, s *selection, m *memberSet, wanted bool) {
	switch {
	case wanted && !m.sent:
		b.Sets = append(b.Sets, SetUpdate{Set: m.set, New: true, Added: t.members(s, m)})
	case m.sent && !wanted:
		b.SetsGone = append(b.SetsGone, m.set.ID)
		m.pending = nil
	case wanted:
		if added, removed := m.changes(); len(added)+len(removed) > 0 {
			b.Sets = append(b.Sets, SetUpdate{Set: m.set, Added: added, Removed: removed})
		}
	}
	m.sent = wanted
}

// toggled are the selections whose set of nets comes or goes with the next batch while
// rules use the selector.
func (t *sets) toggled() map[*selection]bool {
	var out map[*selection]bool
	for _, s := range t.queue {
		if s.addresses.uses > 0 && s.addresses.sent && s.nets.sent != (s.subnets > 0) {
			if out == nil {
				out = map[*selection]bool{}
			}
			out[s] = true
		}
	}
	return out
}

// members lists a set from scratch.
func (t *sets) members(s *selection, m *memberSet) (out []model.Member) {
	if m != &s.nets {
		out = t.podMembers(s, m)
	}
	if m.set.Kind == model.PortSet {
		return out
	}
	listed := false
	for _, id := range s.netsets {
		t.netsets.at(id).nets.each(func(p netip.Prefix) {
			if family.IsHost(p) == (m == &s.addresses) {
				out = append(out, model.Member{Prefix: p})
				listed = true
			}
		})
	}
	if listed && (len(s.netsets) > 1 || m == &s.addresses) {
		slices.SortFunc(out, compareMembers)
		out = slices.Compact(out)
	}
	return out
}

// podMembers lists what pods bring into a set.
func (t *sets) podMembers(s *selection, m *memberSet) (out []model.Member) {
	var port *portSet
	for _, p := range s.ports {
		if m == &p.memberSet {
			port = p
		}
	}
	t.index.classesOf(s.query, func(class uint32) {
		c := t.classes.classes.at(class)
		t.eachAddress(c, func(a netip.Addr) {
			if port == nil {
				out = append(out, hostMember(a))
			} else {
				port.members(t.classes.portsOf(c), a, func(m model.Member) { out = append(out, m) })
			}
		})
	})
	return out
}

// eachAddress yields the addresses of the class's pods.
func (t *sets) eachAddress(c *class, yield func(netip.Addr)) {
	for pod := c.pods; pod != 0; pod = t.pods.at(pod).next {
		t.addresses.of(pod, func(_ uint32, c *claim) {
			if c.counted {
				yield(c.address.addr())
			}
		})
	}
}

// eachNetset yields the class's network sets.
func (t *sets) eachNetset(class uint32, yield func(id uint32, n *netset)) {
	for id := t.classes.classes.at(class).netsets; id != 0; {
		n := t.netsets.at(id)
		next := n.next
		yield(id, n)
		id = next
	}
}

// relabel follows a change of the labels that classes inherit. All pods are counted
// before any network set: what a network set lists may be the address of any of the pods,
// whose labels have changed already.
func (t *sets) relabel(classes []uint32, change func()) {
	before := make([][]*selection, len(classes))
	for i, class := range classes {
		before[i] = t.matching(class, nil)
		t.index.removeClass(class)
	}
	change()
	var turns []turn
	for i, class := range classes {
		t.index.addClass(class)
		t.new = t.matching(class, t.new[:0])
		t.compare(before[i], t.new, func(s *selection, was, is bool) {
			if was != is {
				turns = append(turns, turn{s, class, is})
			}
		})
	}
	for _, u := range turns {
		t.eachAddress(t.classes.classes.at(u.class), func(a netip.Addr) {
			t.podAddress(u.selection, a, !u.selected, u.selected)
			t.podPorts(u.selection, u.class, a, delta(!u.selected, u.selected))
		})
	}
	for _, u := range turns {
		t.turnNetsets(u)
	}
}

// turn says that a selection has come to select a class, or does so no more.
type turn struct {
	selection *selection
	class     uint32
	selected  bool
}

func (t *sets) turnNetsets(u turn) {
	t.eachNetset(u.class, func(id uint32, n *netset) {
		old, now := n.nets, nets{}
		if u.selected {
			old, now = now, old
		}
		t.relist(u.selection, id, old, now)
		u.selection.enlist(id, u.selected)
	})
}
