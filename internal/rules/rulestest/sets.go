package rulestest

import (
	"net/netip"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Sets are sets with their members: an implementation of rules.Sets by going through
// all of them.
type Sets map[model.SetID][]model.Member

// Contains implements rules.Sets.
func (s Sets) Contains(id model.SetID, a netip.Addr) bool {
	for _, m := range s[id] {
		if m.Prefix.Contains(a) {
			return true
		}
	}
	return false
}

// ContainsPort implements rules.Sets.
func (s Sets) ContainsPort(id model.SetID, a netip.Addr, p model.Protocol, port uint16) bool {
	for _, m := range s[id] {
		if m.Prefix.Contains(a) && m.Protocol == p && m.Port == port {
			return true
		}
	}
	return false
}

// AddressSets are the sets that a selector can stand for: of addresses and of nets.
func AddressSets() []model.SetID { return []model.SetID{"a", "b", "nets-a", "nets-b"} }

// PortSets are the sets that a port's name can stand for.
func PortSets() []model.SetID { return []model.SetID{"http-tcp", "http-udp"} }

// SetOf describes a set of the small world.
func SetOf(id model.SetID) model.Set {
	kinds := map[model.SetID]model.SetKind{
		"a": model.AddressSet, "b": model.AddressSet, "nets-a": model.NetSet, "nets-b": model.NetSet,
		"http-tcp": model.PortSet, "http-udp": model.PortSet,
	}
	return model.Set{ID: id, Kind: kinds[id], Origin: "test"}
}

// DrawSets draws the members of all sets, of both families.
func DrawSets(t *rapid.T) Sets {
	out := Sets{}
	for _, id := range append(AddressSets(), PortSets()...) {
		out[id] = nil
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			out[id] = append(out[id], member(t, SetOf(id)))
		}
	}
	return out
}

func member(t *rapid.T, s model.Set) model.Member {
	if s.Kind == model.NetSet {
		return model.Member{Prefix: netip.MustParsePrefix(rapid.SampledFrom(setNets).Draw(t, "net"))}
	}
	f := rapid.SampledFrom([]family.Family{family.V4, family.V6}).Draw(t, "family")
	m := model.Member{Prefix: family.HostPrefix(Address(t, f))}
	if s.Kind == model.PortSet {
		m.Protocol = model.TCP
		if s.ID == "http-udp" {
			m.Protocol = model.UDP
		}
		m.Port = rapid.SampledFrom(packetPorts).Draw(t, "port")
	}
	return m
}

// setNets overlap, as the nets of different network sets may.
var setNets = []string{"10.65.0.0/24", "10.65.0.0/31", "10.0.0.0/8", "fd00:65::/64", "fd00:65::/127", "fd00::/8", "192.0.2.0/25", "2001:db8::/33"}
