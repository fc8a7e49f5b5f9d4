package health

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// start is when every test begins.
func start() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func at(seconds int) time.Time { return start().Add(time.Duration(seconds) * time.Second) }

// verdict is the short form that tests compare: what is said to Kubernetes, by family, and why.
func verdict(d Detail) string {
	out := choose(d.Ready, "ready", "not ready") + ", " + choose(d.Live, "alive", "not alive")
	for _, f := range d.Families {
		out += fmt.Sprintf("; %s %s", f.Family, f.State)
	}
	for _, reason := range d.Reasons {
		out += "\n  " + reason
	}
	return out
}

func want(t *testing.T, b *Board, now time.Time, lines ...string) {
	t.Helper()
	if got, want := verdict(b.Detail(now)), strings.Join(lines, "\n"); got != want {
		t.Errorf("at %s\n is  %s\nwant %s", now.Format(time.TimeOnly), got, want)
	}
}

func TestNothingReportedIsNotReady(t *testing.T) {
	want(t, NewBoard(family.Both), at(0),
		"not ready, alive; IPv4 ready; IPv6 ready",
		"  nothing has reported yet")
}

func TestReadiness(t *testing.T) {
	b := NewBoard(family.Both)
	calc := Component{Name: "calculation"}
	b.Add(at(0), calc, Promise{Readiness: true})
	for _, f := range family.All() {
		b.Add(at(0), Component{"routes", f}, Promise{Readiness: true})
	}
	want(t, b, at(1),
		"not ready, alive; IPv4 not ready; IPv6 not ready",
		"  calculation: has not reported yet",
		"  routes IPv4: has not reported yet",
		"  routes IPv6: has not reported yet")

	b.Ready(at(2), calc)
	b.Ready(at(2), Component{"routes", family.V4})
	b.NotReady(at(2), Component{"routes", family.V6}, "route fd00::/64 dev cali1: no such device")
	want(t, b, at(3),
		"not ready, alive; IPv4 ready; IPv6 not ready",
		"  routes IPv6: route fd00::/64 dev cali1: no such device")

	b.Ready(at(4), Component{"routes", family.V6})
	want(t, b, at(4), "ready, alive; IPv4 ready; IPv6 ready")

	b.NotReady(at(5), calc, "")
	want(t, b, at(5),
		"not ready, alive; IPv4 ready; IPv6 ready",
		"  calculation: says that it is not ready")
}

// TestOneFamilyFails runs both ways round: one family's trouble is that family's, and goes
// with the family when it is turned off.
func TestOneFamilyFails(t *testing.T) {
	for _, broken := range family.All() {
		t.Run(broken.String(), func(t *testing.T) {
			b := NewBoard(family.Both)
			b.Ready(at(0), Component{Name: "source"})
			b.Ready(at(0), Component{"nftables", broken.Other()})
			b.NotReady(at(0), Component{"nftables", broken}, "no space left")
			b.SetCondition(at(0), Condition{Name: "NoAddress", Family: broken, Status: True})

			states := map[family.Family]string{broken: "not ready", broken.Other(): "ready"}
			line := func(verdict string) string {
				return fmt.Sprintf("%s, alive; IPv4 %s; IPv6 %s", verdict, states[family.V4], states[family.V6])
			}
			want(t, b, at(1), line("not ready"), fmt.Sprintf("  nftables %v: no space left", broken))

			b.SetFamilies(family.NewSet(broken.Other()))
			states[broken] = "off"
			want(t, b, at(2), line("ready"))
			if d := b.Detail(at(2)); len(d.Components) != 2 || len(d.Conditions) != 0 {
				t.Errorf("a family that is off is shown: %+v", d)
			}

			// What it reports meanwhile counts as soon as it is on again.
			b.Ready(at(3), Component{"nftables", broken})
			b.SetFamilies(family.Both)
			states[broken] = "ready"
			want(t, b, at(4), line("ready"))
		})
	}
}

func TestLiveness(t *testing.T) {
	b := NewBoard(family.NewSet(family.V6))
	loop := Component{Name: "apply-loop"}
	b.Add(at(0), loop, Promise{Every: 90 * time.Second})
	want(t, b, at(90), "ready, alive; IPv4 off; IPv6 ready")
	late := []string{"not ready, not alive; IPv4 off; IPv6 ready", "  apply-loop: no report for 1m31s, expected at least every 1m30s"}
	want(t, b, at(91), late...)

	b.Beat(at(92), loop)
	want(t, b, at(92), "ready, alive; IPv4 off; IPv6 ready")
	b.NotReady(at(100), loop, "3 routes pending") // a report of any kind is a beat
	want(t, b, at(190),
		"not ready, alive; IPv4 off; IPv6 ready",
		"  apply-loop: 3 routes pending")
	want(t, b, at(191), late...)
}

