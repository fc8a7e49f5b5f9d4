package engine

import (
	"maps"
	"reflect"
	"slices"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/selector"
)

// settings works out the settings from the local layers and what the source says.
type settings struct {
	table    *config.Table
	node     string
	local    []config.Layer
	objects  map[string]map[string]any // specs of FelixConfigurations, by name
	labels   map[string]string         // of the own node
	resolved *config.Resolved
	dirty    bool
}

func newSettings(table *config.Table, node string, local []config.Layer) settings {
	return settings{
		table:    table,
		node:     node,
		local:    local,
		objects:  map[string]map[string]any{},
		resolved: table.Resolve(local, nil),
	}
}

// update notes an event that settings may depend on.
func (s *settings) update(e model.Event) {
	switch e.Key.Kind {
	case model.KindConfiguration:
		s.updateObject(e)
	case model.KindNode:
		if e.Key.Name == s.node {
			s.updateLabels(e)
		}
	}
}

func (s *settings) updateObject(e model.Event) {
	before, known := s.objects[e.Key.Name]
	c, ok := e.Value.(*model.Configuration)
	if ok == known && (!ok || reflect.DeepEqual(before, c.Spec)) {
		return
	}
	s.dirty = true
	if !ok {
		delete(s.objects, e.Key.Name)
		return
	}
	s.objects[e.Key.Name] = c.Spec
}

func (s *settings) updateLabels(e model.Event) {
	var labels map[string]string
	if n, ok := e.Value.(*model.Node); ok {
		labels = n.Labels
	}
	s.dirty = s.dirty || !maps.Equal(s.labels, labels)
	s.labels = labels
}

// resolve works the settings out anew if need be. It says whether it did, and whether
// any setting changed by it.
func (s *settings) resolve() (resolved, changed bool) {
	if !s.dirty {
		return false, false
	}
	s.dirty = false
	var objects []config.FelixConfiguration
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		objects = append(objects, config.FelixConfiguration{Name: name, Spec: s.objects[name]})
	}
	layers := append(slices.Clone(s.local), config.FromDatastore(objects, s.node, s.selects)...)
	previous := s.resolved
	s.resolved = s.table.Resolve(layers, previous)
	return true, len(config.Diff(previous, s.resolved)) > 0
}

// graphSettings are the settings as the calculation looks at them.
func graphSettings(r *config.Resolved) calc.Settings {
	s := calc.Settings{Underlay: r.Settings.VXLAN.Underlay.Family()}
	for _, f := range r.Settings.Families().Families() {
		if r.Settings.Wireguard.Enabled.Get(f) {
			s.Encrypted = s.Encrypted.With(f)
		}
	}
	return s
}

// selects says whether a selector picks the own node.
func (s *settings) selects(text string) (bool, error) {
	sel, err := selector.Parse(text)
	if err != nil {
		return false, err
	}
	return sel.Matches(selector.Map(s.labels)), nil
}

// SettingsPlace is the place of the problems of settings, among those of all.
const SettingsPlace = "settings"

// SettingProblems puts what is wrong with settings into the form of all problems.
func SettingProblems(r *config.Resolved) []model.Problem {
	var out []model.Problem
	for _, p := range r.Problems {
		severity := model.Failure
		switch p.Kind {
		case config.Ineffective, config.Deferred:
			severity = model.Note
		case config.Unknown, config.Misplaced, config.Conflicting:
			severity = model.Warning
		}
		where := p.Source.String()
		if p.Layer != "" {
			where += " " + p.Layer
		}
		message := p.Reason
		if p.Holds != "" {
			message += "; " + p.Holds + " holds"
		}
		out = append(out, model.Problem{Severity: severity, Where: where, Object: p.Setting, Value: p.Value, Message: message})
	}
	return out
}
