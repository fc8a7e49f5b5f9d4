package rtnetlink

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// decodeLink reads struct ifinfomsg. Messages of AF_BRIDGE tell of bridge ports, and
// look like links that come and go.
func decodeLink(b []byte) (*Link, bool) {
	if len(b) < unix.SizeofIfInfomsg || b[0] != unix.AF_UNSPEC {
		return nil, false
	}
	flags := u32(b[8:])
	l := &Link{Index: int(u32(b[4:])), Up: flags&unix.IFF_UP != 0, Loopback: flags&unix.IFF_LOOPBACK != 0}
	var info []byte
	attributes(b[unix.SizeofIfInfomsg:], func(kind uint16, v []byte) {
		switch kind {
		case unix.IFLA_IFNAME:
			l.Name = text(v)
		case unix.IFLA_MTU:
			l.MTU = int(u32(v))
		case unix.IFLA_ADDRESS:
			if len(v) == len(l.MAC) {
				l.MAC = model.MAC(v)
			}
		case unix.IFLA_AF_SPEC:
			l.NoLinkLocal = noLinkLocal(v)
		case unix.IFLA_LINKINFO:
			info = v
		}
	})
	l.decodeInfo(info)
	return l, l.Name != ""
}

func (l *Link) decodeInfo(info []byte) {
	var data []byte
	attributes(info, func(kind uint16, v []byte) {
		switch kind {
		case unix.IFLA_INFO_KIND:
			l.Kind = kindName(v)
		case unix.IFLA_INFO_DATA:
			data = v
		}
	})
	switch l.Kind {
	case "vxlan":
		l.VXLAN = decodeVXLAN(data)
	case "ipip":
		l.IPIP = decodeIPIP(data)
	}
}

// kindName is text without a copy for what a node has thousands of.
func kindName(v []byte) string {
	const veth = "veth"
	if string(v) == veth || string(v) == veth+"\x00" {
		return veth
	}
	return text(v)
}

// noLinkLocal reads what IFLA_AF_SPEC says of how IPv6 makes addresses.
func noLinkLocal(spec []byte) bool {
	none := false
	attributes(spec, func(af uint16, v []byte) {
		if af != unix.AF_INET6 {
			return
		}
		attributes(v, func(kind uint16, v []byte) {
			if kind == unix.IFLA_INET6_ADDR_GEN_MODE && len(v) == 1 {
				none = v[0] == 1 // IN6_ADDR_GEN_MODE_NONE
			}
		})
	})
	return none
}

func decodeVXLAN(data []byte) VXLAN {
	var out VXLAN
	var without family.Pair[bool] // checksums
	attributes(data, func(kind uint16, v []byte) {
		switch kind {
		case unix.IFLA_VXLAN_ID:
			out.VNI = u32(v)
		case unix.IFLA_VXLAN_PORT:
			if len(v) == 2 {
				out.Port = binary.BigEndian.Uint16(v)
			}
		case unix.IFLA_VXLAN_LOCAL, unix.IFLA_VXLAN_LOCAL6:
			out.Local = address(v)
		case unix.IFLA_VXLAN_LINK:
			out.Parent = int(u32(v))
		case unix.IFLA_VXLAN_LEARNING:
			out.Learning = isSet(v)
		case unix.IFLA_VXLAN_UDP_CSUM:
			*without.At(family.V4) = !isSet(v)
		case unix.IFLA_VXLAN_UDP_ZERO_CSUM6_RX:
			*without.At(family.V6) = isSet(v)
		case unix.IFLA_VXLAN_GROUP, unix.IFLA_VXLAN_GROUP6, unix.IFLA_VXLAN_GBP, unix.IFLA_VXLAN_GPE,
			unix.IFLA_VXLAN_REMCSUM_NOPARTIAL:
			out.Odd = true
		case unix.IFLA_VXLAN_COLLECT_METADATA, unix.IFLA_VXLAN_PROXY, unix.IFLA_VXLAN_L2MISS, unix.IFLA_VXLAN_L3MISS,
			unix.IFLA_VXLAN_RSC, unix.IFLA_VXLAN_VNIFILTER, unix.IFLA_VXLAN_TTL_INHERIT, unix.IFLA_VXLAN_TTL,
			unix.IFLA_VXLAN_REMCSUM_RX, unix.IFLA_VXLAN_REMCSUM_TX:
			out.Odd = out.Odd || isSet(v)
		}
	})
	out.ZeroChecksum = out.Local.IsValid() && without.Get(family.Of(out.Local))
	return out
}

func decodeIPIP(data []byte) IPIP {
	const local, remote = 2, 3 // IFLA_IPTUN_LOCAL and _REMOTE of linux/if_tunnel.h
	var out IPIP
	attributes(data, func(kind uint16, v []byte) {
		a := address(v)
		if !a.IsValid() || a.IsUnspecified() {
			return
		}
		switch kind {
		case local:
			out.Local = a
		case remote:
			out.Remote = a
		}
	})
	return out
}

func isSet(v []byte) bool { return len(v) > 0 && v[0] != 0 }
