package dataplane

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/render"
)

// part names what has a part of the table: a policy, an endpoint, or one direction of it,
// by its key; a set, a pool or a host, by its name.
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

// basePart is what the family has in the table whatever the cluster is like.
func basePart() part { return part{what: "base"} }

// parts keeps what each object has in the table, so that one that is rendered anew or
// goes takes along what it no longer wants. Changes are collected, and go to the view
// together.
type parts struct {
	view *nftables.View
	held map[part]render.Part
	// told is what the view knows of the objects that have changed since.
	told map[part]render.Part
	// members are changes of what sets hold: nobody keeps that but the view.
	members []render.Change
}

func newParts(view *nftables.View) *parts {
	return &parts{view: view, held: map[part]render.Part{}, told: map[part]render.Part{}}
}

// put makes p all that the object wants.
func (ps *parts) put(key part, p render.Part) {
	ps.remember(key)
	ps.held[key] = p
}

// drop takes the object out of the table.
func (ps *parts) drop(key part) {
	ps.remember(key)
	delete(ps.held, key)
}

func (ps *parts) remember(key part) {
	if _, already := ps.told[key]; !already {
		ps.told[key] = ps.held[key]
	}
}

// exchange takes members out of sets and puts others in, each set once between two calls
// of tell.
func (ps *parts) exchange(out, in render.Part) {
	ps.members = append(ps.members, render.Change{Old: out, New: in})
}

// tell tells the view what has been collected.
func (ps *parts) tell() {
	changes := slices.Grow(ps.members, len(ps.told))
	for key, old := range ps.told {
		changes = append(changes, render.Change{Old: old, New: ps.held[key]})
	}
	render.Put(ps.view, changes...)
	clear(ps.told)
	ps.members = nil
}
