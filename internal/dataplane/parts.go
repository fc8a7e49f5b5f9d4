package dataplane

import (
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/render"
)

// part names an object that has a part of the table: a policy, an endpoint, a set, a
// pool or a host, by its name.
type part struct {
	what string
	name string
}

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
	changes := ps.members
	for key, old := range ps.told {
		changes = append(changes, render.Change{Old: old, New: ps.held[key]})
	}
	render.Put(ps.view, changes...)
	clear(ps.told)
	ps.members = nil
}
