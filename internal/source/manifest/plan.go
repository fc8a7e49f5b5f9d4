package manifest

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// plan is how values of one Go type are filled.
type plan struct {
	// unmarshals is set for types that read their own JSON.
	unmarshals bool
	// fields are those of a struct, by their JSON names, embedded ones included.
	fields map[string]field
	// names are the JSON names, for suggestions.
	names []string
}

// field is a field of a struct.
type field struct {
	index []int
	// ignored fields exist, and are not read.
	ignored bool
}

// plans keeps the plan of every type that was met. It may be used by many goroutines.
type plans struct{ byType sync.Map }

func (p *plans) of(t reflect.Type) *plan {
	if known, ok := p.byType.Load(t); ok {
		return known.(*plan) //nolint:forcetypeassert // the map holds nothing else
	}
	made := &plan{unmarshals: reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())}
	if t.Kind() == reflect.Struct && !made.unmarshals {
		made.fields = map[string]field{}
		made.addFields(t, nil)
	}
	known, _ := p.byType.LoadOrStore(t, made)
	return known.(*plan) //nolint:forcetypeassert // the map holds nothing else
}

// addFields adds the fields of a struct, which is embedded at index in the plan's own.
func (p *plan) addFields(t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int{}, index...), i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && (name == "" || strings.Contains(options, "inline")) && f.Type.Kind() == reflect.Struct:
			p.addFields(f.Type, at)
		default:
			if name == "" {
				name = f.Name
			}
			p.fields[name] = field{index: at, ignored: f.Type == reflect.TypeFor[[]metav1.ManagedFieldsEntry]()}
			p.names = append(p.names, name)
		}
	}
}
