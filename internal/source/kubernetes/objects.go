package kubernetes

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/manifest"
)

// object is what the source keeps of one object.
type object struct {
	key   model.Key
	value model.Value // nil for what the model has no place for
	// flawed says that problems were reported for it.
	flawed bool
	// reference is who it is to those who write Events about it; nil where nobody will.
	reference *reference
}

// reference names an object as the API does.
type reference struct {
	apiVersion, kind string
	uid              types.UID
}

// reading is an object as it has just been read.
type reading struct {
	name types.NamespacedName
	object
	problems []model.Problem
	// status is what the object's status says; nil for kinds of which nothing is said there.
	status *statusOf
	// unreadable says that an earlier version of it is better than this one.
	unreadable bool
}

// reader makes readings of what the server sends. It is safe for concurrent use.
type reader struct {
	convert *convert.Converter
	raw     *manifest.Reader
	// node is the one whose pods Events are written about; saw is shown its Node.
	node string
	saw  func(*corev1.Node) // may be nil
	// share is for pods, which come in one goroutine.
	share *sharer
}

// read converts an object. Its error is that it is nothing that has a name.
func (r *reader) read(obj runtime.Object) (reading, error) {
	if raw, ok := obj.(*rawObject); ok {
		return r.readRaw(raw), nil
	}
	meta, ok := obj.(metav1.Object)
	if !ok {
		return reading{}, fmt.Errorf("%T among the objects of the API server", obj)
	}
	out := reading{name: types.NamespacedName{Namespace: meta.GetNamespace(), Name: meta.GetName()}}
	if n, ok := obj.(*corev1.Node); ok && n.Name == r.node && r.saw != nil {
		r.saw(n)
	}
	result, _ := r.convert.Object(obj, nil)
	out.take(result)
	p, isPod := out.value.(*model.Pod)
	if !isPod {
		return out, nil
	}
	if r.share.pod(p); p.Node == r.node {
		out.reference = &reference{apiVersion: "v1", kind: "Pod", uid: meta.GetUID()}
	}
	return out, nil
}

// readRaw converts an object as it is written, by the way of a manifest.
func (r *reader) readRaw(raw *rawObject) reading {
	out := reading{name: types.NamespacedName{Namespace: raw.Namespace, Name: raw.Name}}
	for doc := range r.raw.Documents(textOfObject, string(raw.text)) {
		result, ok := r.convert.Document(&doc)
		if !ok { // as yet nameless
			result.Unreadable = true
		}
		out.take(result)
	}
	if out.key.Kind == model.KindPool || out.key.Kind == model.KindConfiguration {
		out.status = readStatus(raw)
	}
	if out.key.Kind != model.KindBlock { // of which there are many, and which nobody writes by hand
		out.reference = &reference{apiVersion: raw.APIVersion, kind: raw.Kind, uid: raw.UID}
	}
	return out
}

// textOfObject is the name under which the text of an object is read: it makes it JSON.
const textOfObject = "object.json"

// take takes over what an object has come to. Lines of a text that nobody has seen are
// left out.
func (o *reading) take(r convert.Result) {
	o.key, o.value, o.unreadable = r.Key, r.Value, r.Unreadable
	for _, p := range r.Problems {
		p.Where = ""
		o.problems = append(o.problems, p)
	}
	o.flawed = len(o.problems) > 0
}
