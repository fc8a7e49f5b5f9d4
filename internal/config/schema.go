package config

import (
	"fmt"
	"go/format"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// shape is what a FelixConfiguration holds for a setting in the API server: a Go type, from which
// controller-gen makes the definition's schema, with its markers. The zero shape is text.
//
// It says no more than a server can check cheaply: assign has the last word, and reports what is wrong.
type shape struct {
	goType  string
	markers []string
}

const validation = "+kubebuilder:validation:"

func booleanShape() shape { return shape{goType: "*bool"} }

func wholeShape(least, most int) shape {
	return shape{"*int64", []string{fmt.Sprintf("%sMinimum=%d", validation, least), fmt.Sprintf("%sMaximum=%d", validation, most)}}
}

func durationShape() shape { return textShape(`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)?)*$`) }

// wordShape is one of some words, in any case.
func wordShape(words []string) shape { return textShape("^(?i)(" + strings.Join(words, "|") + ")?$") }

func textShape(pattern string) shape {
	return shape{"string", []string{validation + "Pattern=`" + pattern + "`"}}
}

func addressShape(f family.Family) shape {
	rule := fmt.Sprintf("self.size() == 0 || self == 'none' || isIP(self) && ip(self).family() == %d", f)
	return shape{"string", []string{
		validation + "MaxLength=45",
		fmt.Sprintf("%sXValidation:rule=%q,message=%q", validation, rule, "not an "+f.String()+" address"),
	}}
}

// listShape is anything: a list of text or objects, or one text with commas.
func listShape() shape {
	return shape{"json.RawMessage", []string{validation + "Schemaless", "+kubebuilder:pruning:PreserveUnknownFields"}}
}

func (b bound[T]) shape() shape {
	switch {
	case b.list:
		return listShape()
	case b.kind.shape.goType == "":
		return shape{goType: "string"}
	}
	return b.kind.shape
}

// Schema writes the settings that a FelixConfiguration can hold as a Go type, with the markers that
// controller-gen makes the definition's schema of.
func (t *Table) Schema() ([]byte, error) {
	var src strings.Builder
	src.WriteString(schemaIntro)
	for _, g := range t.groups {
		for _, s := range g.Settings {
			if s.Field == "" {
				continue
			}
			field := strings.ToUpper(s.Field[:1]) + s.Field[1:]
			fmt.Fprintf(&src, "\n// %s: %s\n", field, strings.ReplaceAll(s.schemaHelp(), "\n", " "))
			sh := s.Value.shape()
			if len(sh.markers) > 0 {
				src.WriteString("//\n")
			}
			for _, m := range sh.markers {
				fmt.Fprintf(&src, "// %s\n", m)
			}
			fmt.Fprintf(&src, "%s %s `json:%q`\n", field, sh.goType, s.Field+",omitempty")
		}
	}
	src.WriteString("}\n")
	return format.Source([]byte(src.String()))
}

// schemaHelp is what `kubectl explain` says of a setting.
func (s *Setting) schemaHelp() string {
	help := s.Help + " (" + s.Value.Type()
	if s.Default != "" {
		help += "; default " + s.Default
	}
	return help + ")"
}

const schemaIntro = `// Code generated from the table in internal/config by "go generate ./api". DO NOT EDIT.

package schema

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// Settings are those that a FelixConfiguration can make and that have an effect.
type Settings struct {
`
