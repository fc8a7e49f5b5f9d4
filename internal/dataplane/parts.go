package dataplane

import (
	"net/netip"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// part names what has a part of a backend: a policy, an endpoint, or one direction of it, by
// its key; a set, a pool or a host, by its name.
type part struct {
	what string
	id   model.Key
	name string
}

func setPart(id model.SetID) part { return part{what: "set", name: string(id)} }

func policyPart(id model.PolicyID) part { return part{what: "policy", id: id} }

func endpointPart(id model.Key) part { return part{what: "endpoint", id: id} }

func directionPart(id model.Key, d model.Direction) part { return part{what: d.String(), id: id} }

func poolPart(p netip.Prefix) part { return part{what: "pool", name: p.String()} }

func hostPart(a netip.Addr) part { return part{what: "host", name: a.String()} }

// partOf is the part that an object has.
func partOf(object any) part {
	switch o := object.(type) {
	case model.Set:
		return setPart(o.ID)
	case *rules.Policy:
		return policyPart(o.ID)
	case *model.LocalEndpoint:
		return endpointPart(o.ID)
	case direction:
		return directionPart(o.ID, o.of)
	case model.NATPool:
		return poolPart(o.CIDR)
	case model.Host:
		return hostPart(o.Address)
	case rules.Tunnel:
		return tunnelPart()
	case sender:
		return senderPart(o.Addr)
	}
	return part{what: "base"}
}
