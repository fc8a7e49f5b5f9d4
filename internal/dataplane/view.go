package dataplane

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/reconcile"
	"github.com/margay-net/margay/internal/rules"
)

// policyView is what a family's manager tells of policy to one backend. Nothing it says
// reaches the driver before tell. What it puts is a base, a model.Set, a *rules.Policy, a
// *model.LocalEndpoint (its place, without policy), a direction of one, a model.NATPool, a
// model.Host, a rules.Tunnel or a sender; saying the same again changes nothing.
type policyView interface {
	// configure puts settings into force. All but the members of sets is to be put again.
	configure(*config.Settings)
	put(object any)
	drop(part)
	// exchange takes members out of a set and puts others in, each set once between two
	// calls of tell.
	exchange(s model.Set, out, in []model.Member)
	// sameToEndpoints says whether the directions of endpoints under a policy stay as they
	// are when it changes.
	sameToEndpoints(a, b *rules.Policy) bool
	tell()
	// status is that of what has been put for a part.
	status(part) reconcile.Status
}

// base is what a family has in a backend whatever the cluster is like.
type base struct{}

// direction is one direction of an endpoint, with its policies.
type direction struct {
	*model.LocalEndpoint
	of       model.Direction
	policies rules.Finder
}

// renderer turns objects into parts, in the idiom of one backend.
type renderer[P any] interface {
	Base() P
	Set(model.Set) P
	Members(model.Set, []model.Member) P
	Policy(*rules.Policy) P
	SameToEndpoints(a, b *rules.Policy) bool
	Forget(model.PolicyID)
	Endpoint(*model.LocalEndpoint) P
	Direction(*model.LocalEndpoint, model.Direction, rules.Finder) P
	Pool(model.NATPool) P
	Host(model.Host) P
	Tunnel(rules.Tunnel) P
	Sender(netip.Addr) P
}

// view is a policyView whose backend takes parts P. It keeps what each object has there, so
// that one that is rendered anew or goes takes along what it no longer wants. Changes are
// collected, and go to the driver together.
type view[P any] struct {
	make   func(*config.Settings) renderer[P]
	give   func([]change[P])
	state  func(P) reconcile.Status
	render renderer[P]
	held   map[part]P
	// told is what the driver knows of the objects that have changed since.
	told map[part]P
	// members are changes of what sets hold: nobody keeps that but the driver.
	members []change[P]
}

// change is a part as it was, and as it is to be.
type change[P any] struct{ Old, New P }

// newView makes a view. make makes a renderer, give hands changes to the driver, and state
// is that of a part which the driver has.
func newView[P any](make func(*config.Settings) renderer[P], give func([]change[P]), state func(P) reconcile.Status) *view[P] {
	return &view[P]{make: make, give: give, state: state, held: map[part]P{}, told: map[part]P{}}
}

func (v *view[P]) configure(s *config.Settings) { v.render = v.make(s) }

func (v *view[P]) put(object any) {
	key := partOf(object)
	v.remember(key)
	v.held[key] = v.rendered(object)
}

func (v *view[P]) rendered(object any) P {
	switch o := object.(type) {
	case model.Set:
		return v.render.Set(o)
	case *rules.Policy:
		return v.render.Policy(o)
	case *model.LocalEndpoint:
		return v.render.Endpoint(o)
	case direction:
		return v.render.Direction(o.LocalEndpoint, o.of, o.policies)
	case model.NATPool:
		return v.render.Pool(o)
	case model.Host:
		return v.render.Host(o)
	case rules.Tunnel:
		return v.render.Tunnel(o)
	case sender:
		return v.render.Sender(o.Addr)
	}
	return v.render.Base()
}

func (v *view[P]) drop(key part) {
	v.remember(key)
	delete(v.held, key)
	if key.what == "policy" {
		v.render.Forget(key.id)
	}
}

func (v *view[P]) remember(key part) {
	if _, already := v.told[key]; !already {
		v.told[key] = v.held[key]
	}
}

func (v *view[P]) exchange(s model.Set, out, in []model.Member) {
	v.members = append(v.members, change[P]{Old: v.render.Members(s, out), New: v.render.Members(s, in)})
}

func (v *view[P]) sameToEndpoints(a, b *rules.Policy) bool { return v.render.SameToEndpoints(a, b) }

func (v *view[P]) tell() {
	changes := slices.Grow(v.members, len(v.told))
	for key, old := range v.told {
		changes = append(changes, change[P]{Old: old, New: v.held[key]})
	}
	v.give(changes)
	clear(v.told)
	v.members = nil
}

func (v *view[P]) status(key part) reconcile.Status { return v.state(v.held[key]) }

// views are those of all backends that policy goes to: one, or two while one takes over from
// the other.
type views []policyView

func (vs views) put(object any) {
	for _, v := range vs {
		v.put(object)
	}
}

func (vs views) drop(key part) {
	for _, v := range vs {
		v.drop(key)
	}
}

func (vs views) exchange(s model.Set, out, in []model.Member) {
	for _, v := range vs {
		v.exchange(s, out, in)
	}
}

func (vs views) sameToEndpoints(a, b *rules.Policy) bool {
	return !slices.ContainsFunc(vs, func(v policyView) bool { return !v.sameToEndpoints(a, b) })
}

func (vs views) tell() {
	for _, v := range vs {
		v.tell()
	}
}
