package api

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Net is what ParseNet reads.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isIP(self) || isCIDR(self)",message="neither a CIDR nor an address"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || cidr(self) == cidr(self).masked()",message="host bits are set"
type Net = string

// RuleNet is a Net in the rule of a policy, of which there may be so many that the API server cannot afford to
// parse each: its characters are checked here, the rest by deploy/crds/policy-fields.yaml.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:Pattern=`^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)(/[0-9]{1,3})?$`
type RuleNet = string

// ParseNet reads a net as Calico's resources write it: a CIDR of either family whose host bits are zero, or
// a bare address, which is the net of that address alone. IPv4-mapped IPv6 ("::ffff:10.0.0.0/104") is
// refused: no packet on the wire carries such an address, so it can only be a mistake.
func ParseNet(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return ParseCIDR(s)
}

// ParseCIDR is ParseNet for fields where the prefix length must be written.
func ParseCIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, errors.New(whyNoCIDR(s))
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("IPv4-mapped IPv6 is on no wire, write the IPv4 net")
	}
	if m := p.Masked(); m != p {
		return netip.Prefix{}, fmt.Errorf("host bits set, did you mean %s", m)
	}
	return p, nil
}

// Address is what ParseAddr reads.
//
// +kubebuilder:validation:MaxLength=45
// +kubebuilder:validation:XValidation:rule="isIP(self)",message="not an IP address"
type Address = string

// ParseAddr reads one address of either family, without zone, and not IPv4-mapped.
func ParseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return netip.Addr{}, errors.New("not an IP address")
	case a.Zone() != "":
		return netip.Addr{}, errors.New("an address with a zone cannot be used here")
	case a.Is4In6():
		return netip.Addr{}, errors.New("IPv4-mapped IPv6 is on no wire, write the IPv4 address")
	}
	return a, nil
}

// whyNoCIDR says which half of something that is not a CIDR is wrong.
func whyNoCIDR(s string) string {
	addr, length, ok := strings.Cut(s, "/")
	if !ok {
		return "not a CIDR, the prefix length is missing"
	}
	a, err := ParseAddr(addr)
	if err != nil {
		return "not a CIDR: " + err.Error() + " before the /"
	}
	return fmt.Sprintf("not a CIDR: prefix length %q is not a number from 0 to %d", length, a.BitLen())
}

// nets checks every element of a list of nets.
func (ps *problems) nets(p *path, nets []string) {
	for i, n := range nets {
		if _, err := ParseNet(n); err != nil {
			ps.add(p.item(i), n, err.Error())
		}
	}
}

// cidr checks a field that must hold a CIDR, and returns it.
func (ps *problems) cidr(p *path, s string) (netip.Prefix, bool) {
	if s == "" {
		ps.add(p, "", "required")
		return netip.Prefix{}, false
	}
	c, err := ParseCIDR(s)
	if err != nil {
		ps.add(p, s, err.Error())
		return netip.Prefix{}, false
	}
	return c, true
}
