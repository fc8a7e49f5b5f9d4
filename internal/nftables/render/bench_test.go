package render_test

import (
	"fmt"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/rules"
)

// One pod under ten policies, for one family: rendered, and put into the driver's view in
// the place of what it was under nine.
func BenchmarkEndpoint(b *testing.B) {
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprint("policy-", i))
	}
	w := crowd(1, names...)
	n := w.Node(family.V6)
	find := func(id model.PolicyID) *rules.Policy { return n.Policies[id] }
	r := render.New(family.V6, w.Settings)
	ten := w.Endpoints[0]
	nine := crowd(1, names[:9]...).Endpoints[0]

	b.Run("render", func(b *testing.B) {
		for b.Loop() {
			r.Direction(ten, model.Ingress, find)
		}
	})
	b.Run("put", func(b *testing.B) {
		d := driver(w.Settings)
		change(nil, w, family.V6, d.View(family.V6))
		old, now := r.Direction(nine, model.Ingress, find), r.Direction(ten, model.Ingress, find)
		for b.Loop() {
			render.Put(d.View(family.V6), render.Change{Old: old, New: now})
			old, now = now, old
		}
	})
}
