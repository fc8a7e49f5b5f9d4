package calc_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/calc/calctest"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// site is a cluster of three nodes: this one, node-2 in one subnet with it, and node-3 behind a
// router. Each has 10.0.N.0/24 and fd00:N::/64.
type site struct {
	families family.Set
	mode     model.EncapsulationMode
	ipip     bool // of IPv4, in place of VXLAN
	podCIDRs bool // in place of blocks
}

func (s site) state() calctest.State {
	state := calctest.State{}
	for number, addresses := range map[int]family.Pair[string]{
		1: family.PairOf("192.0.2.1/24", "2001:db8::1/64"),
		2: family.PairOf("192.0.2.2/24", "2001:db8::2/64"),
		3: family.PairOf("198.51.100.3/24", "2001:db8:3::3/64"),
	} {
		n, name := &model.Node{}, fmt.Sprint("node-", number)
		for _, f := range s.families.Families() {
			*n.Addresses.At(f) = netip.MustParsePrefix(addresses.Get(f))
			cidrs := family.PairOf(fmt.Sprintf("10.0.%d.0/24", number), fmt.Sprintf("fd00:%d::/64", number))
			cidr := netip.MustParsePrefix(cidrs.Get(f))
			n.VXLAN.At(f).Address = cidr.Addr()
			if s.podCIDRs {
				n.PodCIDRs = append(n.PodCIDRs, cidr)
			} else {
				state[model.Key{Kind: model.KindBlock, Name: name + f.String()}] = &model.Block{CIDR: cidr, Node: name}
			}
		}
		state[model.Key{Kind: model.KindNode, Name: name}] = n
	}
	for _, f := range s.families.Families() {
		cidrs := family.PairOf("10.0.0.0/16", "fd00::/16")
		p := &model.Pool{CIDR: netip.MustParsePrefix(cidrs.Get(f)), VXLAN: s.mode}
		if s.ipip && f == family.V4 {
			p.VXLAN, p.IPIP = model.EncapsulateNever, s.mode
		}
		state[model.Key{Kind: model.KindPool, Name: f.String()}] = p
	}
	return state
}

// remotes are the routes to other nodes, as they print.
func remotes(t *testing.T, state calctest.State, settings calc.Settings) []string {
	t.Helper()
	r := newRun(t)
	r.configure(settings)
	r.goTo(state, order{})
	r.flush()
	r.compare()
	var out []string
	for _, route := range r.sink.Routes {
		if route.Kind == model.RouteRemote {
			out = append(out, route.String())
		}
	}
	slices.Sort(out)
	return out
}

// TestEncapsulation: {IPv4, IPv6, both} × {Never, CrossSubnet, Always} × {blocks, podCIDRs} × what
// VXLAN travels over. OVER stands for the family of the outer packets.
func TestEncapsulation(t *testing.T) {
	near := family.PairOf("10.0.2.0/24 via 192.0.2.2 same-subnet node node-2", "fd00:2::/64 via 2001:db8::2 same-subnet node node-2")
	far := family.PairOf("10.0.3.0/24 via 198.51.100.3 node node-3", "fd00:3::/64 via 2001:db8:3::3 node node-3")
	nearOfPool := family.PairOf("10.0.2.0/24 via 192.0.2.2 pool vxlan same-subnet node node-2", "fd00:2::/64 via 2001:db8::2 pool vxlan same-subnet node node-2")
	nearTunnelled := family.PairOf("10.0.2.0/24 via 10.0.2.0 encap vxlan over OVER node node-2", "fd00:2::/64 via fd00:2:: encap vxlan over OVER node node-2")
	farTunnelled := family.PairOf("10.0.3.0/24 via 10.0.3.0 encap vxlan over OVER node node-3", "fd00:3::/64 via fd00:3:: encap vxlan over OVER node node-3")
	for mode, want := range map[model.EncapsulationMode][]family.Pair[string]{
		model.EncapsulateNever:       {near, far},
		model.EncapsulateCrossSubnet: {nearOfPool, farTunnelled},
		model.EncapsulateAlways:      {nearTunnelled, farTunnelled},
	} {
		for _, set := range []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both} {
			for _, underlay := range []family.Family{0, family.V4, family.V6} {
				var lines []string
				for _, f := range set.Families() {
					over := map[bool]family.Family{true: f, false: underlay}[underlay == 0]
					if mode != model.EncapsulateNever && !set.Has(over) {
						continue // the nodes have no address to tunnel over
					}
					for _, w := range want {
						lines = append(lines, strings.ReplaceAll(w.Get(f), "OVER", over.String()))
					}
				}
				slices.Sort(lines)
				for _, podCIDRs := range []bool{false, true} {
					name := fmt.Sprintf("%v/%v/over %v/podCIDRs %t", mode, set, underlay, podCIDRs)
					t.Run(name, func(t *testing.T) {
						s := site{families: set, mode: mode, podCIDRs: podCIDRs}
						if diff := cmp.Diff(lines, remotes(t, s.state(), calc.Settings{Underlay: underlay})); diff != "" {
							t.Errorf("routes (-want +got):\n%s", diff)
						}
					})
				}
			}
		}
	}
}

