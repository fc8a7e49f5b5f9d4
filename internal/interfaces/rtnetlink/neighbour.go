package rtnetlink

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Neighbour is an entry of a link's ARP or neighbour discovery table.
type Neighbour struct {
	Link    int
	Address netip.Addr
	MAC     model.MAC // zero for none
	// Permanent: the kernel neither probes it nor forgets it.
	Permanent bool
	// Odd: an entry without an address resolution behind it, such as those that the kernel
	// makes for multicast, or one that answers for others. Never one of ours.
	Odd bool
}

// Forwarding is an entry of a VXLAN device's forwarding table: where frames to a MAC go. The
// kernel has at most one for each MAC that is neither zero nor of a group.
type Forwarding struct {
	Link   int
	MAC    model.MAC
	Remote netip.Addr
	// Permanent: the kernel does not age it, and keeps it while the device is down.
	Permanent bool
	// Odd: the entry has a port, a network or a link of its own. Never one of ours.
	Odd bool
}

// ReplaceNeighbour adds a request for a permanent entry, in the place of the one that the
// address has, if any.
func (b *Batch) ReplaceNeighbour(n Neighbour) {
	b.neighbour(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, AddressFamily(family.Of(n.Address)), 0, n.Link, n.Address, n.MAC)
}

// DeleteNeighbour adds a request to remove an entry; ENOENT if there is none.
func (b *Batch) DeleteNeighbour(n Neighbour) {
	b.neighbour(unix.RTM_DELNEIGH, 0, AddressFamily(family.Of(n.Address)), 0, n.Link, n.Address, model.MAC{})
}

// ReplaceForwarding adds a request for a permanent entry, in the place of the one that the
// MAC has, if any.
func (b *Batch) ReplaceForwarding(e Forwarding) {
	b.neighbour(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, unix.AF_BRIDGE, unix.NTF_SELF, e.Link, e.Remote, e.MAC)
}

// DeleteForwarding adds a request to remove a MAC's entry, wherever it leads; ENOENT if there
// is none.
func (b *Batch) DeleteForwarding(e Forwarding) {
	b.neighbour(unix.RTM_DELNEIGH, 0, unix.AF_BRIDGE, unix.NTF_SELF, e.Link, netip.Addr{}, e.MAC)
}

// neighbour writes struct ndmsg and its attributes.
func (b *Batch) neighbour(kind, flags uint16, af, entryFlags uint8, link int, a netip.Addr, mac model.MAC) {
	b.begin(kind, flags)
	b.body(af, 0, 0, 0)
	b.u32(uint32(link))
	b.buf = binary.NativeEndian.AppendUint16(b.buf, unix.NUD_PERMANENT)
	b.body(entryFlags, 0)
	if a.IsValid() {
		b.attrAddr(unix.NDA_DST, a)
	}
	if mac != (model.MAC{}) || af == unix.AF_BRIDGE {
		b.attr(unix.NDA_LLADDR, mac[:])
	}
	b.end()
}

// Neighbours lists the entries of one link, of both families, and its forwarding entries if
// it is a VXLAN device.
func (s *Socket) Neighbours(link int) ([]Neighbour, []Forwarding, error) {
	var neighbours []Neighbour
	var entries []Forwarding
	for _, af := range []uint8{unix.AF_INET, unix.AF_INET6, unix.AF_BRIDGE} {
		var b Batch
		b.begin(unix.RTM_GETNEIGH, unix.NLM_F_DUMP)
		b.body(af, 0, 0, 0)
		b.u32(0)
		b.body(0, 0, 0, 0)
		b.attrU32(unix.NDA_IFINDEX, uint32(link))
		b.end()
		done, doneEntries := len(neighbours), len(entries)
		err := s.dump(&b,
			func() { neighbours, entries = neighbours[:done], entries[:doneEntries] },
			func(e Event) {
				if e.Neighbour != nil {
					neighbours = append(neighbours, *e.Neighbour)
				} else if e.Forwarding != nil {
					entries = append(entries, *e.Forwarding)
				}
			})
		if err != nil {
			return nil, nil, wrap("list neighbours", err)
		}
	}
	return neighbours, entries, nil
}

// decodeNeighbour reads struct ndmsg into e; false for what is neither kind of entry.
func decodeNeighbour(b []byte, e *Event) bool {
	if len(b) < unix.SizeofNdMsg {
		return false
	}
	link, state, flags := int(u32(b[4:])), binary.NativeEndian.Uint16(b[8:]), b[10]
	var a netip.Addr
	var mac model.MAC
	var kinds []uint16
	attributes(b[unix.SizeofNdMsg:], func(kind uint16, v []byte) {
		switch {
		case kind == unix.NDA_DST:
			a = address(v)
		case kind == unix.NDA_LLADDR && len(v) == len(mac):
			mac = model.MAC(v)
		}
		kinds = append(kinds, kind)
	})
	permanent := state&unix.NUD_PERMANENT != 0
	switch {
	case isInternet(b[0]) && a.IsValid():
		odd := state&unix.NUD_NOARP != 0 || flags&unix.NTF_PROXY != 0
		e.Neighbour = &Neighbour{Link: link, Address: a, MAC: mac, Permanent: permanent, Odd: odd}
		return true
	case b[0] == unix.AF_BRIDGE && flags&unix.NTF_SELF != 0:
		odd := slices.ContainsFunc([]uint16{unix.NDA_PORT, unix.NDA_VNI, unix.NDA_IFINDEX, unix.NDA_SRC_VNI},
			func(kind uint16) bool { return slices.Contains(kinds, kind) })
		e.Forwarding = &Forwarding{Link: link, MAC: mac, Remote: a, Permanent: permanent, Odd: odd}
		return true
	}
	return false
}
