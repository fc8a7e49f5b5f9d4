package health

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
)

// TestAgreesWithModel reports at random and compares with the rules of the package comment,
// applied to the whole history each time.
func TestAgreesWithModel(t *testing.T) {
	type report struct {
		second int
		beat   bool // says nothing of readiness
		ready  bool
	}
	every := map[string]int{"loop": 5, "routes": 0} // seconds
	rapid.Check(t, func(t *rapid.T) {
		var components []Component
		history := map[Component][]report{}
		enabled := family.Set(rapid.IntRange(0, 3).Draw(t, "families"))
		b := NewBoard(enabled)
		for name, seconds := range every {
			for _, f := range []family.Family{0, family.V4, family.V6} {
				c := Component{name, f}
				components = append(components, c)
				b.Add(at(0), c, Promise{Readiness: true, Every: time.Duration(seconds) * time.Second})
			}
		}
		second := 0
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			second += rapid.IntRange(0, 3).Draw(t, "pause")
			c := components[rapid.IntRange(0, len(components)-1).Draw(t, "component")]
			r := report{second, rapid.Bool().Draw(t, "beat"), rapid.Bool().Draw(t, "ready")}
			history[c] = append(history[c], r)
			switch {
			case r.beat:
				b.Beat(at(second), c)
			case r.ready:
				b.Ready(at(second), c)
			default:
				b.NotReady(at(second), c, "broken")
			}
		}

		live, ready := true, true
		states := map[family.Family]FamilyState{}
		for _, f := range family.All() {
			states[f] = FamilyReady
			if !enabled.Has(f) {
				states[f] = FamilyOff
			}
		}
		for _, c := range components {
			if states[c.Family] == FamilyOff {
				continue
			}
			last, saysReady := 0, false
			for _, r := range history[c] {
				last = r.second
				if !r.beat {
					saysReady = r.ready
				}
			}
			alive := every[c.Name] == 0 || second-last <= every[c.Name]
			live = live && alive
			if !alive || !saysReady {
				ready = false
				if c.Family != 0 {
					states[c.Family] = FamilyNotReady
				}
			}
		}
		d := b.Detail(at(second))
		got := fmt.Sprint(d.Live, d.Ready, d.Families[0].State, d.Families[1].State)
		if want := fmt.Sprint(live, ready, states[family.V4], states[family.V6]); got != want {
			t.Fatalf("%s, want %s\n%s", got, want, d.Text(at(second)))
		}
		if ready != (len(d.Reasons) == 0) {
			t.Fatalf("ready %v with reasons %q", ready, d.Reasons)
		}
	})
}
