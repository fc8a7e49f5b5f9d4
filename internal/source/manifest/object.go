package manifest

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/margay-net/margay/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// deepestList is how many lists may be in each other.
const deepestList = 8

// document makes objects of a document.
func (s *scan) document(n *node) {
	item := 0
	s.value(n, &item, "", "", 0)
}

// value makes an object of a mapping, or one of every element of a list. Elements of a PodList and its like
// need not say their kind: the list does.
func (s *scan) value(n *node, item *int, apiVersion, kind string, depth int) {
	if s.stopped {
		return
	}
	d := Document{File: s.file, Index: s.index, Line: int(n.line), tree: n}
	if depth > 0 {
		d.Item = *item + 1
	}
	if n.kind != isMap {
		*item++
		reason := Unidentified
		if n.kind != isList {
			reason = Unreadable // what a file holds that has just been begun: "apiVers"
		}
		d.add(reason, Error, d.Line, "want an object, not "+n.kind.String())
		s.emit(d)
		return
	}
	d.Key.APIVersion = s.texts.copy(cmp.Or(n.word("apiVersion"), apiVersion))
	d.Key.Kind = s.texts.copy(cmp.Or(n.word("kind"), kind))
	if of, ok := strings.CutSuffix(d.Key.Kind, "List"); ok && (of == "" || n.get("items") != nil) {
		s.items(n, item, d, of, depth)
		return
	}
	*item++
	s.object(&d, n)
	s.emit(d)
}

// items makes an object of every element of a list; of is the kind of its elements, or empty.
func (s *scan) items(n *node, item *int, d Document, of string, depth int) {
	items := n.get("items")
	switch {
	case depth >= deepestList:
		d.add(Unreadable, Error, d.Line, "lists are nested too deep")
		s.emit(d)
		return
	case items == nil || items.kind == isNull:
		return
	case items.kind != isList:
		d.add(Unidentified, Error, int(items.line), "items: want a list, not "+items.kind.String())
		s.emit(d)
		return
	}
	apiVersion := d.Key.APIVersion
	if of == "" {
		apiVersion = ""
	}
	for _, k := range items.kids {
		s.value(k, item, apiVersion, of, depth+1)
	}
}

// mostProblems is how many problems of one object are listed. An object with more is in error as a whole.
const mostProblems = 200

// object reads the object of a mapping into d.
func (s *scan) object(d *Document, n *node) {
	meta := n.get("metadata")
	d.Key.Namespace, d.Key.Name = s.texts.copy(meta.word("namespace")), s.texts.copy(meta.word("name"))
	written := d.Key
	if !identify(d, n) {
		return
	}
	k, ok := readKind(d.Key.APIVersion, d.Key.Kind)
	if !ok {
		reason, severity, message := refuse(d.Key.APIVersion, d.Key.Kind)
		d.add(reason, severity, int(n.line), message)
		return
	}
	d.Object = k.make()
	scope(d, k)
	s.fill(d, n, k)
	normalise(d, written)
	slices.SortStableFunc(d.Problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}

// identify checks that the mapping says what it is.
func identify(d *Document, n *node) bool {
	var missing []string
	for _, f := range []struct{ field, value string }{
		{"apiVersion", d.Key.APIVersion}, {"kind", d.Key.Kind},
	} {
		if f.value == "" {
			missing = append(missing, f.field)
		}
	}
	if len(missing) > 0 {
		d.add(Unidentified, Error, int(n.line), "no "+strings.Join(missing, " and no "))
		return false
	}
	return true
}

// scope gives an object the namespace that it has if none is written, and takes one away that it cannot
// have.
func scope(d *Document, k objectKind) {
	switch {
	case k.namespaced && d.Key.Namespace == "":
		d.Key.Namespace = metav1.NamespaceDefault
	case !k.namespaced && d.Key.Namespace != "":
		namespace := d.Key.Namespace
		d.Key.Namespace = ""
		p := d.problem(Invalid, Warning, d.lineOf("metadata.namespace"), "objects of this kind are in no namespace")
		p.Field, p.Value = "metadata.namespace", namespace
		d.Problems = append(d.Problems, p)
	}
}

// fill reads the fields.
func (s *scan) fill(d *Document, n *node, k objectKind) {
	dec := decoder{plans: &s.reader.plans, texts: &s.texts}
	dec.duplicates(n)
	dec.value(n, reflect.ValueOf(d.Object).Elem())
	if d.Key.Name == "" {
		dec.nameless(d.lineOf("metadata.name"))
	}
	for i, f := range dec.found {
		if i == mostProblems {
			d.add(Invalid, Error, d.Line, strconv.Itoa(len(dec.found)-i)+" more problems are not listed")
			break
		}
		p := d.problem(f.reason, severity(k.class, f), f.line, f.message)
		p.Field, p.Value = f.field, f.value
		d.Problems = append(d.Problems, p)
	}
	if spec := n.get("spec"); k.class != kubernetesKind && (spec == nil || spec.kind == isNull) {
		p := d.problem(Invalid, Error, d.Line, "required")
		p.Field = "spec"
		d.Problems = append(d.Problems, p)
	}
}

// nameless makes sure that an object without a name is reported as such, once.
func (d *decoder) nameless(line int) {
	for i := range d.found {
		if f := &d.found[i]; f.field == "metadata.name" && f.reason == WrongType {
			f.reason = Unidentified
			return
		}
	}
	d.found = append(d.found, finding{reason: Unidentified, field: "metadata.name", line: line, message: "required"})
}

// severity says how grave a finding is for a kind: see the package comment.
func severity(c class, f finding) Severity {
	if f.reason != UnknownField {
		return Error
	}
	switch {
	case c == kubernetesKind:
		return Note
	case c == calicoKind || strings.HasPrefix(f.field, "metadata.") || strings.HasPrefix(f.field, "status."):
		return Warning
	}
	return Error
}

// normalise brings what Calico's second group writes differently into the form of the first, and the
// object's name and namespace into line with its key.
func normalise(d *Document, written Key) {
	if d.Key.APIVersion == api.APIVersionCRD {
		d.Key.APIVersion = api.APIVersion
		switch o := d.Object.(type) {
		case *api.NetworkPolicy:
			o.Spec.Tier, d.Key.Name, _ = api.SplitTierName(o.Spec.Tier, written.Name)
		case *api.GlobalNetworkPolicy:
			o.Spec.Tier, d.Key.Name, _ = api.SplitTierName(o.Spec.Tier, written.Name)
		}
	}
	if d.Key.Kind == "IPAMConfiguration" {
		d.Key.Kind = "IPAMConfig"
	}
	d.Object.SetNamespace(d.Key.Namespace)
	d.Object.SetName(d.Key.Name)
	for i := range d.Problems {
		d.Problems[i].Object = d.Key.String()
	}
}
