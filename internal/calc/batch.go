package calc

import (
	"net/netip"

	"github.com/margay-net/margay/internal/model"
)

// Batch is what has changed for this node since the batch before. Its parts are in the
// order in which it is safe to apply them: nothing refers to what is not yet there, and
// nothing goes while something still refers to it. Applying any prefix of them is safe.
type Batch struct {
	// InSync says that every source has been read in full: from here on, what no batch
	// has named is not wanted. Once true it stays true.
	InSync bool

	Sets      []SetUpdate
	Policies  []*model.ActivePolicy // new, or changed
	Endpoints []*model.LocalEndpoint

	EndpointsGone []model.Key
	PoliciesGone  []model.PolicyID
	SetsGone      []model.SetID

	// VTEPs are the other nodes' ends of VXLAN tunnels, there before the routes through them.
	// Own is what this node is itself, in each family in which that has changed.
	VTEPs []model.VTEP
	Own   []model.Own

	// Peers are the other nodes that have a WireGuard key.
	Peers     []model.WireguardPeer
	PeersGone []string

	RoutesGone []netip.Prefix
	Routes     []model.Route
	VTEPsGone  []model.VTEPKey

	PoolsGone []netip.Prefix
	Pools     []model.NATPool
	HostsGone []netip.Addr
	Hosts     []model.Host

	// Problems are those of objects whose problems have changed.
	Problems []ObjectProblems
}

// SetUpdate creates a set or changes its members. An update never adds a member that
// the set has, nor removes one that it has not.
type SetUpdate struct {
	Set model.Set
	// New says that the set was not there: Added is all of it.
	New            bool
	Added, Removed []model.Member
}

// ObjectProblems is what the graph has found wrong with an object, beyond what could be
// seen when it was read. An empty list means that all is well again.
type ObjectProblems struct {
	Key      model.Key
	Problems []model.Problem
}

// Empty says whether the batch says nothing at all.
func (b *Batch) Empty() bool {
	return len(b.Sets) == 0 && len(b.Policies) == 0 && len(b.Endpoints) == 0 &&
		len(b.EndpointsGone) == 0 && len(b.PoliciesGone) == 0 && len(b.SetsGone) == 0 &&
		len(b.VTEPs) == 0 && len(b.Own) == 0 && len(b.VTEPsGone) == 0 &&
		len(b.Peers) == 0 && len(b.PeersGone) == 0 &&
		len(b.RoutesGone) == 0 && len(b.Routes) == 0 && len(b.PoolsGone) == 0 && len(b.Pools) == 0 &&
		len(b.HostsGone) == 0 && len(b.Hosts) == 0 && len(b.Problems) == 0
}
