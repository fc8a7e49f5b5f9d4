package calctest

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

var (
	policyID = model.Key{Kind: model.KindPolicy, Namespace: "shop", Name: "p"}
	podID    = model.Key{Kind: model.KindPod, Namespace: "shop", Name: "web"}
	one      = model.Member{Prefix: netip.MustParsePrefix("10.0.0.1/32")}
	two      = model.Member{Prefix: netip.MustParsePrefix("10.0.0.2/32")}
	subnet   = model.Member{Prefix: netip.MustParsePrefix("10.0.0.0/24")}
	set      = model.Set{ID: "a1", Kind: model.AddressSet, Origin: "all()"}
	end      = model.VTEP{Node: "n2", Underlay: netip.MustParseAddr("192.0.2.2"), MAC: model.MAC{0x66}, Addresses: family.PairOf(two.Prefix.Addr(), netip.Addr{})}
	through  = model.Route{
		Destination: netip.MustParsePrefix("10.0.2.0/24"), Kind: model.RouteRemote, Node: "n2", Gateway: two.Prefix.Addr(),
		Encapsulation: model.VXLAN, Underlay: family.V4,
	}
	own   = model.Own{Family: family.V4, VXLAN: true}
	route = model.Route{Destination: one.Prefix, Kind: model.RouteLocalPod, Interface: "cali1"}
)

func policyWith(sets ...model.SetID) *model.ActivePolicy {
	return &model.ActivePolicy{ID: policyID, Ingress: []model.Rule{{Source: model.Peer{Sets: sets}}}}
}

func endpoint(policies ...model.PolicyID) *model.LocalEndpoint {
	return &model.LocalEndpoint{ID: podID, Tiers: []model.TierPolicies{{Ingress: policies}}}
}

// whole is a batch that is right.
func whole() *calc.Batch {
	return &calc.Batch{
		Sets:      []calc.SetUpdate{{Set: set, New: true, Added: []model.Member{one}}},
		Policies:  []*model.ActivePolicy{policyWith("a1")},
		Endpoints: []*model.LocalEndpoint{endpoint(policyID)},
		VTEPs:     []model.VTEP{end},
		Own:       []model.Own{own},
		Routes:    []model.Route{route, through},
		Hosts:     []model.Host{{Node: "n", Address: one.Prefix.Addr()}},
		Pools:     []model.NATPool{{CIDR: subnet.Prefix}},
		Problems:  []calc.ObjectProblems{{Key: podID, Problems: []model.Problem{{Message: "bad"}}}},
	}
}

func TestSinkTakesWhatIsSafe(t *testing.T) {
	s := NewSink()
	for i, b := range []*calc.Batch{
		whole(),
		{Sets: []calc.SetUpdate{{Set: set, Added: []model.Member{two}, Removed: []model.Member{one}}}},
		{InSync: true, EndpointsGone: []model.Key{podID}, PoliciesGone: []model.PolicyID{policyID}, SetsGone: []model.SetID{"a1"}},
		{InSync: true, RoutesGone: []netip.Prefix{one.Prefix, through.Destination}, VTEPsGone: []model.VTEPKey{end.Key()}, Own: []model.Own{{Family: family.V4}}, PoolsGone: []netip.Prefix{subnet.Prefix}, HostsGone: []netip.Addr{one.Prefix.Addr()},
			Problems: []calc.ObjectProblems{{Key: podID}}},
	} {
		if err := s.Apply(b); err != nil {
			t.Fatalf("batch %d: %v", i, err)
		}
	}
	if s.String() != "in sync\n" {
		t.Errorf("left over:\n%s", s)
	}
}