func TestTimeoutsAreSetLive(t *testing.T) {
	b := NewBoard(family.Both)
	b.Add(at(0), Component{"apply", family.V4}, Promise{Every: 90 * time.Second})
	b.Add(at(0), Component{"apply", family.V6}, Promise{Every: 90 * time.Second})
	b.SetTimeouts(map[string]time.Duration{"apply": 10 * time.Second, "nobody": time.Second})
	b.Beat(at(5), Component{"apply", family.V4})
	want(t, b, at(15),
		"not ready, not alive; IPv4 ready; IPv6 not ready",
		"  apply IPv6: no report for 15s, expected at least every 10s")
	b.SetTimeouts(map[string]time.Duration{"apply": 0})
	want(t, b, at(1000), "ready, alive; IPv4 ready; IPv6 ready")
	b.SetTimeouts(nil)
	b.Beat(at(1000), Component{"apply", family.V4})
	want(t, b, at(1001),
		"not ready, not alive; IPv4 ready; IPv6 not ready",
		"  apply IPv6: no report for 16m41s, expected at least every 1m30s")
}

func TestAddAgainAndRemove(t *testing.T) {
	b := NewBoard(family.Both)
	c := Component{"routes", family.V4}
	b.Add(at(0), c, Promise{Readiness: true})
	b.NotReady(at(1), c, "broken")
	b.Add(at(2), c, Promise{Readiness: true, Every: time.Second})
	want(t, b, at(3),
		"not ready, alive; IPv4 not ready; IPv6 ready",
		"  routes IPv4: broken")
	b.Ready(at(3), Component{Name: "calculation"})
	b.Remove(c)
	want(t, b, at(100), "ready, alive; IPv4 ready; IPv6 ready")
}

func TestSinceIsTheLastChange(t *testing.T) {
	b := NewBoard(family.Both)
	c := Component{Name: "source"}
	since := func(now time.Time) string { return b.Detail(now).Components[0].Since.Format("05") }
	b.Add(at(0), c, Promise{Readiness: true})
	for _, step := range []struct {
		second int
		ready  bool
		since  string
	}{
		{1, false, "00"}, {2, true, "02"}, {3, true, "02"}, {4, false, "04"}, {5, false, "04"}, {6, true, "06"},
	} {
		if step.ready {
			b.Ready(at(step.second), c)
		} else {
			b.NotReady(at(step.second), c, fmt.Sprint("reason ", step.second))
		}
		if got := since(at(10)); got != step.since {
			t.Errorf("second %d: since %s, want %s", step.second, got, step.since)
		}
	}
}

func TestConditions(t *testing.T) {
	b := NewBoard(family.Both)
	show := func() string {
		var out []string
		for _, c := range b.Detail(at(9)).Conditions {
			out = append(out, fmt.Sprintf("%s/%s %s %q %s", c.Name, c.Family, c.Status, c.Message, c.Since.Format("05")))
		}
		return strings.Join(out, "; ")
	}
	for i, step := range []struct {
		do   func(now time.Time)
		want string
	}{
		{func(now time.Time) {
			b.SetCondition(now, Condition{Name: "B", Family: family.V6, Status: True, Message: "m"})
		},
			`B/IPv6 True "m" 00`},
		{func(now time.Time) {
			b.SetCondition(now, Condition{Name: "B", Family: family.V6, Status: True, Message: "n"})
		},
			`B/IPv6 True "n" 00`},
		{func(now time.Time) { b.SetCondition(now, Condition{Name: "B", Family: family.V6, Status: Unknown}) },
			`B/IPv6 Unknown "" 02`},
		{func(now time.Time) { b.SetCondition(now, Condition{Name: "B", Family: family.V4, Status: False}) },
			`B/IPv4 False "" 03; B/IPv6 Unknown "" 02`},
		{func(now time.Time) { b.SetCondition(now, Condition{Name: "A", Status: True}) },
			`A/ True "" 04; B/IPv4 False "" 03; B/IPv6 Unknown "" 02`},
		{func(time.Time) { b.ClearCondition("B", family.V6) }, `A/ True "" 04; B/IPv4 False "" 03`},
		{func(time.Time) { b.ClearCondition("C", 0) }, `A/ True "" 04; B/IPv4 False "" 03`},
	} {
		step.do(at(i))
		if got := show(); got != step.want {
			t.Errorf("step %d\n is  %s\nwant %s", i, got, step.want)
		}
	}
}
