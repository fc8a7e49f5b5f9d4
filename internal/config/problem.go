package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// ProblemKind says what sort of thing is wrong with a setting.
type ProblemKind uint8

// The kinds of Problem.
const (
	// Unusable is a value, line or selector that cannot be used.
	Unusable ProblemKind = iota
	// Unknown is a name that no setting has.
	Unknown
	// Misplaced is a setting that may not be made in that source.
	Misplaced
	// Ineffective is a setting of Felix's that Margay does not have, or not yet.
	Ineffective
	// Conflicting is a combination of settings that does not work.
	Conflicting
	// Deferred is a change that waits for a restart of the agent.
	Deferred
)

// Problem is something about a setting that its owner ought to know. None stops the
// agent.
type Problem struct {
	Kind   ProblemKind
	Source Source
	// Layer is the file's path or the FelixConfiguration's name.
	Layer string
	// Setting is the setting's name as it is written there.
	Setting string
	// Value is the value as it is written there.
	Value string
	// Reason says what is wrong, and what is allowed.
	Reason string
	// Holds is the value that the setting has now, of an Unusable value.
	Holds string
}

// String is one line with all of it.
func (p Problem) String() string {
	text := Layer{Source: p.Source, Name: p.Layer}.where() + ": "
	if p.Source == BuiltIn {
		text = ""
	}
	text += printable(p.Setting)
	if p.Value != "" {
		text += fmt.Sprintf(" = %q", p.Value)
	}
	text += ": " + p.Reason
	if p.Holds != "" {
		text += "; " + p.Holds + " holds"
	}
	return text
}

// printable quotes a name that would not show as one word on one line.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// problem makes a Problem with something in the layer.
func (l Layer) problem(kind ProblemKind, setting, value, reason string) Problem {
	return Problem{Kind: kind, Source: l.Source, Layer: l.Name, Setting: cut(setting), Value: cut(value), Reason: reason}
}

// cut bounds how much of what somebody wrote a problem quotes.
func cut(text string) string {
	const longest = 200
	if len(text) > longest {
		return text[:longest] + "…"
	}
	return text
}
