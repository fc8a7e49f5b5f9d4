package calc

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/model"
)

// class is what all endpoints and network sets with equal labels have in common, so that
// a selector is asked once for all of them.
type class struct {
	labels  labels
	space   uint32
	account uint32
	ports   uint32

	members uint32 // how many pods and network sets are in it
	pods    uint32 // the first of its pods
	netsets uint32 // the first of its network sets
	shown   uint32 // how many of its pods are endpoints of this node

	link       uint32 // the first of its links to places of the label index
	next, prev uint32 // of the same namespace
}

// portList is a list of named ports, sorted and without repeats.
type portList struct {
	ports  []model.NamedPort
	packed string
	uses   int
}

// classStore finds the class of an endpoint or a network set, and makes it if there is
// none.
type classStore struct {
	*labelStore
	*heritage
	classes slab[class]
	byWhole lookup
	ports   slab[portList]
	byPorts map[string]uint32
	// index is told of classes that come and go.
	index *labelIndex
	view  classLabels
}

func newClassStore() *classStore {
	s := &classStore{labelStore: &labelStore{seed: maphash.MakeSeed()}, byPorts: map[string]uint32{}}
	s.heritage = &heritage{labels: s.labelStore}
	s.view.store = s
	s.index = newLabelIndex(s)
	return s
}

// join returns the class of a member with these labels, which it becomes.
func (s *classStore) join(own map[string]string, space uint32, account string, ports []model.NamedPort) uint32 {
	wanted := anyName
	if space != 0 {
		wanted = notInherited
	}
	shape, values := s.pack(own, wanted)
	whole := class{space: space, ports: s.holdPorts(ports), account: s.holdAccount(space, account)}
	hash := s.hashOf(shape, values, &whole)
	id := s.byWhole.find(hash, func(id uint32) bool {
		c := s.classes.at(id)
		return c.labels.shape == shape && c.labels.values == string(values) &&
			c.space == space && c.account == whole.account && c.ports == whole.ports
	})
	if id != 0 {
		s.releaseShape(shape)
		s.releasePorts(whole.ports)
		s.releaseAccount(whole.account)
	} else {
		whole.labels = labels{shape, string(values)}
		id = s.classes.alloc()
		*s.classes.at(id) = whole
		s.byWhole.insert(hash, id)
		s.enterSpace(id)
		s.index.addClass(id)
	}
	s.classes.at(id).members++
	return id
}

// leave takes one member out of the class, and the class away with the last one.
func (s *classStore) leave(id uint32) {
	c := s.classes.at(id)
	if c.members--; c.members > 0 {
		return
	}
	s.index.removeClass(id)
	s.byWhole.remove(s.hashOf(c.labels.shape, []byte(c.labels.values), c), id)
	s.leaveSpace(id)
	s.releaseShape(c.labels.shape)
	s.releasePorts(c.ports)
	s.releaseAccount(c.account)
	s.classes.release(id)
}

func (s *classStore) hashOf(shape uint32, values []byte, c *class) uint32 {
	return fold(maphash.Bytes(s.seed, values)) + shape*0x9e3779b1 + c.space*0x85ebca6b + c.account*0xc2b2ae35 + c.ports*0x27d4eb2f
}

func (s *classStore) enterSpace(id uint32) {
	c := s.classes.at(id)
	if c.space == 0 {
		return
	}
	sp := s.spaces.at(c.space)
	sp.uses++
	c.next = sp.classes
	if c.next != 0 {
		s.classes.at(c.next).prev = id
	}
	sp.classes = id
}

func (s *classStore) leaveSpace(id uint32) {
	c := s.classes.at(id)
	if c.space == 0 {
		return
	}
	if c.next != 0 {
		s.classes.at(c.next).prev = c.prev
	}
	if c.prev != 0 {
		s.classes.at(c.prev).next = c.next
	} else {
		s.spaces.at(c.space).classes = c.next
	}
	s.releaseSpace(c.space)
}

func (s *classStore) holdPorts(ports []model.NamedPort) uint32 {
	if len(ports) == 0 {
		return 0
	}
	ports = slices.Clone(ports)
	slices.SortFunc(ports, comparePorts)
	ports = slices.Compact(ports)
	var packed []byte
	for _, p := range ports {
		packed = append(appendText(packed, p.Name), byte(p.Protocol), byte(p.Port>>8), byte(p.Port))
	}
	id, known := s.byPorts[string(packed)]
	if !known {
		id = s.ports.alloc()
		*s.ports.at(id) = portList{ports: ports, packed: string(packed)}
		s.byPorts[string(packed)] = id
	}
	s.ports.at(id).uses++
	return id
}

func (s *classStore) releasePorts(id uint32) {
	if id == 0 {
		return
	}
	if l := s.ports.at(id); l.uses > 1 {
		l.uses--
	} else {
		delete(s.byPorts, l.packed)
		s.ports.release(id)
	}
}

func comparePorts(a, b model.NamedPort) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	if a.Protocol != b.Protocol {
		return int(a.Protocol) - int(b.Protocol)
	}
	return int(a.Port) - int(b.Port)
}

// portsOf are the named ports of the class's pods.
func (s *classStore) portsOf(c *class) []model.NamedPort {
	if c.ports == 0 {
		return nil
	}
	return s.ports.at(c.ports).ports
}

// of are the labels of a class as selectors see them, valid until the next call.
func (s *classStore) of(c *class) *classLabels {
	s.view.class = c
	return &s.view
}

// classLabels are a class's own labels, its namespace's and its service account's. The
// three have no names in common: see notInherited.
type classLabels struct {
	store *classStore
	class *class
}

// Get is for selectors.
func (l *classLabels) Get(name string) (string, bool) {
	for _, part := range l.parts() {
		if value, ok := l.store.get(part, name); ok {
			return value, true
		}
	}
	return "", false
}

// each yields the labels that Get would find.
func (l *classLabels) each(yield func(name, value string)) {
	for _, part := range l.parts() {
		l.store.labelStore.each(part, yield)
	}
}

func (l *classLabels) parts() [3]labels {
	parts := [3]labels{l.class.labels}
	if l.class.space != 0 {
		parts[1] = l.store.spaces.at(l.class.space).labels
		if l.class.account != 0 {
			parts[2] = l.store.accounts.at(l.class.account).labels
		}
	}
	return parts
}
