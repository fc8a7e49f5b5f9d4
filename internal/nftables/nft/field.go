package nft

import (
	"github.com/margay-net/margay/internal/family"
	"golang.org/x/sys/unix"
)

// Field is something of a packet, or of its connection, that a rule can look at.
type Field uint16

// Fields that are the same for both families. SPort and DPort are "th sport" and "th
// dport": they read the transport header of whatever protocol the packet has, so a rule
// must look at L4Proto first (Rule.Err insists).
const (
	NFProto  Field = iota + 1 // meta nfproto: the packet's family
	L4Proto                   // meta l4proto: the transport protocol, behind any extension headers
	IIfName                   // iifname
	OIfName                   // oifname
	Mark                      // meta mark
	CTState                   // ct state
	CTStatus                  // ct status
	SPort                     // th sport
	DPort                     // th dport
	VNI                       // @th,96,24: the network of a VXLAN packet, behind its UDP header

	saddr
	daddr
	hopLimit
	icmpType
	icmpCode
	ctSAddr
	ctDAddr
)

// familyShift is where a field keeps its family, if it has one.
const familyShift = 8

func (f Field) of(fam family.Family) Field { return f | Field(fam)<<familyShift }

// Family is the family whose packets have the field, or 0 for both.
func (f Field) Family() family.Family { return family.Family(f >> familyShift) }

// SAddr is the source address: ip saddr, ip6 saddr.
func SAddr(f family.Family) Field { return saddr.of(f) }

// DAddr is the destination address: ip daddr, ip6 daddr.
func DAddr(f family.Family) Field { return daddr.of(f) }

// HopLimit is ip ttl or ip6 hoplimit.
func HopLimit(f family.Family) Field { return hopLimit.of(f) }

// ICMPType is icmp type or icmpv6 type.
func ICMPType(f family.Family) Field { return icmpType.of(f) }

// ICMPCode is icmp code or icmpv6 code.
func ICMPCode(f family.Family) Field { return icmpCode.of(f) }

// CTSAddr is the source address of the connection's first packet, before any NAT:
// ct original ip saddr.
func CTSAddr(f family.Family) Field { return ctSAddr.of(f) }

// CTDAddr is the destination address of the connection's first packet, before any NAT.
func CTDAddr(f family.Family) Field { return ctDAddr.of(f) }

// protocol is what differs between the families in headers, names and numbers.
type protocol struct {
	header    string
	saddr     uint32 // offsets in the network header
	daddr     uint32
	hopLimit  uint32
	hops      string
	addr      Type
	nfproto   byte
	icmp      string
	icmpProto byte
	icmpType  Type
	icmpCode  Type
	ctSrc     uint32 // enum nft_ct_keys
	ctDst     uint32
}

func protocolOf(f family.Family) protocol {
	return family.PairOf(
		protocol{
			header: "ip", saddr: 12, daddr: 16, hopLimit: 8, hops: "ttl",
			addr: TypeIPv4Addr, nfproto: unix.NFPROTO_IPV4,
			icmp: "icmp", icmpProto: unix.IPPROTO_ICMP, icmpType: TypeICMPType, icmpCode: TypeICMPCode,
			ctSrc: unix.NFT_CT_SRC_IP, ctDst: unix.NFT_CT_DST_IP,
		},
		protocol{
			header: "ip6", saddr: 8, daddr: 24, hopLimit: 7, hops: "hoplimit",
			addr: TypeIPv6Addr, nfproto: unix.NFPROTO_IPV6,
			icmp: "icmpv6", icmpProto: unix.IPPROTO_ICMPV6, icmpType: TypeICMPv6Type, icmpCode: TypeICMPv6Code,
			ctSrc: unix.NFT_CT_SRC_IP6, ctDst: unix.NFT_CT_DST_IP6,
		},
	).Get(f)
}

// source is where the kernel loads a field from.
type source struct {
	kind loadKind
	// key is the meta or ct key, or the payload's base.
	key uint32
	// offset counts from the payload's base.
	offset uint32
	// l4 is the transport protocol whose header holds the field, or 0.
	l4 byte
}

type loadKind uint8

const (
	loadMeta loadKind = iota + 1
	loadPayload
	loadCT
	loadCTOriginal
)

// fieldSpec is all there is to know about a field.
type fieldSpec struct {
	text string
	typ  Type
	from source
}

func (f Field) spec() fieldSpec {
	if f.Family() != 0 {
		return f.familySpec(protocolOf(f.Family()))
	}
	meta := func(text string, t Type, key uint32) fieldSpec {
		return fieldSpec{text, t, source{kind: loadMeta, key: key}}
	}
	switch f {
	case NFProto:
		return meta("meta nfproto", TypeNFProto, unix.NFT_META_NFPROTO)
	case L4Proto:
		return meta("meta l4proto", TypeProto, unix.NFT_META_L4PROTO)
	case IIfName:
		return meta("iifname", TypeIfName, unix.NFT_META_IIFNAME)
	case OIfName:
		return meta("oifname", TypeIfName, unix.NFT_META_OIFNAME)
	case Mark:
		return meta("meta mark", TypeMark, unix.NFT_META_MARK)
	case CTState:
		return fieldSpec{"ct state", TypeCTState, source{kind: loadCT, key: unix.NFT_CT_STATE}}
	case CTStatus:
		return fieldSpec{"ct status", TypeCTStatus, source{kind: loadCT, key: unix.NFT_CT_STATUS}}
	case SPort:
		return fieldSpec{"th sport", TypeService, transport(0, 0)}
	case DPort:
		return fieldSpec{"th dport", TypeService, transport(2, 0)}
	case VNI:
		return fieldSpec{"@th,96,24", TypeVNI, transport(12, 0)}
	}
	return fieldSpec{text: "invalid"}
}

func (f Field) familySpec(p protocol) fieldSpec {
	switch f &^ (0xff << familyShift) {
	case saddr:
		return fieldSpec{p.header + " saddr", p.addr, network(p.saddr)}
	case daddr:
		return fieldSpec{p.header + " daddr", p.addr, network(p.daddr)}
	case hopLimit:
		return fieldSpec{p.header + " " + p.hops, TypeInteger, network(p.hopLimit)}
	case icmpType:
		return fieldSpec{p.icmp + " type", p.icmpType, transport(0, p.icmpProto)}
	case icmpCode:
		return fieldSpec{p.icmp + " code", p.icmpCode, transport(1, p.icmpProto)}
	case ctSAddr:
		return fieldSpec{"ct original " + p.header + " saddr", p.addr, source{kind: loadCTOriginal, key: p.ctSrc}}
	case ctDAddr:
		return fieldSpec{"ct original " + p.header + " daddr", p.addr, source{kind: loadCTOriginal, key: p.ctDst}}
	}
	return fieldSpec{text: "invalid"}
}

func network(offset uint32) source {
	return source{kind: loadPayload, key: unix.NFT_PAYLOAD_NETWORK_HEADER, offset: offset}
}

func transport(offset uint32, l4 byte) source {
	return source{kind: loadPayload, key: unix.NFT_PAYLOAD_TRANSPORT_HEADER, offset: offset, l4: l4}
}

// String is the field as nft writes it.
func (f Field) String() string { return f.spec().text }

// Type is the field's data type, as a set that holds its values declares it.
func (f Field) Type() Type { return f.spec().typ }
