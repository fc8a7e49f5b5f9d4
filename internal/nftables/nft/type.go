package nft

import "strings"

// Type is the data type of a field, and of what a set holds.
type Type uint8

// The types that fields and sets have, under nft's names for them.
const (
	TypeIfName     Type = iota + 1 // ifname: 16 bytes, zero padded
	TypeIPv4Addr                   // ipv4_addr
	TypeIPv6Addr                   // ipv6_addr
	TypeProto                      // inet_proto: 6, 17, 58, …
	TypeService                    // inet_service: a port
	TypeNFProto                    // nf_proto: 2 is IPv4, 10 is IPv6
	TypeMark                       // mark: 32 bits
	TypeICMPType                   // icmp_type
	TypeICMPv6Type                 // icmpv6_type
	TypeICMPCode                   // icmp_code
	TypeICMPv6Code                 // icmpv6_code
	TypeCTState                    // ct_state
	TypeCTStatus                   // ct_status
	TypeInteger                    // integer of one byte: a hop limit
	TypeVNI                        // integer of three bytes: a VXLAN network; no set holds it
)

// typeSpec says how nft and the kernel know a type.
type typeSpec struct {
	name string
	// id is nft's own number for the type (nftables' datatype.h). The kernel stores it with
	// a set and does not look at it; nft needs it to list the set.
	id uint32
	// size is the width in bytes.
	size int
	// host is true for numbers that the kernel loads in its own byte order.
	host bool
}

func (t Type) spec() typeSpec {
	switch t {
	case TypeIfName:
		return typeSpec{"ifname", 41, 16, true}
	case TypeIPv4Addr:
		return typeSpec{"ipv4_addr", 7, 4, false}
	case TypeIPv6Addr:
		return typeSpec{"ipv6_addr", 8, 16, false}
	case TypeProto:
		return typeSpec{"inet_proto", 12, 1, false}
	case TypeService:
		return typeSpec{"inet_service", 13, 2, false}
	case TypeNFProto:
		return typeSpec{"nf_proto", 2, 1, true}
	case TypeMark:
		return typeSpec{"mark", 19, 4, true}
	case TypeICMPType:
		return typeSpec{"icmp_type", 14, 1, false}
	case TypeICMPv6Type:
		return typeSpec{"icmpv6_type", 29, 1, false}
	case TypeICMPCode:
		return typeSpec{"icmp_code", 32, 1, false}
	case TypeICMPv6Code:
		return typeSpec{"icmpv6_code", 33, 1, false}
	case TypeCTState:
		return typeSpec{"ct_state", 26, 4, true}
	case TypeCTStatus:
		return typeSpec{"ct_status", 28, 4, true}
	case TypeInteger:
		return typeSpec{"integer", 4, 1, false}
	case TypeVNI:
		return typeSpec{"integer", 4, 3, false}
	}
	return typeSpec{name: "invalid"}
}

// String is nft's name for the type.
func (t Type) String() string { return t.spec().name }

// padded is the room that a value of the type takes in a concatenation: whole 32-bit
// registers (nf_tables.h, NFT_REG32_SIZE).
func (t Type) padded() int { return (t.spec().size + 3) &^ 3 }

// Key is the type of a set's key: one type, or a concatenation of several.
type Key []Type

// KeyOf makes a key type. nft packs at most five types into one concatenation.
func KeyOf(types ...Type) Key { return types }

// String is nft's notation: "ifname . ipv4_addr".
func (k Key) String() string {
	names := make([]string, len(k))
	for i, t := range k {
		names[i] = t.String()
	}
	return strings.Join(names, " . ")
}

// Equal says whether two key types are the same.
func (k Key) Equal(o Key) bool {
	if len(k) != len(o) {
		return false
	}
	for i := range k {
		if k[i] != o[i] {
			return false
		}
	}
	return true
}

// size is the width of a whole key in bytes. Only concatenations are padded.
func (k Key) size() int {
	if len(k) == 1 {
		return k[0].spec().size
	}
	n := 0
	for _, t := range k {
		n += t.padded()
	}
	return n
}

// concatBits is how far nft shifts one type of a concatenation before it adds the next
// (nftables' datatype.h, TYPE_BITS).
const concatBits = 6

// id is nft's number for the key type.
func (k Key) id() uint32 {
	var id uint32
	for _, t := range k {
		id = id<<concatBits | t.spec().id
	}
	return id
}

// keyFromID is the reverse of id; ok is false for a type that this package does not know.
func keyFromID(id uint32) (key Key, ok bool) {
	for ; id != 0; id >>= concatBits {
		t, known := typeFromID(id & (1<<concatBits - 1))
		if !known {
			return nil, false
		}
		key = append(Key{t}, key...)
	}
	return key, len(key) > 0
}

func typeFromID(id uint32) (Type, bool) {
	for t := TypeIfName; t <= TypeInteger; t++ {
		if t.spec().id == id {
			return t, true
		}
	}
	return 0, false
}
