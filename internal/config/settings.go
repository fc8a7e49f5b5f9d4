package config

import "github.com/margay-net/margay/internal/family"

// Settings is what the agent runs by: every setting that Margay has, parsed and
// checked. A value is never changed once Resolve has returned it, nor are the slices,
// maps and regular expressions in it; a reload makes a new one.
//
// The types of the groups stand beside their rows of the table, in table_*.go.
type Settings struct {
	Datastore Datastore
	// Support says per family whether the node's pods may use it. A family that is off
	// is closed: its traffic on pod interfaces is dropped.
	Support       family.Pair[bool]
	Interfaces    Interfaces
	Routes        Routes
	Policy        Policy
	HostEndpoints HostEndpoints
	NAT           NAT
	MTU           MTU
	VXLAN         VXLAN
	IPIP          IPIP
	Wireguard     Wireguard
	NFTables      NFTables
	Iptables      Iptables
	Health        Health
	Metrics       Metrics
	Debug         Debug
	Logging       Logging
	Runtime       Runtime
}

// Families is the set of families that are on.
func (s *Settings) Families() family.Set {
	var on family.Set
	for _, f := range family.All() {
		if s.Support.Get(f) {
			on = on.With(f)
		}
	}
	return on
}
