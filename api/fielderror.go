package api

import (
	"strconv"
	"strings"
)

// FieldError is one problem of one field.
//
// +kubebuilder:object:generate=false
type FieldError struct {
	// Field is the path of the field as JSON names it: spec.ingress[2].source.nets[0].
	Field string
	// Value is what stands there, as text; empty where the problem is that nothing does.
	Value string
	// Message says what is wrong, and where it can, what would be right.
	Message string
	// Warning marks a field whose meaning is clear although it is written wrongly: the object is used as
	// meant, and the message gives the right spelling.
	Warning bool
}

// longestValue is how much of a value an error repeats, in bytes.
const longestValue = 80

// Error returns the problem in one line: field, value, what is wrong.
func (e FieldError) Error() string {
	if e.Value == "" {
		return e.Field + ": " + e.Message
	}
	return e.Field + "=" + QuoteValue(e.Value) + ": " + e.Message
}

// QuoteValue returns a value as errors show it: in quotes, on one line, shortened if long.
func QuoteValue(v string) string {
	if len(v) > longestValue {
		return strconv.Quote(strings.ToValidUTF8(v[:longestValue], "")) + "…"
	}
	return strconv.Quote(v)
}

// RuleRef names one rule of a policy: the direction's list and the place in it, from 0.
//
// +kubebuilder:object:generate=false
type RuleRef struct {
	Direction PolicyType
	Index     int
}

// Rule returns the rule that the field belongs to; false for a field outside of any rule. The errors of a
// rule leave the policy's other rules standing.
func (e FieldError) Rule() (RuleRef, bool) { return RuleOf(e.Field) }

// RuleOf returns the policy rule that a field path leads into, for the policies of Calico and of
// Kubernetes alike: both keep their rules in spec.ingress and spec.egress.
func RuleOf(field string) (RuleRef, bool) {
	direction := PolicyTypeIngress
	rest, ok := strings.CutPrefix(field, "spec.ingress[")
	if !ok {
		direction = PolicyTypeEgress
		if rest, ok = strings.CutPrefix(field, "spec.egress["); !ok {
			return RuleRef{}, false
		}
	}
	digits, _, ok := strings.Cut(rest, "]")
	if !ok {
		return RuleRef{}, false
	}
	i, err := strconv.Atoi(digits)
	if err != nil || i < 0 {
		return RuleRef{}, false
	}
	return RuleRef{Direction: direction, Index: i}, true
}

// path is a field's place in an object. It becomes text only when there is a problem to report.
type path struct {
	parent *path
	name   string
	index  int // place in a list, when name is empty
}

// at returns the path of the named field below p; a nil p is the object itself.
func (p *path) at(name string) *path { return &path{parent: p, name: name} }

// item returns the path of element i of the list at p.
func (p *path) item(i int) *path { return &path{parent: p, index: i} }

func (p *path) String() string {
	switch {
	case p == nil:
		return ""
	case p.name == "":
		return p.parent.String() + "[" + strconv.Itoa(p.index) + "]"
	case p.parent == nil:
		return p.name
	}
	return p.parent.String() + "." + p.name
}

// problems collects the errors of one object.
type problems []FieldError

func (ps *problems) add(p *path, value, message string) {
	*ps = append(*ps, FieldError{Field: p.String(), Value: value, Message: message})
}

func (ps *problems) warn(p *path, value, message string) {
	*ps = append(*ps, FieldError{Field: p.String(), Value: value, Message: message, Warning: true})
}

// oneOf checks an enumerated field. An empty value is a field left out.
func oneOf[T ~string](ps *problems, p *path, value T, allowed ...T) {
	if value == "" {
		return
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		if value == a {
			return
		}
		names[i] = string(a)
	}
	ps.add(p, string(value), "must be one of "+strings.Join(names, ", "))
}
