package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Resolved is the outcome of resolving the layers once. It does not change.
type Resolved struct {
	// Settings are the values that hold.
	Settings Settings
	// Problems are all that was found, layer by layer from the highest down.
	Problems []Problem
	// Fresh are those Problems that the previous outcome did not have: what to log.
	Fresh []Problem

	table *Table
	// origin is the layer that each setting comes from, by name; built-in ones are not
	// in it.
	origin map[string]string
	// waiting are the values, by name, that restart-only settings would have after a
	// restart, where that differs from what holds.
	waiting map[string]string
	// good are the last good values of each layer that is still there, in canonical
	// text, by layer and setting name.
	good map[string]map[string]string
}

// chosen is the value of a setting that prevails over the other layers' ones.
type chosen struct{ text, where string }

// Resolve works out what holds when the layers, in any order, say what they say. It is
// a function of its arguments alone.
//
// previous is the outcome before this one, or nil at the start. It is what an unusable
// value falls back to first: the last good value that the same layer gave this
// setting, as long as the layer has not unset it in between. It also keeps the value
// that restart-only settings started with.
func (t *Table) Resolve(layers []Layer, previous *Resolved) *Resolved {
	r := &Resolved{
		Settings: t.factory, table: t,
		origin: map[string]string{}, waiting: map[string]string{}, good: map[string]map[string]string{},
	}
	if previous == nil {
		previous = &Resolved{}
	}
	winners := map[*Setting]chosen{}
	for _, l := range ordered(layers) {
		for s, text := range r.check(l, previous.good[l.where()]) {
			if _, overridden := winners[s]; !overridden {
				winners[s] = chosen{text, l.where()}
			}
		}
	}
	for _, s := range t.all {
		r.settle(s, winners, previous)
	}
	r.Problems = append(r.Problems, conflicts(&r.Settings)...)
	for i, p := range r.Problems {
		if s := t.settingOf(p); s != nil && p.Kind == Unusable {
			r.Problems[i].Holds = cmp.Or(s.Value.text(&r.Settings), none)
		}
	}
	for _, p := range r.Problems {
		if !slices.Contains(previous.Problems, p) {
			r.Fresh = append(r.Fresh, p)
		}
	}
	return r
}

// ordered sorts layers from the one that overrides all others down.
func ordered(layers []Layer) []Layer {
	return slices.SortedStableFunc(slices.Values(layers), func(a, b Layer) int {
		return cmp.Or(cmp.Compare(b.Source, a.Source), strings.Compare(a.Name, b.Name))
	})
}

// check returns the canonical values that a layer has to give, and reports what is
// wrong with it. An unusable value is replaced by the layer's last good one.
func (r *Resolved) check(l Layer, lastGood map[string]string) map[*Setting]string {
	made, problems := r.table.read(l)
	values, good := map[*Setting]string{}, map[string]string{}
	for _, s := range made {
		text, err := canonical(s)
		if err != nil {
			problems = append(problems, l.problem(Unusable, s.key, s.raw, err.Error()))
			last, known := lastGood[s.setting.Name]
			if !known {
				continue
			}
			text = last
		}
		values[s.setting], good[s.setting.Name] = text, text
	}
	r.Problems = append(r.Problems, problems...)
	r.good[l.where()] = good
	return values
}

// canonical checks what a layer says of a setting, and puts it in canonical text. A
// text may be blank though something was said: a list of nothing but empty strings.
func canonical(s said) (string, error) {
	if s.err != nil {
		return "", s.err
	}
	var scratch Settings
	var err error
	if text := strings.TrimSpace(s.text); text == "" || strings.EqualFold(text, none) {
		err = s.setting.Value.assignNone(&scratch)
	} else {
		err = s.setting.Value.assign(&scratch, s.text)
	}
	return s.setting.Value.text(&scratch), err
}

// settle gives a setting its value: the winner's or, in a running agent, for a setting
// that needs a restart, the value it started with.
func (r *Resolved) settle(s *Setting, winners map[*Setting]chosen, previous *Resolved) {
	if w, made := winners[s]; made {
		r.origin[s.Name] = w.where
		if err := s.Value.assign(&r.Settings, w.text); err != nil {
			// A canonical text parses; should one not, its setting keeps the default.
			r.Problems = append(r.Problems, Problem{Setting: s.Name, Value: w.text, Reason: err.Error()})
			delete(r.origin, s.Name)
		}
	}
	if !s.Restart || previous.table == nil {
		return
	}
	wanted, running := s.Value.text(&r.Settings), s.Value.text(&previous.Settings)
	if wanted == running {
		return
	}
	r.waiting[s.Name] = wanted
	r.Problems = append(r.Problems, Problem{Kind: Deferred, Setting: s.Name, Value: wanted,
		Reason: fmt.Sprintf("takes a restart of the agent; until then %s holds", cmp.Or(running, none))})
	_ = s.Value.assign(&r.Settings, running)
	delete(r.origin, s.Name)
	if where, made := previous.origin[s.Name]; made {
		r.origin[s.Name] = where
	}
}

// settingOf is the setting that a problem is about, or nil.
func (t *Table) settingOf(p Problem) *Setting {
	var s *Setting
	if p.Source.datastore() {
		s = t.byField[p.Setting]
	} else {
		s = t.Lookup(strings.TrimPrefix(strings.ToUpper(p.Setting), EnvironmentPrefix))
	}
	if s == nil || s.NoEffect != "" {
		return nil
	}
	return s
}

// Origin says in words where a setting's value comes from: "built-in", "environment",
// "FelixConfiguration node.a".
func (r *Resolved) Origin(name string) string {
	return cmp.Or(r.origin[name], BuiltIn.String())
}
