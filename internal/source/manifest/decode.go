package manifest

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// finding is a problem of a value, before it is known whose document it is in.
type finding struct {
	reason  Reason
	field   string
	line    int
	value   string
	message string
}

// decoder fills a Go value from a node. Unlike encoding/json it goes on after a problem, so that one bad
// field leaves the others standing; it compares names exactly; and it knows the line of everything.
type decoder struct {
	plans *plans
	texts *texts
	path  []step
	found []finding
}

// step is one step of a field's path: into a mapping by name, or into a list by place.
type step struct {
	name  string
	place int
}

// at returns the path that the decoder stands at.
func (d *decoder) at() string {
	var b strings.Builder
	for i, s := range d.path {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.place) + "]")
		case i > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}

func (d *decoder) push(s step) { d.path = append(d.path, s) }
func (d *decoder) pop()        { d.path = d.path[:len(d.path)-1] }

func (d *decoder) wrong(n *node, want string) {
	message := "want " + want + ", not " + n.kind.String()
	if n.kind == isText {
		message = "want " + want
	}
	d.found = append(d.found, finding{WrongType, d.at(), int(n.line), n.shown(), message})
}

// value fills v from n. null leaves v as it is, as in JSON.
func (d *decoder) value(n *node, v reflect.Value) {
	if n.kind == isNull {
		return
	}
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		p := reflect.New(t.Elem())
		before := len(d.found)
		d.value(n, p.Elem())
		if len(d.found) == before || t.Elem().Kind() == reflect.Struct {
			v.Set(p)
		}
		return
	}
	p := d.plans.of(t)
	if p.unmarshals {
		d.unmarshal(n, v)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		d.structure(n, v, p)
	case reflect.Map:
		d.mapping(n, v)
	case reflect.Slice:
		d.list(n, v)
	case reflect.Interface:
		d.anything(n, v)
	default:
		d.scalar(n, v)
	}
}

// unmarshal lets a type read its own JSON.
func (d *decoder) unmarshal(n *node, v reflect.Value) {
	u, ok := v.Addr().Interface().(json.Unmarshaler)
	if !ok {
		return
	}
	if err := u.UnmarshalJSON(n.appendJSON(nil)); err != nil {
		message := strings.ReplaceAll(err.Error(), "\n", " ")
		if t := v.Type(); strings.HasPrefix(t.PkgPath(), "k8s.io/") { // whose messages are about Go and regexps
			message = "not a valid " + t.Name()
		}
		d.found = append(d.found, finding{WrongType, d.at(), int(n.line), n.shown(), message})
	}
}

func (d *decoder) structure(n *node, v reflect.Value, p *plan) {
	if n.kind != isMap {
		d.wrong(n, "a mapping")
		return
	}
	for i := 0; i+1 < len(n.kids); i += 2 {
		key, value := n.kids[i], n.kids[i+1]
		f, ok := p.fields[key.text]
		if ok && f.ignored {
			continue
		}
		d.push(step{name: key.text})
		if ok {
			d.value(value, v.FieldByIndex(f.index))
		} else {
			d.found = append(d.found, finding{
				UnknownField, d.at(), int(key.line), value.shown(), "unknown field" + didYouMean(key.text, p.names),
			})
		}
		d.pop()
	}
}

func (d *decoder) mapping(n *node, v reflect.Value) {
	if n.kind != isMap {
		d.wrong(n, "a mapping")
		return
	}
	t := v.Type()
	if t.Key().Kind() != reflect.String {
		d.wrong(n, "nothing that could be written here")
		return
	}
	m := reflect.MakeMapWithSize(t, len(n.kids)/2)
	elem := reflect.New(t.Elem()).Elem()
	for i := 0; i+1 < len(n.kids); i += 2 {
		d.push(step{name: n.kids[i].text})
		elem.SetZero()
		before := len(d.found)
		d.value(n.kids[i+1], elem)
		if len(d.found) == before {
			m.SetMapIndex(reflect.ValueOf(d.texts.copy(n.kids[i].text)).Convert(t.Key()), elem)
		}
		d.pop()
	}
	v.Set(m)
}

func (d *decoder) list(n *node, v reflect.Value) {
	t := v.Type()
	if t.Elem().Kind() == reflect.Uint8 {
		d.bytes(n, v)
		return
	}
	if n.kind != isList {
		d.wrong(n, "a list")
		return
	}
	s := reflect.MakeSlice(t, len(n.kids), len(n.kids))
	for i, k := range n.kids {
		d.push(step{place: i})
		if k.kind == isNull && t.Elem().Kind() != reflect.Pointer {
			// As JSON this would be an element with nothing in it, which in a policy's rules means everything.
			d.found = append(d.found, finding{WrongType, d.at(), int(k.line), "null", "an element of the list is empty"})
		} else {
			d.value(k, s.Index(i))
		}
		d.pop()
	}
	v.Set(s)
}

func (d *decoder) bytes(n *node, v reflect.Value) {
	if n.kind == isText {
		if b, err := base64.StdEncoding.DecodeString(n.text); err == nil {
			v.SetBytes(b)
			return
		}
	}
	d.wrong(n, "base64")
}

func (d *decoder) anything(n *node, v reflect.Value) {
	if v.NumMethod() > 0 {
		d.wrong(n, "nothing that could be written here")
		return
	}
	var a any
	if json.Unmarshal(n.appendJSON(nil), &a) == nil && a != nil {
		v.Set(reflect.ValueOf(a))
	}
}
