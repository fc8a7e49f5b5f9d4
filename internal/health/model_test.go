package health

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
)

// model is the rules of the package comment, applied to the whole history each time.
type model struct {
	enabled family.Set
	every   map[string]int // seconds, by component name; 0 for never mind
	history map[Component][]said
}

// said is a report at a second; a beat says nothing of readiness.
type said struct {
	second      int
	beat, ready bool
}

func newModel(enabled family.Set) *model {
	m := &model{enabled: enabled, every: map[string]int{"loop": 5, "routes": 0}, history: map[Component][]said{}}
	for name := range m.every {
		for _, f := range []family.Family{0, family.V4, family.V6} {
			m.history[Component{name, f}] = nil
		}
	}
	return m
}

// judge says whether the component is alive and whether it is ready.
func (m *model) judge(second int, c Component) (alive, ready bool) {
	last := 0
	for _, s := range m.history[c] {
		last = s.second
		if !s.beat {
			ready = s.ready
		}
	}
	alive = m.every[c.Name] == 0 || second-last <= m.every[c.Name]
	return alive, alive && ready
}

// verdict is in the form of the test below.
func (m *model) verdict(second int) string {
	live, ready := true, true
	states := map[family.Family]FamilyState{}
	for _, f := range family.All() {
		states[f] = FamilyReady
		if !m.enabled.Has(f) {
			states[f] = FamilyOff
		}
	}
	for c := range m.history {
		if states[c.Family] == FamilyOff {
			continue
		}
		a, r := m.judge(second, c)
		live, ready = live && a, ready && r
		if !r && c.Family != 0 {
			states[c.Family] = FamilyNotReady
		}
	}
	return fmt.Sprintf("live %v, ready %v, IPv4 %s, IPv6 %s", live, ready, states[family.V4], states[family.V6])
}

func TestAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		enabled := family.Set(rapid.IntRange(0, 3).Draw(t, "families"))
		m, b := newModel(enabled), NewBoard(enabled)
		for c := range m.history {
			b.Add(at(0), c, Promise{Readiness: true, Every: time.Duration(m.every[c.Name]) * time.Second})
		}
		second := 0
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			second += rapid.IntRange(0, 2).Draw(t, "pause")
			c := Component{
				rapid.SampledFrom([]string{"loop", "routes"}).Draw(t, "component"),
				rapid.SampledFrom([]family.Family{0, family.V4, family.V6}).Draw(t, "family"),
			}
			s := said{second: second}
			switch rapid.SampledFrom([]string{"beat", "ready", "ready", "ready", "not ready"}).Draw(t, "says") {
			case "beat":
				s.beat = true
				b.Beat(at(second), c)
			case "ready":
				s.ready = true
				b.Ready(at(second), c)
			default:
				b.NotReady(at(second), c, "broken")
			}
			m.history[c] = append(m.history[c], s)

			d := b.Detail(at(second))
			got := fmt.Sprintf("live %v, ready %v, IPv4 %s, IPv6 %s", d.Live, d.Ready, d.Families[0].State, d.Families[1].State)
			if want := m.verdict(second); got != want {
				t.Fatalf("%s, want %s\n%s", got, want, d.Text(at(second)))
			}
			if d.Ready != (len(d.Reasons) == 0) {
				t.Fatalf("ready %v with reasons %q", d.Ready, d.Reasons)
			}
		}
	})
}