// TestIPIP is the same whatever VXLAN travels over.
func TestIPIP(t *testing.T) {
	for mode, want := range map[model.EncapsulationMode][]string{
		model.EncapsulateNever: {
			"10.0.2.0/24 via 192.0.2.2 same-subnet node node-2", "10.0.3.0/24 via 198.51.100.3 node node-3",
		},
		model.EncapsulateCrossSubnet: {
			"10.0.2.0/24 via 192.0.2.2 pool ipip same-subnet node node-2", "10.0.3.0/24 via 198.51.100.3 encap ipip node node-3",
		},
		model.EncapsulateAlways: {
			"10.0.2.0/24 via 192.0.2.2 encap ipip node node-2", "10.0.3.0/24 via 198.51.100.3 encap ipip node node-3",
		},
	} {
		for _, underlay := range []family.Family{0, family.V4, family.V6} {
			for _, podCIDRs := range []bool{false, true} {
				s := site{families: family.NewSet(family.V4), mode: mode, ipip: true, podCIDRs: podCIDRs}
				if diff := cmp.Diff(want, remotes(t, s.state(), calc.Settings{Underlay: underlay})); diff != "" {
					t.Errorf("%v, VXLAN over %v, podCIDRs %t: routes (-want +got):\n%s", mode, underlay, podCIDRs, diff)
				}
			}
		}
	}
}

// TestPodsOfAFamilyThatTheNodesDoNotHave reach each other through the tunnel of the other family,
// even in one subnet, where no packet of theirs could travel as it is.
func TestPodsOfAFamilyThatTheNodesDoNotHave(t *testing.T) {
	for _, f := range family.All() {
		for _, mode := range []model.EncapsulationMode{model.EncapsulateCrossSubnet, model.EncapsulateAlways} {
			t.Run(fmt.Sprintf("%v/%v", f, mode), func(t *testing.T) {
				state := site{families: family.Both, mode: mode}.state()
				for _, v := range state {
					if n, ok := v.(*model.Node); ok {
						*n.Addresses.At(f) = netip.Prefix{}
					}
				}
				over := f.Other()
				lines := family.PairOf(
					[]string{"10.0.2.0/24 via 10.0.2.0 encap vxlan over IPv6 node node-2", "10.0.3.0/24 via 10.0.3.0 encap vxlan over IPv6 node node-3"},
					[]string{"fd00:2::/64 via fd00:2:: encap vxlan over IPv4 node node-2", "fd00:3::/64 via fd00:3:: encap vxlan over IPv4 node node-3"},
				)
				got := slices.DeleteFunc(remotes(t, state, calc.Settings{Underlay: over}), func(line string) bool {
					return family.OfPrefix(netip.MustParsePrefix(strings.Fields(line)[0])) != f
				})
				if diff := cmp.Diff(lines.Get(f), got); diff != "" {
					t.Errorf("routes (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestBorrowedAddressesThroughTunnels are routed one by one, by the node that uses them.
func TestBorrowedAddressesThroughTunnels(t *testing.T) {
	for _, f := range family.All() {
		state := site{families: family.Both, mode: model.EncapsulateAlways}.state()
		addresses := family.PairOf(netip.MustParseAddr("10.0.2.9"), netip.MustParseAddr("fd00:2::9"))
		b := state[model.Key{Kind: model.KindBlock, Name: "node-2" + f.String()}].(*model.Block)
		b.Allocations = []model.Allocation{{Address: addresses.Get(f), Node: "node-3", Namespace: "x", Pod: "x"}}
		want := family.PairOf("10.0.2.9/32 via 10.0.3.0 encap vxlan over IPv4 node node-3", "fd00:2::9/128 via fd00:3:: encap vxlan over IPv6 node node-3")
		if got := remotes(t, state, calc.Settings{}); len(got) != 5 || !slices.Contains(got, want.Get(f)) {
			t.Errorf("%v: %q lacks %s", f, got, want.Get(f))
		}
	}
}
