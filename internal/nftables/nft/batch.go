package nft

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Names of sets without a name: the kernel puts a number in.
const (
	setName = "__set%d"
	mapName = "__map%d"
)

// maxAttribute is how long one list of elements may grow: an attribute's length has 16
// bits, and wraps without anybody noticing.
const maxAttribute = 60000

// Attributes and flags that golang.org/x/sys does not name (nf_tables.h).
const (
	nftaSetElemKeyEnd   = 10 // NFTA_SET_ELEM_KEY_END
	setElemIntervalOpen = 1  // nft's SET_ELEM_F_INTERVAL_OPEN, see element
)

// Batch encodes one transaction of the table: everything between NFNL_MSG_BATCH_BEGIN and
// NFNL_MSG_BATCH_END, one sendmsg. Its messages ask for no acknowledgement: the kernel
// reports a failed one by its sequence number all the same. Only rules ask for an echo,
// which tells their handles.
//
// Messages are numbered from the batch's first number on; Position finds the operation
// that a number belongs to.
type Batch struct {
	attributes
	table string
	first uint32
	next  uint32
	// starts holds the first sequence number of each operation.
	starts []uint32
	// message is where the message being written begins.
	message int
	setID   uint32
	rule    encoder
}

// NewBatch starts a batch of operations on a table of family inet. buffer is reused, and
// may be nil; first is the sequence number of its first message.
func NewBatch(table string, first uint32, buffer []byte) *Batch {
	b := &Batch{attributes: attributes{buffer[:0]}, table: table, first: first, next: first}
	b.rule.anonymous = b.anonymousSet
	b.mark(unix.NFNL_MSG_BATCH_BEGIN)
	return b
}

// Close ends the batch and returns its bytes.
func (b *Batch) Close() []byte {
	b.mark(unix.NFNL_MSG_BATCH_END)
	return b.b
}

// Len is the length of the batch so far, in bytes.
func (b *Batch) Len() int { return len(b.b) }

// Next is the sequence number after the batch's last.
func (b *Batch) Next() uint32 { return b.next }

