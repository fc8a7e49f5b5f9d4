package calc

import (
	"hash/maphash"
	"slices"
	"strings"
)

// labels is a packed label map: its shape knows the names, and values holds the values
// in the names' order, each after its length. The zero value has no labels.
type labels struct {
	shape  uint32
	values string
}

// shape is the sorted list of names that many label maps have in common.
type shape struct {
	names []string
	uses  int
}

// labelStore packs label maps. The scratch space is there so that packing one that is
// known already allocates nothing.
type labelStore struct {
	seed    maphash.Seed
	shapes  slab[shape]
	byNames lookup
	names   []string
	packed  []byte
}

// pack returns the shape and the packed values of those labels whose names are wanted;
// they stay valid until the next call. The shape is held for the caller, who must keep or
// release it.
func (s *labelStore) pack(m map[string]string, wanted func(name string) bool) (shape uint32, values []byte) {
	s.names = s.names[:0]
	for name := range m {
		if wanted(name) {
			s.names = append(s.names, name)
		}
	}
	if len(s.names) == 0 {
		return 0, nil
	}
	slices.Sort(s.names)
	s.packed = s.packed[:0]
	for _, name := range s.names {
		s.packed = appendText(s.packed, m[name])
	}
	return s.holdShape(), s.packed
}

// holdShape finds or makes the shape of the names in the scratch space.
func (s *labelStore) holdShape() uint32 {
	hash := s.hashNames(s.names)
	id := s.byNames.find(hash, func(id uint32) bool { return slices.Equal(s.shapes.at(id).names, s.names) })
	if id == 0 {
		names := make([]string, len(s.names))
		for i, name := range s.names {
			names[i] = strings.Clone(name)
		}
		id = s.shapes.alloc()
		s.shapes.at(id).names = names
		s.byNames.insert(hash, id)
	}
	s.shapes.at(id).uses++
	return id
}

func (s *labelStore) releaseShape(id uint32) {
	if id == 0 {
		return
	}
	sh := s.shapes.at(id)
	if sh.uses--; sh.uses == 0 {
		s.byNames.remove(s.hashNames(sh.names), id)
		s.shapes.release(id)
	}
}

func (s *labelStore) hashNames(names []string) uint32 {
	var h uint64
	for _, name := range names {
		h = h*31 + maphash.String(s.seed, name)
	}
	return fold(h)
}

func (s *labelStore) get(l labels, name string) (string, bool) {
	if l.shape == 0 {
		return "", false
	}
	rest := l.values
	for _, n := range s.shapes.at(l.shape).names {
		var value string
		value, rest = cutText(rest)
		if n == name {
			return value, true
		}
	}
	return "", false
}

func (s *labelStore) each(l labels, yield func(name, value string)) {
	if l.shape == 0 {
		return
	}
	rest := l.values
	for _, name := range s.shapes.at(l.shape).names {
		var value string
		value, rest = cutText(rest)
		yield(name, value)
	}
}

// fold makes 32 bits out of 64.
func fold(h uint64) uint32 { return uint32(h>>32) ^ uint32(h) }

// appendText appends a text after its length, seven bits to a byte.
func appendText(b []byte, text string) []byte {
	n := len(text)
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), text...)
}

// cutText takes the first text off what appendText wrote.
func cutText(packed string) (text, rest string) {
	n, i := 0, 0
	for shift := 0; ; shift += 7 {
		c := packed[i]
		i++
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			break
		}
	}
	return packed[i : i+n], packed[i+n:]
}
