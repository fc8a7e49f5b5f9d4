package calc

import (
	"crypto/sha256"
	"encoding/base32"
	"net/netip"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// selection is what the rules of active policies make of one selector: up to two sets of
// addresses, and one set for each named port that is asked for with it.
//
// Members are not stored. A member is in a set because of its owners: the pod that has
// the address, of which there is one at most, and network sets that list it. Who owns a
// member is found from the classes and the network sets; only while a batch is being
// gathered, the members that change are remembered with the number of their owners.
type selection struct {
	query     uint32
	addresses memberSet
	nets      memberSet
	ports     []*portSet
	// netsets are the network sets that the selector selects; subnets is how many
	// prefixes they list that hold more than one address.
	netsets []uint32
	subnets int
	queued  bool
	mark    uint32
}

// memberSet is a set that is in use, or that was when the last batch was made.
type memberSet struct {
	set     model.Set
	uses    int // rules of active policies that refer to it
	sent    bool
	pending map[model.Member]ownership
}

// ownership counts the owners of a member that changes.
type ownership struct {
	before bool // whether it had any when the last batch was made
	owners int
}

// portSet holds the ports of one name, of the pods that a selection selects.
type portSet struct {
	memberSet
	name     string
	protocol model.Protocol // AnyProtocol for all
}

// setID names a set by its kind and by what it stands for. The result has 21 characters.
func setID(kind model.SetKind, what ...string) model.SetID {
	sum := sha256.Sum256([]byte(strings.Join(what, "\n")))
	return model.SetID("anp"[kind:kind+1] + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:20]))
}

func newSelection(query uint32, text string) *selection {
	return &selection{
		query:     query,
		addresses: memberSet{set: model.Set{ID: setID(model.AddressSet, text), Kind: model.AddressSet, Origin: text}},
		nets:      memberSet{set: model.Set{ID: setID(model.NetSet, text), Kind: model.NetSet, Origin: text}},
	}
}

// port finds or makes the set of a named port.
func (s *selection) port(name string, protocol model.Protocol) *portSet {
	for _, p := range s.ports {
		if p.name == name && p.protocol == protocol {
			return p
		}
	}
	text := s.addresses.set.Origin
	what := protocol.String() + " port " + name
	p := &portSet{name: name, protocol: protocol}
	p.set = model.Set{ID: setID(model.PortSet, text, what), Kind: model.PortSet, Origin: what + " of " + text}
	s.ports = append(s.ports, p)
	return p
}

// all yields the selection's sets and whether each is wanted.
func (s *selection) all(yield func(m *memberSet, wanted bool)) {
	yield(&s.addresses, s.addresses.uses > 0)
	yield(&s.nets, s.addresses.uses > 0 && s.subnets > 0)
	for _, p := range s.ports {
		yield(&p.memberSet, p.uses > 0)
	}
}

// touch counts an owner of a member in or out. Owners is asked for how many there were,
// if the member has not been touched since the last batch.
func (m *memberSet) touch(member model.Member, by int, owners func() int) {
	o, known := m.pending[member]
	if !known {
		o.owners = owners()
		o.before = o.owners > 0
		if m.pending == nil {
			m.pending = map[model.Member]ownership{}
		}
	}
	o.owners += by
	m.pending[member] = o
}

// changes are the pending members that come and go, sorted. They are pending no more.
func (m *memberSet) changes() (added, removed []model.Member) {
	for member, o := range m.pending {
		switch {
		case o.owners > 0 && !o.before:
			added = append(added, member)
		case o.owners == 0 && o.before:
			removed = append(removed, member)
		}
	}
	m.pending = nil
	slices.SortFunc(added, compareMembers)
	slices.SortFunc(removed, compareMembers)
	return added, removed
}

func compareMembers(a, b model.Member) int {
	if c := comparePrefixes(a.Prefix, b.Prefix); c != 0 {
		return c
	}
	if a.Protocol != b.Protocol {
		return int(a.Protocol) - int(b.Protocol)
	}
	return int(a.Port) - int(b.Port)
}

func hostMember(a netip.Addr) model.Member { return model.Member{Prefix: family.HostPrefix(a)} }

// members yields what a pod of the class with this address contributes to the port set.
func (p *portSet) members(ports []model.NamedPort, a netip.Addr, yield func(model.Member)) {
	for _, n := range ports {
		if n.Name == p.name && (p.protocol == model.AnyProtocol || n.Protocol == p.protocol) {
			yield(model.Member{Prefix: family.HostPrefix(a), Protocol: n.Protocol, Port: n.Port})
		}
	}
}