func TestSinkRefusesWhatIsUnsafe(t *testing.T) {
	for _, c := range []struct {
		want  string
		batch calc.Batch
	}{
		{"new is true", calc.Batch{Sets: []calc.SetUpdate{{Set: set, New: true}}}},
		{"new is false", calc.Batch{Sets: []calc.SetUpdate{{Set: model.Set{ID: "a2"}, Added: []model.Member{one}}}}},
		{"is now", calc.Batch{Sets: []calc.SetUpdate{{Set: model.Set{ID: "a1", Kind: model.NetSet}, Added: []model.Member{two}}}}},
		{"says nothing", calc.Batch{Sets: []calc.SetUpdate{{Set: set}}}},
		{"added twice", calc.Batch{Sets: []calc.SetUpdate{{Set: set, Added: []model.Member{one}}}}},
		{"not there", calc.Batch{Sets: []calc.SetUpdate{{Set: set, Removed: []model.Member{two}}}}},
		{"not of its kind", calc.Batch{Sets: []calc.SetUpdate{{Set: set, Added: []model.Member{subnet}}}}},
		{"not of its kind", calc.Batch{Sets: []calc.SetUpdate{{Set: set, Added: []model.Member{{Prefix: two.Prefix, Protocol: 6, Port: 1}}}}}},
		{"refers to set a2", calc.Batch{Policies: []*model.ActivePolicy{policyWith("a2")}}},
		{"handed over again", calc.Batch{Policies: []*model.ActivePolicy{policyWith("a1")}}},
		{"nothing refers to it", calc.Batch{Policies: []*model.ActivePolicy{policyWith()}}},
		{"refers to policy", calc.Batch{Endpoints: []*model.LocalEndpoint{endpoint(policyID, podID)}}},
		{"handed over again", calc.Batch{Endpoints: []*model.LocalEndpoint{endpoint(policyID)}}},
		{"is not IPv4", calc.Batch{Endpoints: []*model.LocalEndpoint{{ID: podID, Addresses: family.PairOf(netip.MustParseAddr("fd00::1"), netip.Addr{})}}}},
		{"endpoint Pod/shop/web refers to it", calc.Batch{PoliciesGone: []model.PolicyID{policyID}}},
		{"policy NetworkPolicy/shop/p refers to it", calc.Batch{SetsGone: []model.SetID{"a1"}}},
		{"was not there", calc.Batch{SetsGone: []model.SetID{"a2"}}},
		{"was not there", calc.Batch{PoliciesGone: []model.PolicyID{podID}}},
		{"was not there", calc.Batch{EndpointsGone: []model.Key{policyID}}},
		{"was not there", calc.Batch{RoutesGone: []netip.Prefix{two.Prefix}}},
		{"was not there", calc.Batch{PoolsGone: []netip.Prefix{two.Prefix}}},
		{"was not there", calc.Batch{HostsGone: []netip.Addr{two.Prefix.Addr()}}},
		{"handed over again", calc.Batch{Routes: []model.Route{route}}},
		{"not of the destination's family", calc.Batch{Routes: []model.Route{{Destination: two.Prefix, Kind: model.RouteRemote, Gateway: netip.MustParseAddr("fd00::1")}}}},
		{"leads to no VTEP", calc.Batch{VTEPsGone: []model.VTEPKey{end.Key()}}},
		{"leads to no VTEP", calc.Batch{Routes: []model.Route{{Destination: two.Prefix, Kind: model.RouteRemote, Node: "n3", Gateway: two.Prefix.Addr(), Encapsulation: model.VXLAN, Underlay: family.V4}}}},
		{"was not there", calc.Batch{VTEPsGone: []model.VTEPKey{{Node: "n3", Underlay: family.V4}}}},
		{"leads nowhere", calc.Batch{VTEPs: []model.VTEP{{Node: "n3", Underlay: end.Underlay, MAC: end.MAC}}}},
		{"handed over again", calc.Batch{VTEPs: []model.VTEP{end}}},
		{"handed over again", calc.Batch{Own: []model.Own{own}}},
		{"handed over again", calc.Batch{Own: []model.Own{{Family: family.V6}}}},
		{"handed over again", calc.Batch{Pools: []model.NATPool{{CIDR: subnet.Prefix}}}},
		{"handed over again", calc.Batch{Hosts: []model.Host{{Node: "n", Address: one.Prefix.Addr()}}}},
		{"handed over again", calc.Batch{Problems: []calc.ObjectProblems{{Key: podID, Problems: []model.Problem{{Message: "bad"}}}}}},
	} {
		s := NewSink()
		if err := s.Apply(whole()); err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(&c.batch); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error that says %q", c.batch, err, c.want)
		}
	}
}

func TestSinkKnowsThatInSyncStays(t *testing.T) {
	s := NewSink()
	if err := s.Apply(&calc.Batch{InSync: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(&calc.Batch{}); err == nil {
		t.Error("in sync was taken back")
	}
}
