package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// said is a setting made in a layer.
type said struct {
	setting *Setting
	key     string // the setting's name as the layer writes it
	raw     string // the value as the layer writes it, for people
	text    string // the value in text form
	err     error  // why it has no text form
}

// read finds the settings that a layer makes, in the order of their keys, and reports
// its keys that are none. Unset values are left out.
func (t *Table) read(l Layer) ([]said, []Problem) {
	var made []said
	problems := slices.Clone(l.Problems)
	for _, key := range slices.Sorted(maps.Keys(l.Values)) {
		s := said{key: l.spelling(key), raw: rawText(l.Values[key])}
		if s.raw == "" {
			continue
		}
		var wrong *Problem
		if s.setting, wrong = t.find(l, key, s); wrong != nil {
			problems = append(problems, *wrong)
			continue
		}
		if reason := s.setting.NoEffect + s.setting.NotYet; reason != "" {
			problems = append(problems, l.problem(Ineffective, s.key, s.raw, "has no effect: "+reason))
		}
		if s.setting.NoEffect == "" {
			s.text, s.err = s.setting.Value.fromJSON(l.Values[key])
			made = append(made, s)
		}
	}
	return made, problems
}

// find looks a layer's key up in the table, or says why there is no such setting.
func (t *Table) find(l Layer, key string, s said) (*Setting, *Problem) {
	if !l.Source.datastore() {
		if setting := t.Lookup(key); setting != nil {
			return setting, nil
		}
		p := l.problem(Unknown, s.key, s.raw, "no such setting"+suggestion(l.spelling(t.nearestName(key))))
		return nil, &p
	}
	if setting := t.byField[key]; setting != nil {
		return setting, nil
	}
	if setting := t.Lookup(key); setting != nil && setting.Local() {
		p := l.problem(Misplaced, s.key, s.raw, fmt.Sprintf("can only be set by the environment (%s) or the file", setting.Env()))
		return nil, &p
	}
	p := l.problem(Unknown, s.key, s.raw, "no such field"+suggestion(t.nearestField(key)))
	return nil, &p
}

// spelling is a setting's name as people write it in the layer.
func (l Layer) spelling(name string) string {
	if l.Source == Environment && name != "" {
		return EnvironmentPrefix + strings.ToUpper(name)
	}
	return name
}

func suggestion(name string) string {
	if name == "" {
		return ""
	}
	return "; did you mean " + name + "?"
}

// rawText is a value as its source writes it. Null and blank text are unset: "".
func rawText(v any) string {
	if text, err := jsonScalar(v); err == nil {
		return strings.TrimSpace(text)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("a %T", v)
	}
	return string(text)
}