// Position is the index, in the order of Add, of the operation that a sequence number
// belongs to; false for the batch itself and for numbers of others.
func (b *Batch) Position(seq uint32) (int, bool) {
	if len(b.starts) == 0 || seq-b.first >= b.next-b.first || seq-b.first < b.starts[0]-b.first {
		return 0, false
	}
	lo, hi := 0, len(b.starts)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; b.starts[mid]-b.first <= seq-b.first {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo, true
}

// Add encodes one operation.
func (b *Batch) Add(op Op) {
	b.starts = append(b.starts, b.next)
	op.encode(b)
}

const nfgenmsgSize = 4

// open begins a message of nf_tables about family inet.
func (b *Batch) open(typ, flags uint16) {
	b.header(unix.NFNL_SUBSYS_NFTABLES<<8|typ, flags, unix.NFPROTO_INET, 0)
}

// mark writes a message that begins or ends a batch. It names the subsystem as resource.
func (b *Batch) mark(typ uint16) {
	b.header(typ, 0, unix.NFPROTO_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	b.close()
}

// header writes struct nlmsghdr and struct nfgenmsg.
func (b *Batch) header(typ, flags uint16, family byte, resource uint16) {
	b.message = len(b.b)
	b.b = binary.NativeEndian.AppendUint32(b.b, 0)
	b.b = binary.NativeEndian.AppendUint16(b.b, typ)
	b.b = binary.NativeEndian.AppendUint16(b.b, unix.NLM_F_REQUEST|flags)
	b.b = binary.NativeEndian.AppendUint32(b.b, b.next)
	b.b = binary.NativeEndian.AppendUint32(b.b, 0)
	b.b = append(b.b, family, unix.NFNETLINK_V0)
	b.b = binary.BigEndian.AppendUint16(b.b, resource)
	b.next++
}

func (b *Batch) close() {
	binary.NativeEndian.PutUint32(b.b[b.message:], uint32(len(b.b)-b.message))
}

// encodeSet announces a set. id names it for the rest of the batch.
func (b *Batch) encodeSet(name string, key Key, how uint16, flags uint32, size int) uint32 {
	b.setID++
	b.open(unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE|how)
	b.text(unix.NFTA_SET_TABLE, b.table)
	b.text(unix.NFTA_SET_NAME, name)
	b.u32(unix.NFTA_SET_FLAGS, flags)
	b.u32(unix.NFTA_SET_KEY_TYPE, key.id())
	b.u32(unix.NFTA_SET_KEY_LEN, uint32(key.size()))
	if flags&unix.NFT_SET_MAP != 0 {
		b.u32(unix.NFTA_SET_DATA_TYPE, unix.NFT_DATA_VERDICT)
		b.u32(unix.NFTA_SET_DATA_LEN, 0)
	}
	b.u32(unix.NFTA_SET_ID, b.setID)
	if size > 0 {
		desc := b.nest(unix.NFTA_SET_DESC)
		b.u32(unix.NFTA_SET_DESC_SIZE, uint32(size))
		b.end(desc)
	}
	b.bytes(unix.NFTA_SET_USERDATA, keyOrder(key))
	b.close()
	return b.setID
}

// keyOrder is nft's note about the byte order of a set's keys, which it needs to list
// them: libnftnl's NFTNL_UDATA_SET_KEYBYTEORDER, 1 for the host's and 2 for the network's.
func keyOrder(key Key) []byte {
	order := uint32(2)
	if len(key) == 1 && key[0].spec().host {
		order = 1
	}
	return append([]byte{0, 4}, native(order)...)
}

func (b *Batch) anonymousSet(s anonymousSet) uint32 {
	name, flags := setName, uint32(unix.NFT_SET_ANONYMOUS|unix.NFT_SET_CONSTANT)
	if len(s.cases) > 0 {
		name, flags = mapName, flags|unix.NFT_SET_MAP
	}
	elements := s.elements()
	for _, v := range s.values {
		if !v.single() {
			flags |= unix.NFT_SET_INTERVAL
		}
	}
	size := len(elements)
	set := Set{Key: Key{s.typ}, Interval: flags&unix.NFT_SET_INTERVAL != 0, VMap: len(s.cases) > 0}
	if set.Interval {
		elements, size = s.intervals(), 2*len(s.values)
	}
	id := b.encodeSet(name, set.Key, 0, flags, size)
	b.encodeElements(unix.NFT_MSG_NEWSETELEM, name, id, set, elements)
	return id
}

// elements are the set's elements as those of a named hash set or verdict map would be.
func (s anonymousSet) elements() []Element {
	var out []Element
	size := s.typ.spec().size
	for _, v := range s.values {
		key := wire(s.typ, v.from)
		out = append(out, Element(key[:size]))
	}
	for _, c := range s.cases {
		key := wire(s.typ, c.Value.from)
		out = append(out, Element(key[:size]).To(c.Verdict))
	}
	return out
}

// intervals are the set's elements as those of a named interval set would be.
func (s anonymousSet) intervals() []Element {
	size := s.typ.spec().size
	var out []Element
	for _, v := range s.values {
		out = append(out, Element(v.from[:size])+Element(v.to[:size]))
	}
	return out
}

// encodeElements adds or deletes elements, in as many messages as it takes.
func (b *Batch) encodeElements(msg uint16, name string, id uint32, set Set, elements []Element) {
	for len(elements) > 0 {
		flags := uint16(0)
		if msg == unix.NFT_MSG_NEWSETELEM {
			flags = unix.NLM_F_CREATE | unix.NLM_F_EXCL
		}
		b.open(msg, flags)
		b.text(unix.NFTA_SET_ELEM_LIST_TABLE, b.table)
		b.text(unix.NFTA_SET_ELEM_LIST_SET, name)
		if id != 0 {
			b.u32(unix.NFTA_SET_ELEM_LIST_SET_ID, id)
		}
		list := b.nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS)
		n := 0
		for ; n < len(elements) && len(b.b)-list < maxAttribute; n++ {
			b.element(set, elements[n], msg == unix.NFT_MSG_NEWSETELEM)
		}
		b.end(list)
		b.close()
		elements = elements[n:]
	}
}

// element writes one element. An interval is two: its first key, and one marked as end
// with the key after its last. The interval that ends with the last key of all has no
// end; nft marks it so, and lists it wrongly without the mark.
func (b *Batch) element(s Set, e Element, add bool) {
	if !s.Interval {
		key, verdict := s.Split(e)
		b.key(key, func() {
			if s.VMap && add {
				b.verdict(unix.NFTA_SET_ELEM_DATA, verdict)
			}
		})
		return
	}
	n := s.Key.size()
	var last [16]byte
	copy(last[:], e[n:])
	end, ok := successor(last, n)
	b.key(e[:n], func() {
		if !ok && add {
			b.bytes(unix.NFTA_SET_ELEM_USERDATA, append([]byte{1, 4}, native(setElemIntervalOpen)...))
		}
	})
	if ok {
		b.key(Element(end[:n]), func() { b.u32(unix.NFTA_SET_ELEM_FLAGS, unix.NFT_SET_ELEM_INTERVAL_END) })
	}
}

func (b *Batch) key(key Element, more func()) {
	nest := b.nest(unix.NFTA_LIST_ELEM)
	b.dataRaw(unix.NFTA_SET_ELEM_KEY, string(key))
	more()
	b.end(nest)
}
