package rtnetlink

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Link is a network interface. Two Links are the same to us if they are equal with ==.
type Link struct {
	Index int
	Name  string
	// Up is the administrative state, not the carrier: routes can lead out of an
	// interface that is up without a carrier.
	Up       bool
	Loopback bool
	MTU      int
	// MAC is zero where hardware addresses have another length.
	MAC model.MAC
	// Kind is what the kernel calls the driver of a virtual interface; empty for others.
	Kind string
	// NoLinkLocal: the kernel makes no IPv6 link-local address when it comes up
	// (addrgenmode none). One that is there already stays.
	NoLinkLocal bool
	// VXLAN is what a link of Kind "vxlan" has beside; IPIP one of Kind "ipip".
	VXLAN VXLAN
	IPIP  IPIP
}

// VXLAN is what the kernel lets nobody change once the device is there, or what we never do.
type VXLAN struct {
	VNI uint32
	// Port is the UDP port that is listened on and sent to.
	Port uint16
	// Local is the source of outer packets; its family is that of the underlay.
	Local netip.Addr
	// Parent is the index of the link that outer packets leave through; zero for the
	// routing table's choice.
	Parent int
	// Learning: the source of what comes in becomes a forwarding entry.
	Learning bool
	// ZeroChecksum: the outer UDP checksum is not sent; over IPv6, it is not asked for
	// either (RFC 6935), as over IPv4 it never is.
	ZeroChecksum bool
	// Odd: the device has parts that this type does not hold, such as a default remote or
	// metadata from routes. Such a device is never as we make one.
	Odd bool
}

// IPIP is the ends of an IPIP tunnel; both invalid for the device that takes whatever comes.
type IPIP struct{ Local, Remote netip.Addr }

// CreateLink adds a request for a new virtual link of the Kind, down, with its name, MTU,
// MAC and VXLAN parts, zero ones left to the kernel. It fails with EEXIST if there is a link
// of the name, or a VXLAN device of the same network and port, and with EOPNOTSUPP if the
// kernel lacks the kind.
func (b *Batch) CreateLink(l Link) {
	b.begin(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	b.link(0, 0, 0)
	b.attr(unix.IFLA_IFNAME, cString(l.Name))
	b.settings(Link{}, l)
	info := b.nest(unix.IFLA_LINKINFO)
	b.attr(unix.IFLA_INFO_KIND, cString(l.Kind))
	if l.Kind == "vxlan" {
		data := b.nest(unix.IFLA_INFO_DATA)
		b.vxlan(l.VXLAN)
		b.unnest(data)
	}
	b.unnest(info)
	b.end()
}

// ChangeLink adds a request that makes a link, found by its index, up or down, and gives it
// the MTU, MAC and way with link-local addresses that want has and have has not. Nothing that
// is equal is touched: a MAC that is set, to whatever, costs the link its neighbours.
func (b *Batch) ChangeLink(have, want Link) {
	b.begin(unix.RTM_NEWLINK, 0)
	var flags, change uint32
	if have.Up != want.Up {
		change = unix.IFF_UP
	}
	if want.Up {
		flags = unix.IFF_UP
	}
	b.link(have.Index, flags, change)
	b.settings(have, want)
	if have.NoLinkLocal != want.NoLinkLocal {
		const eui64, none = 0, 1 // enum in6_addr_gen_mode of linux/if_link.h
		mode := map[bool]byte{false: eui64, true: none}[want.NoLinkLocal]
		spec := b.nest(unix.IFLA_AF_SPEC)
		six := b.nest(unix.AF_INET6)
		b.attr(unix.IFLA_INET6_ADDR_GEN_MODE, []byte{mode})
		b.unnest(six)
		b.unnest(spec)
	}
	b.end()
}

// DeleteLink adds a request to remove a link; ENODEV if there is none of that index.
func (b *Batch) DeleteLink(index int) {
	b.begin(unix.RTM_DELLINK, 0)
	b.link(index, 0, 0)
	b.end()
}

// link writes struct ifinfomsg.
func (b *Batch) link(index int, flags, change uint32) {
	b.body(unix.AF_UNSPEC, 0, 0, 0)
	b.u32(uint32(index))
	b.u32(flags)
	b.u32(change)
}

func (b *Batch) settings(have, want Link) {
	if want.MTU != 0 && want.MTU != have.MTU {
		b.attrU32(unix.IFLA_MTU, uint32(want.MTU))
	}
	if (want.MAC != model.MAC{}) && want.MAC != have.MAC {
		b.attr(unix.IFLA_ADDRESS, want.MAC[:])
	}
}

func (b *Batch) vxlan(v VXLAN) {
	b.attrU32(unix.IFLA_VXLAN_ID, v.VNI)
	b.attr(unix.IFLA_VXLAN_PORT, binary.BigEndian.AppendUint16(nil, v.Port))
	if v.Local.IsValid() {
		b.attrAddr(uint16(byFamily(family.Of(v.Local), unix.IFLA_VXLAN_LOCAL, unix.IFLA_VXLAN_LOCAL6)), v.Local)
	}
	if v.Parent != 0 {
		b.attrU32(unix.IFLA_VXLAN_LINK, uint32(v.Parent))
	}
	b.attr(unix.IFLA_VXLAN_LEARNING, flag(v.Learning))
	b.attr(unix.IFLA_VXLAN_UDP_CSUM, flag(!v.ZeroChecksum))
	b.attr(unix.IFLA_VXLAN_UDP_ZERO_CSUM6_TX, flag(v.ZeroChecksum))
	b.attr(unix.IFLA_VXLAN_UDP_ZERO_CSUM6_RX, flag(v.ZeroChecksum))
}

func flag(on bool) []byte {
	if on {
		return []byte{1}
	}
	return []byte{0}
}

func cString(s string) []byte { return append([]byte(s), 0) }
