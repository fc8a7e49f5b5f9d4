package selector

import "strings"

// append writes the term's canonical text. Inside is the kind of the junction around it:
// && binds tighter than ||, so that only an || inside an && needs parentheses.
func (t *term) append(b []byte, inside kind) []byte {
	switch t.kind {
	case kindAnd:
		return t.appendJunction(b, " && ")
	case kindOr:
		if inside == kindAnd {
			b = append(b, '(')
			b = t.appendJunction(b, " || ")
			return append(b, ')')
		}
		return t.appendJunction(b, " || ")
	case kindOneOf:
		return t.appendOneOf(b)
	}
	if t.negated {
		b = append(b, '!')
	}
	switch t.kind {
	case kindAll:
		return append(b, "all()"...)
	case kindHas:
		b = append(b, "has("...)
		b = append(b, t.label...)
		return append(b, ')')
	}
	b = append(b, t.label...)
	b = append(b, t.kind.words()...)
	return appendQuoted(b, t.values[0])
}

func (t *term) appendJunction(b []byte, separator string) []byte {
	for i := range t.terms {
		if i > 0 {
			b = append(b, separator...)
		}
		b = t.terms[i].append(b, t.kind)
	}
	return b
}

func (t *term) appendOneOf(b []byte) []byte {
	b = append(b, t.label...)
	if len(t.values) == 1 {
		operator := " == "
		if t.negated {
			operator = " != "
		}
		b = append(b, operator...)
		return appendQuoted(b, t.values[0])
	}
	if t.negated {
		b = append(b, " not"...)
	}
	b = append(b, " in {"...)
	for i, value := range t.values {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendQuoted(b, value)
	}
	return append(b, '}')
}

// words is the operator of a test on part of the value, with its spaces.
func (k kind) words() string {
	switch k {
	case kindContains:
		return " contains "
	case kindStarts:
		return " starts with "
	}
	return " ends with "
}

// appendQuoted uses double quotes unless the value has one; no value has both kinds.
func appendQuoted(b []byte, value string) []byte {
	quote := byte('"')
	if strings.IndexByte(value, '"') >= 0 {
		quote = '\''
	}
	b = append(b, quote)
	b = append(b, value...)
	return append(b, quote)
}
