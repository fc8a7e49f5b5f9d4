package manifest

import (
	"strconv"
	"strings"

	"github.com/margay-net/margay/api"
)

// Severity says what a problem costs. The package comment says what each means.
type Severity uint8

// The severities, from harmless to grave.
const (
	Note Severity = iota
	Warning
	Error
)

// String returns the severity in lower case.
func (s Severity) String() string {
	switch s {
	case Note:
		return "note"
	case Warning:
		return "warning"
	default:
		return "error"
	}
}

// Reason is the class of a problem, for metrics and for those who treat one class apart.
type Reason string

// The classes of problems.
const (
	Unreadable   Reason = "Unreadable"   // no YAML or JSON, a mere word, not UTF-8, nested too deep, too large, empty
	Unidentified Reason = "Unidentified" // no apiVersion, kind or name
	UnknownKind  Reason = "UnknownKind"  // a kind or apiVersion that does not exist
	SkippedKind  Reason = "SkippedKind"  // a kind that is not read
	DuplicateKey Reason = "DuplicateKey" // a key twice in one mapping
	UnknownField Reason = "UnknownField" // a field that the kind does not have
	WrongType    Reason = "WrongType"    // a value that the field cannot hold
	Invalid      Reason = "Invalid"      // a value that the field may hold but that makes no sense
)

// Problem is one thing that is wrong in a file.
type Problem struct {
	File string
	// Line counts from 1; 0 if the problem is the whole file's.
	Line int
	// Document counts from 1, as "---" separates them; Item is the place in a list, from 1, or 0 outside
	// of lists.
	Document, Item int
	// Object is kind and name, as far as they are known: "NetworkPolicy default/allow-dns".
	Object string
	// Field is the path of the field in the object; empty if the problem is the whole object's.
	Field string
	// Value is what stands there, empty if nothing does.
	Value    string
	Message  string
	Severity Severity
	Reason   Reason
}

// Rule returns the policy rule that the problem lies in; false if it lies in none.
func (p Problem) Rule() (api.RuleRef, bool) { return api.RuleOf(p.Field) }

// String returns the problem in one line, without its severity:
//
//	policies.yaml:12: document 2: NetworkPolicy default/a: spec.ingress[0].source.nets[0]="10.0.0.1/8": host bits set, …
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Place())
	if p.Object != "" {
		b.WriteString(": " + p.Object)
	}
	if p.Field != "" || p.Value != "" {
		b.WriteString(": " + p.Field)
	}
	if p.Value != "" {
		b.WriteString("=" + api.QuoteValue(p.Value))
	}
	b.WriteString(": " + p.Message)
	return b.String()
}

// Place names where the problem is: file, line and document, as far as they are known.
func (p Problem) Place() string {
	text := p.File
	if p.Line > 0 {
		text += ":" + strconv.Itoa(p.Line)
	}
	if p.Document > 0 {
		text += ": document " + strconv.Itoa(p.Document)
	}
	if p.Item > 0 {
		text += " item " + strconv.Itoa(p.Item)
	}
	return text
}
