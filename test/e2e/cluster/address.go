package cluster

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// Numbers on the link; node2 is number 12, and so on.
const (
	linkNumber    = 1
	controlNumber = 2
	firstNode     = 11
)

// plan has the networks of every cluster.
//
//	link       172.30.0.0/24   fd00:30::/64           numbered: gateway 1, control 2, node1 11, node2 12
//	pods       10.244.0.0/16   fd00:10:244::/48       node1 has 10.244.1.0/24 and fd00:10:244:1::/64
//	services   10.96.0.0/16    fd00:10:96::/112
var plan = struct {
	link, pods, services family.Pair[netip.Prefix]
}{
	link:     family.PairOf(netip.MustParsePrefix("172.30.0.0/24"), netip.MustParsePrefix("fd00:30::/64")),
	pods:     family.PairOf(netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("fd00:10:244::/48")),
	services: family.PairOf(netip.MustParsePrefix("10.96.0.0/16"), netip.MustParsePrefix("fd00:10:96::/112")),
}

// podNetBits is the length of a node's podCIDR.
var podNetBits = family.PairOf(24, 64)

// onLink are the addresses of number n on the link, with its length, one for each family.
func (o Options) onLink(n int) []netip.Prefix {
	var all []netip.Prefix
	for _, f := range o.ordered() {
		net := plan.link.Get(f)
		all = append(all, netip.PrefixFrom(nth(net, n), net.Bits()))
	}
	return all
}

// gateways are the link's own addresses, which are everybody's default gateways and stand for a
// host outside the cluster.
func (o Options) gateways() []netip.Addr {
	var all []netip.Addr
	for _, p := range o.onLink(linkNumber) {
		all = append(all, p.Addr())
	}
	return all
}

// podNets are the podCIDRs of the node with an index, counted from 1.
func (o Options) podNets(index int) []netip.Prefix {
	var all []netip.Prefix
	for _, f := range o.ordered() {
		all = append(all, subnet(plan.pods.Get(f), podNetBits.Get(f), index))
	}
	return all
}

// nth is the address with a number in a prefix.
func nth(p netip.Prefix, n int) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	end := b[len(b)-4:]
	binary.BigEndian.PutUint32(end, binary.BigEndian.Uint32(end)+uint32(n))
	a, _ := netip.AddrFromSlice(b)
	return a
}

// subnet is the subnet with a number; its length is a whole number of octets.
func subnet(p netip.Prefix, bits, n int) netip.Prefix {
	b := p.Masked().Addr().AsSlice()
	b[bits/8-1] += byte(n)
	b[bits/8-2] += byte(n >> 8)
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, bits)
}

// ServerAddress is the server's address of the primary family.
func (c *Cluster) ServerAddress() netip.Addr { return c.control.Address(c.options.Primary) }

// ServerURL is where the server is.
func (c *Cluster) ServerURL() string {
	return "https://" + net.JoinHostPort(c.ServerAddress().String(), fmt.Sprint(serverPort))
}
