package convert

import (
	"strings"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/manifest"
)

// Document converts the object of a document, with what reading it has found. Each
// problem has its line. ok is false for a document without an object, and for a kind that
// the model does not know: then there are only problems.
func (c *Converter) Document(doc *manifest.Document) (r Result, ok bool) {
	if doc.Object == nil || !doc.Identified() {
		return Result{Problems: problemsOf(doc)}, false
	}
	r, ok = c.Object(doc.Object, fieldErrors(doc))
	if !ok {
		withoutEffect := located(doc.Report(api.FieldError{}), "read and checked; this kind has no effect on the node yet", model.Note)
		return Result{Problems: append(problemsOf(doc), withoutEffect)}, false
	}
	r.Problems = Lines(doc, r)
	return r, true
}

// fieldErrors are what reading and validating have found wrong with an object's fields.
// Those that reading found are passed on as far as they cost something.
func fieldErrors(doc *manifest.Document) []api.FieldError {
	var errs []api.FieldError
	for _, p := range doc.Problems {
		if _, inRule := p.Rule(); inRule && p.Severity != manifest.Note || p.Severity == manifest.Error {
			errs = append(errs, api.FieldError{Field: p.Field, Value: p.Value, Message: p.Message})
		}
	}
	if r, ok := doc.Object.(api.Resource); ok {
		r.Default()
		errs = append(errs, r.Validate()...)
	}
	return errs
}

// problemsOf are the problems of a document that is not converted.
func problemsOf(doc *manifest.Document) []model.Problem {
	var out []model.Problem
	for _, p := range doc.Problems {
		out = append(out, located(p, p.Message, severity(p.Severity)))
	}
	if r, ok := doc.Object.(api.Resource); ok {
		for _, e := range r.Validate() {
			out = append(out, located(doc.Report(e), e.Message, model.Failure))
		}
	}
	return out
}

// Lines are the problems of a converted object, each with its line. Reading's own are
// among them, but for those that cost nothing.
func Lines(doc *manifest.Document, r Result) []model.Problem {
	var out []model.Problem
	for _, p := range r.Problems {
		at := doc.Report(api.FieldError{Field: p.Field, Value: p.Value, Message: p.Message})
		p.Where, p.Object = at.Place(), doc.Key.String()
		out = append(out, p)
	}
	for _, p := range doc.Problems {
		if _, inRule := p.Rule(); !inRule && p.Severity != manifest.Error || p.Severity == manifest.Note {
			out = append(out, located(p, p.Message, severity(p.Severity)))
		}
	}
	return out
}

// located is a problem that reading has found, with what it means for the object.
func located(p manifest.Problem, message string, s model.Severity) model.Problem {
	object := p.Object
	if strings.TrimSpace(object) == "" {
		object = "document"
	}
	return model.Problem{Severity: s, Where: p.Place(), Object: object, Field: p.Field, Value: p.Value, Message: message}
}

func severity(s manifest.Severity) model.Severity {
	switch s {
	case manifest.Error:
		return model.Failure
	case manifest.Warning:
		return model.Warning
	}
	return model.Note
}
