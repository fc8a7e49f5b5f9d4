package files

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/internal/model"
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
		r, _ := c.convert.Document(doc)
		next.problems = append(next.problems, r.Problems...)
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
	if n, ok := doc.Object.(*corev1.Node); ok {
		o := &object{node: &nodeObject{original: n, doc: *doc}}
		c.convertNode(o)
		return o
	}
	r, _ := c.convert.Document(doc)
	o := &object{key: r.Key, value: r.Value, problems: r.Problems}
	if r.Unreadable && earlier != nil && earlier.value != nil {
		o.value = earlier.value
	}
	return o
}
