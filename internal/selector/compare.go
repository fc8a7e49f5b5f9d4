package selector

// operators is what may follow a label, for error messages.
const operators = "==, !=, in, not in, contains, starts with or ends with"

// operator is what stands between a label and its value or values.
type operator struct {
	kind    kind
	negated bool
	set     bool // a set of values follows
}

// comparison reads a label, an operator, and a value or a set of values.
func (p *parser) comparison() (term, error) {
	label := p.scope.label(p.word())
	if err := p.next(); err != nil {
		return term{}, err
	}
	op, err := p.operator()
	if err != nil {
		return term{}, err
	}
	if err := p.next(); err != nil {
		return term{}, err
	}
	var t term
	if op.set {
		t, err = p.set(label)
	} else {
		t, err = p.single(op.kind, label)
	}
	if err == nil && op.negated {
		t = t.not()
	}
	return t, err
}

// operator reads an operator and leaves the scanner on its last word.
func (p *parser) operator() (operator, error) {
	switch p.tok.kind {
	case tokenEqual:
		return operator{kind: kindOneOf}, nil
	case tokenNotEqual:
		return operator{kind: kindOneOf, negated: true}, nil
	case tokenWord:
	default:
		return operator{}, p.unexpected(operators)
	}
	switch p.word() {
	case "in":
		return operator{kind: kindOneOf, set: true}, nil
	case "notin":
		return operator{kind: kindOneOf, negated: true, set: true}, nil
	case "not":
		return operator{kind: kindOneOf, negated: true, set: true}, p.second("in")
	case "contains":
		return operator{kind: kindContains}, nil
	case "startswith":
		return operator{kind: kindStarts}, nil
	case "endswith":
		return operator{kind: kindEnds}, nil
	case "starts":
		return operator{kind: kindStarts}, p.second("with")
	case "ends":
		return operator{kind: kindEnds}, p.second("with")
	}
	return operator{}, p.unexpected(operators)
}

// second moves to the second word of an operator.
func (p *parser) second(word string) error {
	if err := p.next(); err != nil {
		return err
	}
	if p.tok.kind != tokenWord || p.word() != word {
		return p.unexpected(`"` + word + `"`)
	}
	return nil
}

// single reads one value.
func (p *parser) single(k kind, label string) (term, error) {
	if p.tok.kind != tokenValue {
		return term{}, p.unexpected(string(tokenValue))
	}
	value := p.value()
	if err := p.next(); err != nil {
		return term{}, err
	}
	if k == kindOneOf {
		return oneOf(label, value), nil
	}
	return part(k, label, value), nil
}

// set reads values in braces. The set may be empty, and a comma may follow the last value.
func (p *parser) set(label string) (term, error) {
	if err := p.skip(tokenOpenBrace, string(tokenOpenBrace)); err != nil {
		return term{}, err
	}
	var values []string
	expected := "a quoted value or }"
	for p.tok.kind == tokenValue {
		values = append(values, p.value())
		if err := p.next(); err != nil {
			return term{}, err
		}
		expected = ", or }"
		if p.tok.kind != tokenComma {
			break
		}
		expected = "a quoted value or }"
		if err := p.next(); err != nil {
			return term{}, err
		}
	}
	if err := p.skip(tokenCloseBrace, expected); err != nil {
		return term{}, err
	}
	return oneOf(label, values...), nil
}
