package config

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// modelSetting is a setting as the slow model knows it: which texts are good, and what
// they are in canonical form. Everything else that it may be given is bad.
type modelSetting struct {
	name, field string
	builtIn     string
	good        map[string]string
	bad         []string
}

func modelSettings() []modelSetting {
	return []modelSetting{
		{"VXLANPort", "vxlanPort", "4789", map[string]string{"1": "1", "0x2": "2", " 3 ": "3"}, []string{"0", "x", "70000", "none"}},
		{"Ipv6Support", "ipv6Support", "true", map[string]string{"false": "false", "y": "true", "None": "false"}, []string{"2", "maybe"}},
		{"NATOutgoingAddressIPv6", "natOutgoingAddressIPv6", "none",
			map[string]string{"fd00::0:1": "fd00::1", "fd00::2": "fd00::2", "none": "none"}, []string{"10.0.0.1", "::", "fd00::/8"}},
		{"DefaultEndpointToHostAction", "defaultEndpointToHostAction", "DROP",
			map[string]string{"Accept": "ACCEPT", "RETURN": "RETURN"}, []string{"REJECT", "none"}},
		{"FelixHostname", "", "none", map[string]string{"a": "a", "b": "b", "none": "none"}, []string{"a b"}},
	}
}

// state is what all layers say at one time: layer, setting, text.
type state map[layerID]map[string]string

// layerID is a layer's identity.
type layerID struct {
	source Source
	name   string
}

// modelLayers are the layers there can be, from the one that overrides all others down.
func modelLayers() []layerID {
	return []layerID{
		{Flag, ""}, {Environment, ""}, {File, "felix.cfg"}, {Node, "node.a"},
		{Selected, "a"}, {Selected, "b"}, {Cluster, "default"}, {Detected, ""},
	}
}

// modelValue works out one setting from the whole history of states, the last of which
// is now, without any memory but that.
func modelValue(s modelSetting, history []state) (value string, from layerID) {
	for _, l := range modelLayers() {
		if s.field == "" && l.source.datastore() {
			continue
		}
		// Back in time, as long as the layer says something of the setting: the first
		// good thing that it said counts.
		for then := len(history) - 1; then >= 0; then-- {
			text := history[then][l][s.name]
			if strings.TrimSpace(text) == "" {
				break
			}
			if canonical, ok := s.good[text]; ok {
				return canonical, l
			}
		}
	}
	return s.builtIn, layerID{}
}

// layers builds what Resolve takes from a state, in the given order.
func (s state) layers(order []layerID) []Layer {
	var all []Layer
	for _, id := range order {
		said, present := s[id]
		if !present {
			continue
		}
		l := Layer{Source: id.source, Name: id.name, Values: map[string]any{}}
		for _, setting := range modelSettings() {
			text, made := said[setting.name]
			switch {
			case !made:
			case id.source.datastore() && setting.field != "":
				l.Values[setting.field] = text
			case id.source.datastore():
				l.Values[setting.name] = text // which is misplaced
			default:
				l.Values[strings.ToUpper(setting.name)] = text
			}
		}
		all = append(all, l)
	}
	return all
}

// drawState draws what the layers say: each is there or not, and says of each setting
// nothing, something empty, something good or something bad.
func drawState(t *rapid.T) state {
	drawn := state{}
	for _, id := range modelLayers() {
		if rapid.IntRange(0, 2).Draw(t, fmt.Sprint(id.source, id.name)) == 0 {
			continue
		}
		drawn[id] = map[string]string{}
		for _, s := range modelSettings() {
			texts := append([]string{"", " "}, s.bad...)
			for good := range s.good {
				texts = append(texts, good)
			}
			// Map order is random, and rapid replays draws: sort.
			if text := rapid.SampledFrom(append(sorted(texts), "unmade", "unmade")).Draw(t, s.name); text != "unmade" {
				drawn[id][s.name] = text
			}
		}
	}
	return drawn
}

// TestResolveAgreesWithTheModel runs Resolve through random histories of what the
// layers say, in random order, and asks the slow model for every value and its origin.
func TestResolveAgreesWithTheModel(t *testing.T) {
	table := NewTable()
	rapid.Check(t, func(t *rapid.T) {
		var history []state
		var r *Resolved
		started := ""
		for step := range rapid.IntRange(1, 6).Draw(t, "steps") {
			history = append(history, drawState(t))
			order := rapid.Permutation(modelLayers()).Draw(t, "order")
			r = table.Resolve(history[step].layers(order), r)
			for _, s := range modelSettings() {
				want, from := modelValue(s, history)
				origin := Layer{Source: from.source, Name: from.name}.where()
				if s.name == "FelixHostname" { // a running agent keeps it
					if step == 0 {
						started = want
					}
					if got := r.waiting[s.name]; want != started && got != want && (want != none || got != "") {
						t.Fatalf("step %d: %s waits for %q, want %q", step, s.name, got, want)
					}
					if want != started {
						want, origin = started, r.Origin(s.name)
					}
					if step > 0 {
						origin = r.Origin(s.name)
					}
				}
				if got := valueOf(r, s.name); got != want || r.Origin(s.name) != origin {
					t.Fatalf("step %d: %s = %s from %s, want %s from %s\nhistory %v\n%s",
						step, s.name, got, r.Origin(s.name), want, origin, history, problems(r.Problems))
				}
			}
			badValuesAreReported(t, history[step], r)
		}
	})
}

// badValuesAreReported checks that there is one report for each bad value, and no other.
func badValuesAreReported(t *rapid.T, now state, r *Resolved) {
	want := 0
	for id, said := range now {
		for _, s := range modelSettings() {
			text := said[s.name]
			if strings.TrimSpace(text) == "" || s.field == "" && id.source.datastore() {
				continue
			}
			if _, good := s.good[text]; !good {
				want++
			}
		}
	}
	got := 0
	for _, p := range r.Problems {
		if p.Kind == Unusable {
			got++
		}
	}
	if got != want {
		t.Fatalf("%d bad values, %d reports:\n%s", want, got, problems(r.Problems))
	}
}

// TestDiffTellsTheNews: applying what Diff lists to the old values gives the new ones.
func TestDiffTellsTheNews(t *testing.T) {
	table := NewTable()
	rapid.Check(t, func(t *rapid.T) {
		before := table.Resolve(drawState(t).layers(modelLayers()), nil)
		after := table.Resolve(drawState(t).layers(modelLayers()), before)
		values := map[string]string{}
		for _, s := range table.all {
			values[s.Name] = s.Value.text(&before.Settings)
		}
		for _, c := range Diff(before, after) {
			if c.Restart != table.Lookup(c.Name).Restart || c.Old == c.New || c.Old != values[c.Name] {
				t.Fatalf("change %+v, value before %q", c, values[c.Name])
			}
			if !c.Restart {
				values[c.Name] = c.New
			}
		}
		for _, s := range table.all {
			if got := s.Value.text(&after.Settings); got != values[s.Name] {
				t.Fatalf("%s is %q, by Diff %q", s.Name, got, values[s.Name])
			}
		}
	})
}
