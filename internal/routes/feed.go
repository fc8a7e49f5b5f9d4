package routes

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Feed tells the calculation graph which routes stand on the pods' interfaces: the CNI
// plugin's word on a pod's addresses, which may be ahead of the API's. Both families'
// drivers put into one Feed; it is not safe for concurrent use.
//
// A driver does not remove a route that the graph has not been told of. So the graph is
// to be given Events after each Handle and Apply, and flushed before the next Apply.
type Feed struct {
	standing map[string]*family.Pair[[]netip.Prefix]
	changed  map[string]bool
	untold   map[standingRoute]bool
}

type standingRoute struct {
	name        string
	destination netip.Prefix
}

// NewFeed makes a Feed that has nothing to tell.
func NewFeed() *Feed {
	return &Feed{
		standing: map[string]*family.Pair[[]netip.Prefix]{},
		changed:  map[string]bool{},
		untold:   map[standingRoute]bool{},
	}
}

// Events are the interfaces whose routes have changed since the last call, each with all
// its destinations of both families; no value if none is left.
func (f *Feed) Events() []model.Event {
	var out []model.Event
	for _, name := range slices.Sorted(maps.Keys(f.changed)) {
		e := model.Event{Key: model.Key{Kind: model.KindStandingRoute, Name: name}}
		if p := f.standing[name]; p != nil {
			e.Value = &model.StandingRoutes{Destinations: slices.Concat(p.Get(family.V4), p.Get(family.V6))}
		}
		out = append(out, e)
	}
	clear(f.changed)
	clear(f.untold)
	return out
}

// set replaces what stands on one interface in one family. A nil Feed takes no notice.
func (f *Feed) set(of family.Family, name string, routes map[Key]Route) {
	if f == nil {
		return
	}
	var now []netip.Prefix
	for k := range routes {
		now = append(now, k.Destination)
	}
	slices.SortFunc(now, netip.Prefix.Compare)
	now = slices.Compact(now)

	p := f.standing[name]
	if p == nil {
		p = &family.Pair[[]netip.Prefix]{}
	}
	before := p.Get(of)
	if slices.Equal(before, now) {
		return
	}
	for _, dst := range now {
		if !slices.Contains(before, dst) {
			f.untold[standingRoute{name, dst}] = true
		}
	}
	*p.At(of) = now
	f.standing[name] = p
	if len(p.Get(of.Other())) == 0 && len(now) == 0 {
		delete(f.standing, name)
	}
	f.changed[name] = true
}

func (f *Feed) forget(of family.Family, name string) { f.set(of, name, nil) }

// isUntold says whether the graph has yet to hear of a route.
func (f *Feed) isUntold(name string, dst netip.Prefix) bool {
	return f != nil && f.untold[standingRoute{name, dst}]
}
