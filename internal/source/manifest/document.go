package manifest

import (
	"strings"

	"github.com/margay-net/margay/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Key identifies an object among all that are read. APIVersion is projectcalico.org/v3 for both of Calico's
// groups, the name of a policy is without its tier, and an object of a namespaced kind that names no
// namespace is in "default": the same object has the same key however it is written.
type Key struct {
	APIVersion, Kind, Namespace, Name string
}

// String returns kind and name as problems show them.
func (k Key) String() string {
	switch {
	case k.Name == "":
		return k.Kind
	case k.Namespace == "":
		return strings.TrimSpace(k.Kind + " " + k.Name)
	}
	return strings.TrimSpace(k.Kind + " " + k.Namespace + "/" + k.Name)
}

// Document is one object of a file, or one thing in it that could not be made an object of.
type Document struct {
	File string
	// Index is the document's number in the file, from 1; Item that of the object in a list, from 1, and 0
	// outside of lists.
	Index, Item int
	// Line is where the object begins, from 1.
	Line int
	// Key is as much of the object's identity as could be read.
	Key Key
	// Object is a pointer to one of the types of k8s.io/api or of package api, with every field that could
	// be read; nil if the document is none of a kind that is read. Defaults are not filled in yet.
	Object metav1.Object
	// Problems are in the order of their lines, as far as they have one.
	Problems []Problem

	tree *node
}

// Identified reports whether it is known which object, if any, the document stands for. While a file has a
// document for which it is not, no object that the file held before may be taken for removed from it.
func (d *Document) Identified() bool {
	for _, p := range d.Problems {
		switch p.Reason {
		case Unreadable, Unidentified, UnknownKind:
			return false
		}
	}
	return true
}

// Usable reports whether Object can be converted. If not, the object's last good version stays in force.
// An object with errors in rules alone is usable: see Problem.Rule.
func (d *Document) Usable() bool {
	if d.Object == nil {
		return false
	}
	for _, p := range d.Problems {
		if p.Severity != Error {
			continue
		}
		if _, ok := p.Rule(); !ok || p.Reason == DuplicateKey {
			return false
		}
	}
	return true
}

// Report makes a problem of what the check of the object's values has found: it names file and line of the
// field, or of what is nearest to it.
func (d *Document) Report(e api.FieldError) Problem {
	p := d.problem(Invalid, Error, d.lineOf(e.Field), e.Message)
	p.Field, p.Value = e.Field, e.Value
	if e.Warning {
		p.Severity = Warning
	}
	return p
}

// Reports is Report for all that a check has found, without what only repeats a problem that the document
// already has: the field that is empty because what stood there could not be read.
func (d *Document) Reports(errs []api.FieldError) []Problem {
	var out []Problem
	for _, e := range errs {
		if !d.has(e.Field) {
			out = append(out, d.Report(e))
		}
	}
	return out
}

// has reports whether there is a problem of the field, or of one that it is in.
func (d *Document) has(field string) bool {
	for _, p := range d.Problems {
		rest, ok := strings.CutPrefix(field, p.Field)
		if ok && p.Field != "" && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// problem returns a problem of this document.
func (d *Document) problem(r Reason, s Severity, line int, message string) Problem {
	return Problem{
		File: d.File, Line: line, Document: d.Index, Item: d.Item, Object: d.Key.String(),
		Message: message, Severity: s, Reason: r,
	}
}

func (d *Document) add(r Reason, s Severity, line int, message string) {
	d.Problems = append(d.Problems, d.problem(r, s, line, message))
}

// lineOf returns the line of the field, or of the deepest part of its path that is in the document.
func (d *Document) lineOf(field string) int {
	if d.tree == nil {
		return d.Line
	}
	return d.tree.lineOf(field, d.Line)
}
