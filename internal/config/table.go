package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/nearest"
)

// Table is the table of settings with its indexes. It does not change once made, and
// may be used by several goroutines.
type Table struct {
	groups  []Group
	without []Group

	all     []*Setting          // with an effect, in the table's order
	byName  map[string]*Setting // by lower-case Name
	byField map[string]*Setting // by Field, exactly
	factory Settings            // all built-in defaults
}

// NewTable builds the table. It panics on a row that contradicts itself or another
// one, which the package's tests rule out.
func NewTable() *Table {
	t := &Table{
		groups: []Group{
			datastoreTable(), familyTable(), interfaceTable(), routeTable(),
			policyTable(), hostEndpointTable(), natTable(),
			mtuTable(), vxlanTable(), ipipTable(), wireguardTable(),
			nftablesTable(), iptablesTable(),
			healthTable(), metricsTable(), debugTable(), loggingTable(), runtimeTable(),
		},
		without: withoutTable(),
		byName:  map[string]*Setting{},
		byField: map[string]*Setting{},
	}
	for _, g := range slices.Concat(t.groups, t.without) {
		for i := range g.Settings {
			t.add(&g.Settings[i])
		}
	}
	return t
}

func (t *Table) add(s *Setting) {
	lower := strings.ToLower(s.Name)
	if t.byName[lower] != nil || s.Field != "" && t.byField[s.Field] != nil {
		panic(fmt.Sprintf("config: %s stands twice in the table", s.Name))
	}
	t.byName[lower] = s
	if s.Field != "" {
		t.byField[s.Field] = s
	}
	if s.NoEffect != "" {
		return
	}
	if err := s.Value.assign(&t.factory, s.Default); err != nil {
		panic(fmt.Sprintf("config: built-in value of %s: %v", s.Name, err))
	}
	t.all = append(t.all, s)
}

// Groups are the settings that Margay has, by subject.
func (t *Table) Groups() []Group { return t.groups }

// Without are Felix's settings that Margay does not have, by reason.
func (t *Table) Without() []Group { return t.without }

// Lookup finds a setting by its name, in any case; nil where there is none.
func (t *Table) Lookup(name string) *Setting { return t.byName[strings.ToLower(name)] }

// Defaults are the built-in values alone.
func (t *Table) Defaults() Settings { return t.factory }

// nearestName is the known setting name most like the given one, or "".
func (t *Table) nearestName(name string) string {
	var names []string
	for _, s := range t.byName {
		names = append(names, s.Name)
	}
	return nearest.Of(name, names)
}

// nearestField is the known FelixConfiguration field most like the given one, or "".
func (t *Table) nearestField(field string) string {
	var fields []string
	for f := range t.byField {
		fields = append(fields, f)
	}
	return nearest.Of(field, fields)
}
