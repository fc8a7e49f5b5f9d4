package config

import "strings"

// EnvironmentPrefix starts the name of every environment variable that is a setting.
const EnvironmentPrefix = "FELIX_"

// Setting is one row of the table.
type Setting struct {
	// Name is Felix's name for it, as felix.cfg has it: "Ipv6Support".
	Name string
	// Field is its name in a FelixConfiguration's spec, "ipv6Support". Where it is
	// empty, the setting can only be made locally: flag, environment or file.
	Field string
	// Value ties the row to a field of Settings and says how text becomes its type.
	// It is nil in a row that has NoEffect.
	Value Value
	// Default is the built-in value, written as one would in the environment. Empty is
	// the type's zero value: no address, an empty list.
	Default string
	// Help says what it does, in plain words, with units and families.
	Help string
	// Differs says what differs from Felix, where something does.
	Differs string
	// Restart marks what a running agent cannot change.
	Restart bool
	// NotYet marks a setting that is read and checked, but whose feature is still to
	// be built, and says which. Whoever builds it removes the mark.
	NotYet string
	// NoEffect marks a setting of Felix's that Margay does not have, and says why.
	NoEffect string
}

// Env is the setting's environment variable.
func (s *Setting) Env() string { return EnvironmentPrefix + strings.ToUpper(s.Name) }

// Local says that the setting can be made by flag, environment and file only.
func (s *Setting) Local() bool { return s.Field == "" }

// Group is a part of the table about one subject.
type Group struct {
	Title    string
	Intro    string // what the group is about; may be empty
	Settings []Setting
}

// without makes the rows of Felix's settings that Margay does not have for the given
// reason. Each is "Name" or, if a FelixConfiguration can hold it, "Name field".
func without(reason string, names ...string) []Setting {
	var rows []Setting
	for _, n := range names {
		name, field, _ := strings.Cut(n, " ")
		rows = append(rows, Setting{Name: name, Field: field, NoEffect: reason})
	}
	return rows
}
