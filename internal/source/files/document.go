package files

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/manifest"
)

// document puts one document into next, the file as it is being read. before is the file
// as it was: where the document cannot be used, its object's last good version is there.
func (c *catalogue) document(next, before *file, doc *manifest.Document) {
	if !doc.Identified() && next.incomplete == "" {
		next.incomplete = "not everything in it can be read"
		if len(doc.Problems) > 0 {
			next.incomplete = strings.TrimPrefix(doc.Problems[0].Field+": "+doc.Problems[0].Message, ": ")
		}
	}
	if doc.Object == nil || !doc.Identified() {
		next.problems = append(next.problems, problemsOf(doc)...)
		if earlier := before.objects[doc.Key]; earlier != nil && doc.Identified() && !doc.Usable() {
			next.objects[doc.Key] = earlier
		}
		return
	}
	if first := next.objects[doc.Key]; first != nil {
		next.problems = append(next.problems, twice(doc.Key, placeOf(doc).in(next.name), first.at.in(next.name)))
		return
	}
	o := c.object(doc, c.lastGood(doc.Key, before))
	o.at = placeOf(doc)
	next.objects[doc.Key] = o
}

// twice reports an object that is described once more than it can count.
func twice(key manifest.Key, here, first string) model.Problem {
	return model.Problem{
		Severity: model.Failure, Where: here, Object: key.String(),
		Message: "stands in " + first + " too, which comes first and counts",
	}
}

// lastGood is the version of an object that is in force now, wherever it stands.
func (c *catalogue) lastGood(key manifest.Key, before *file) *object {
	if o := before.objects[key]; o != nil {
		return o
	}
	if files := c.in[key]; len(files) > 0 {
		return files[0].objects[key]
	}
	return nil
}

// object converts a document's object. earlier is its last good version, or nil.
func (c *catalogue) object(doc *manifest.Document, earlier *object) *object {
	invalid := fieldErrors(doc)
	if n, ok := doc.Object.(*corev1.Node); ok {
		o := &object{node: &nodeObject{original: n, doc: *doc}}
		c.convertNode(o)
		return o
	}
	r, known := c.convert.Object(doc.Object, invalid)
	if !known {
		return &object{problems: append(problemsOf(doc), withoutEffect(doc))}
	}
	o := &object{key: r.Key, value: r.Value, problems: located(doc, r)}
	if r.Unreadable && earlier != nil && earlier.value != nil {
		o.value = earlier.value
	}
	return o
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
		out = append(out, asProblem(p, p.Message, severity(p.Severity)))
	}
	if r, ok := doc.Object.(api.Resource); ok {
		for _, e := range r.Validate() {
			out = append(out, asProblem(doc.Report(e), e.Message, model.Failure))
		}
	}
	return out
}

// withoutEffect says that an object is known, and changes nothing on a node so far.
func withoutEffect(doc *manifest.Document) model.Problem {
	return asProblem(doc.Report(api.FieldError{}), "read and checked; this kind has no effect on the node yet", model.Note)
}

// located are the problems of a converted object, each with its line. Reading's own are
// among them, but for those that cost nothing.
func located(doc *manifest.Document, r convert.Result) []model.Problem {
	var out []model.Problem
	for _, p := range r.Problems {
		at := doc.Report(api.FieldError{Field: p.Field, Value: p.Value, Message: p.Message})
		p.Where, p.Object = where(at), doc.Key.String()
		out = append(out, p)
	}
	for _, p := range doc.Problems {
		if _, inRule := p.Rule(); !inRule && p.Severity != manifest.Error || p.Severity == manifest.Note {
			out = append(out, asProblem(p, p.Message, severity(p.Severity)))
		}
	}
	return out
}

func asProblem(p manifest.Problem, message string, s model.Severity) model.Problem {
	object := p.Object
	if strings.TrimSpace(object) == "" {
		object = "document"
	}
	return model.Problem{Severity: s, Where: where(p), Object: object, Field: p.Field, Value: p.Value, Message: message}
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
