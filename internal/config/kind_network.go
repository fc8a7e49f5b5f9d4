package config

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// address is a unicast address of the family without a zone; the zero Addr where unset.
func address(f family.Family) kind[netip.Addr] {
	return kind[netip.Addr]{
		name: f.String() + " address",
		parse: func(text string) (netip.Addr, error) {
			a, err := netip.ParseAddr(text)
			switch {
			case err != nil || a.Zone() != "" || a.Is4In6() || family.Of(a) != f:
				return netip.Addr{}, fmt.Errorf("must be an %v address", f)
			case a.IsUnspecified() || a.IsMulticast():
				return netip.Addr{}, errors.New("must be a unicast address")
			}
			return a, nil
		},
		show: func(a netip.Addr) string {
			if !a.IsValid() {
				return ""
			}
			return a.String()
		},
		shape: addressShape(f),
	}
}

// prefixes is a list of nets of either family; a bare address is a net of itself.
func prefixes() kind[[]netip.Prefix] {
	return kind[[]netip.Prefix]{
		name: "list of CIDRs, both families",
		parse: func(text string) ([]netip.Prefix, error) {
			return splitList(text, parsePrefix)
		},
		show: func(ps []netip.Prefix) string { return joinList(ps, netip.Prefix.String) },
		list: true,
	}
}

func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" && !a.Is4In6() {
		return family.HostPrefix(a), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q must be a CIDR or an address, as 10.0.0.0/8 or fd00::/8", text)
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%q has host bits set; the net is %v", text, p.Masked())
	}
	return p, nil
}

// port is a TCP or UDP port, from least up.
func port(least int) kind[uint16] {
	whole := integer(least, 65535)
	allowed := fmt.Sprintf("port, %d to 65535", least)
	return kind[uint16]{
		name: allowed,
		parse: func(text string) (uint16, error) {
			n, err := whole.parse(text)
			if err != nil {
				return 0, errors.New("must be a " + allowed)
			}
			return uint16(n), nil
		},
		show:     func(p uint16) string { return strconv.Itoa(int(p)) },
		required: whole.required,
		shape:    whole.shape,
	}
}

// PortRange is the ports from First to Last. The zero value is no range.
type PortRange struct{ First, Last uint16 }

// IsZero says that the range is unset.
func (r PortRange) IsZero() bool { return r == PortRange{} }

// String writes "30000:32767", or one port, or nothing.
func (r PortRange) String() string {
	switch {
	case r.IsZero():
		return ""
	case r.First == r.Last:
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d:%d", r.First, r.Last)
}

// portRange is a port or two with a colon between.
func portRange() kind[PortRange] {
	return kind[PortRange]{
		name: "port range, as 32768:60999",
		parse: func(text string) (PortRange, error) {
			first, last, isRange := strings.Cut(text, ":")
			if !isRange {
				last = first
			}
			from, err := port(1).parse(strings.TrimSpace(first))
			to, err2 := port(1).parse(strings.TrimSpace(last))
			if err != nil || err2 != nil || from > to {
				return PortRange{}, errors.New("must be a port or a range FIRST:LAST, ports 1 to 65535")
			}
			return PortRange{from, to}, nil
		},
		show:  PortRange.String,
		shape: shape{"intstr.IntOrString", []string{validation + "XIntOrString"}},
	}
}

// mtu is a device MTU in bytes, 0 for automatic. An IPv6 device below 1280 silently
// loses IPv6 (RFC 8200, section 5), and an IPv4 one must hold 68 (RFC 791).
func mtu(f family.Family) kind[int] {
	least := map[family.Family]int{family.V4: 68, family.V6: 1280}[f]
	allowed := fmt.Sprintf("bytes, %d to 65535, or 0 for automatic", least)
	k := integer(0, 65535)
	whole := k.parse
	k.name = allowed
	k.parse = func(text string) (int, error) {
		n, err := whole(text)
		if err != nil || n != 0 && n < least {
			return 0, errors.New("must be " + allowed)
		}
		return n, nil
	}
	return k
}

// routeProtocol is the protocol that a route carries in the kernel. Those which the
// kernel itself uses (unspec 0, redirect 1, kernel 2, ra 9; linux/rtnetlink.h) are
// refused, for the agent leaves routes that carry them alone.
func routeProtocol() kind[int] {
	k := integer(0, 255)
	whole := k.parse
	k.name = "route protocol, 3 to 255 without 9"
	k.shape = wholeShape(3, 255)
	k.required = true
	k.parse = func(text string) (int, error) {
		n, err := whole(text)
		if err != nil || n < 3 || n == 9 {
			return 0, errors.New("must be 3 to 255 without 9 (0, 1, 2 and 9 are the kernel's)")
		}
		return n, nil
	}
	return k
}

// markMask is a mask of packet mark bits of which the agent may use all.
func markMask() kind[uint32] {
	return kind[uint32]{
		name: "mask, at least 2 bits of 32",
		parse: func(text string) (uint32, error) {
			n, err := strconv.ParseUint(text, 0, 32)
			if err != nil || bits.OnesCount64(n) < 2 {
				return 0, errors.New("must be a 32-bit mask with at least 2 bits set, as 0xffff0000")
			}
			return uint32(n), nil
		},
		show:     func(m uint32) string { return fmt.Sprintf("%#x", m) },
		required: true,
		shape:    wholeShape(3, math.MaxUint32),
	}
}

// splitList parses the elements of a comma-separated list. Empty ones are passed over.
func splitList[T any](text string, parse func(string) (T, error)) ([]T, error) {
	var list []T
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		v, err := parse(part)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// joinList writes a list with commas between its elements.
func joinList[T any](list []T, show func(T) string) string {
	var parts []string
	for _, v := range list {
		parts = append(parts, show(v))
	}
	return strings.Join(parts, ",")
}
