package routes_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/routes"
)

// heard are the Feed's events as text.
func heard(f *routes.Feed) []string {
	var out []string
	for _, e := range f.Events() {
		if e.Value == nil {
			out = append(out, e.Key.String()+" gone")
			continue
		}
		out = append(out, fmt.Sprint(e.Key, " ", e.Value.(*model.StandingRoutes).Destinations))
	}
	return out
}

func (n *node) handle() {
	n.t.Helper()
	n.each(func(f family.Family, d *routes.Driver) { d.Handle(settled(n.t, n.w, f, n.events[f]), n.now) })
}

func TestTheGraphHearsOfStandingRoutes(t *testing.T) {
	of := func(n *node, v4, v6, both string) []string {
		switch {
		case len(n.families) == 2:
			return []string{both}
		case n.families[0] == family.V4:
			return []string{v4}
		}
		return []string{v6}
	}
	onEachNode(t, func(n *node) {
		i := n.link("cali1")
		n.each(func(f family.Family, _ *routes.Driver) { n.stranger(routes.Create, cni(f, 5, i)) })
		n.step()
		n.start(routes.Settings{})
		n.each(func(_ family.Family, d *routes.Driver) { _, _ = d.Apply(n.now) })
		want := of(n, "StandingRoute/cali1 [10.244.1.5/32]", "StandingRoute/cali1 [fd00:244:1::5/128]", "StandingRoute/cali1 [10.244.1.5/32 fd00:244:1::5/128]")
		if got := heard(n.feed); !slices.Equal(got, want) {
			n.t.Errorf("at start: %q, want %q", got, want)
		}
		n.wantPod(5, "cali1")
		n.inSync()
		n.handle()
		n.each(func(_ family.Family, d *routes.Driver) { _, _ = d.Apply(n.now) })
		if got := heard(n.feed); len(got) != 0 {
			n.t.Errorf("its own route in the place of the plugin's is no news: %q", got)
		}
		n.w.DeleteLink("cali1")
		n.handle()
		if got := heard(n.feed); !slices.Equal(got, []string{"StandingRoute/cali1 gone"}) {
			n.t.Errorf("at the end: %q", got)
		}
	})
}

// The endpoint is known by one family only; the plugin's route of the other is not
// removed before the graph had a chance to hear of it.
func TestNoRouteIsRemovedBeforeTheGraphHeardOfIt(t *testing.T) {
	onEachNode(t, func(n *node) {
		i := n.link("cali1")
		n.inSync()
		n.step()
		n.each(func(f family.Family, d *routes.Driver) {
			n.stranger(routes.Create, cni(f, 5, i))
			d.Claim("cali1")
		})
		n.handle()
		n.each(func(f family.Family, d *routes.Driver) {
			next, err := d.Apply(n.now)
			if err != nil || !next.Equal(n.now) || !has(n.t, n.w, normalised(cni(f, 5, i))) {
				n.t.Errorf("%s: due again at %v, %v; routes %q", f, next, err, n.routesOf(f))
			}
		})
		n.feed.Events()
		n.each(func(f family.Family, d *routes.Driver) {
			_, _ = d.Apply(n.now)
			if has(n.t, n.w, normalised(cni(f, 5, i))) {
				n.t.Errorf("%s: heard of and not wanted, but there: %q", f, n.routesOf(f))
			}
		})
	})
}

func normalised(r routes.Route) routes.Route {
	if r.Family() == family.V6 && r.Metric == 0 {
		r.Metric = 1024
	}
	return r
}
