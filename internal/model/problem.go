package model

import "fmt"

// Severity says what a Problem does to its object.
type Severity uint8

const (
	// Note has no effect beyond being told.
	Note Severity = iota
	// Warning means that the object is in force, but perhaps not as its author meant.
	Warning
	// Failure means that the object, or a part of it, is not in force.
	Failure
)

// String is "note", "warning" or "error".
func (s Severity) String() string { return [...]string{"note", "warning", "error"}[s] }

// Problem is something wrong with an object of the input, told in one line.
type Problem struct {
	Severity Severity
	// Where names the place that the object was read from: a file and document, say.
	Where string
	// Object is the object's kind and name, as far as they could be read.
	Object string
	// Field is the path of the field, and Value what it holds.
	Field   string
	Value   string
	Message string
}

// String is the one line that people see.
func (p Problem) String() string {
	s := p.Object
	if p.Where != "" {
		s = p.Where + ": " + s
	}
	if p.Field != "" {
		s += ": " + p.Field
	}
	if p.Value != "" {
		s += fmt.Sprintf(" %q", p.Value)
	}
	return s + ": " + p.Message
}
