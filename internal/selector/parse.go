package selector

import "fmt"

const (
	// MaxLength is the length in bytes of the longest text that Parse reads, and of the
	// longest canonical form that it returns: 1 MiB, about the size of the largest object
	// that an API server stores.
	MaxLength = 1 << 20
	// MaxDepth is how deep parentheses may nest.
	MaxDepth = 100
)

// Parse reads a selector of endpoint labels. The empty text is All. The error is a
// *ParseError, or says that the text is too long; it never panics.
//
// global() is read as !has(projectcalico.org/namespace), in every scope. Calico accepts it
// in a rule's namespaceSelector only: callers that validate refuse it elsewhere.
func Parse(text string) (*Selector, error) { return ParseIn(Endpoints, text) }

// ParseIn reads a selector that speaks about the labels of a scope, and returns the selector
// of endpoint labels that means the same: in Namespaces, "team == 'red'" becomes
// `pcns.team == "red"`. The empty text is the scope's all(); a field that is absent is
// not the same and is for the caller to tell apart.
func ParseIn(scope Scope, text string) (*Selector, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("%d bytes long, at most %d are read", len(text), MaxLength)
	}
	p := parser{scanner: scanner{text: text}, scope: scope}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	s := made(root)
	if len(s.text) > MaxLength {
		return nil, fmt.Errorf("%d bytes long in canonical form, at most %d are read", len(s.text), MaxLength)
	}
	return s, nil
}

// MustParse is Parse for texts in the program itself; it panics on error.
func MustParse(text string) *Selector {
	s, err := Parse(text)
	if err != nil {
		panic(fmt.Sprintf("selector %s: %v", excerpt(text), err))
	}
	return s
}

// parser is a recursive-descent parser that makes terms in canonical form as it goes.
// Each method is called with the scanner on the first token of its construct and leaves it
// on the first token after it.
type parser struct {
	scanner
	scope Scope
	depth int // of parentheses
}

func (p *parser) parse() (term, error) {
	if err := p.next(); err != nil {
		return term{}, err
	}
	if p.tok.kind == tokenEnd {
		return p.scope.everything(), nil
	}
	t, err := p.or()
	if err == nil && p.tok.kind != tokenEnd {
		err = p.unexpected("&&, || or the end")
	}
	return t, err
}

func (p *parser) or() (term, error)  { return p.junction(kindOr, tokenOr, (*parser).and) }
func (p *parser) and() (term, error) { return p.junction(kindAnd, tokenAnd, (*parser).operand) }

func (p *parser) junction(k kind, separator tokenKind, operand func(*parser) (term, error)) (term, error) {
	t, err := operand(p)
	if err != nil || p.tok.kind != separator {
		return t, err
	}
	terms := []term{t}
	for p.tok.kind == separator {
		if err := p.next(); err != nil {
			return term{}, err
		}
		if t, err = operand(p); err != nil {
			return term{}, err
		}
		terms = append(terms, t)
	}
	return junction(k, terms), nil
}

func (p *parser) operand() (term, error) {
	negated := false
	for p.tok.kind == tokenNot {
		negated = !negated
		if err := p.next(); err != nil {
			return term{}, err
		}
	}
	t, err := p.positive()
	if err == nil && negated {
		t = t.not()
	}
	return t, err
}

func (p *parser) positive() (term, error) {
	switch p.tok.kind {
	case tokenOpen:
		return p.group()
	case tokenWord:
		// A label may be named "has" or "all": the parenthesis decides, with no space before it.
		if p.tok.end < len(p.text) && p.text[p.tok.end] == '(' {
			switch p.word() {
			case "has", "all", "global":
				return p.call()
			}
		}
		return p.comparison()
	}
	return term{}, p.unexpected("a label, has(, all(), global(), ! or (")
}

func (p *parser) group() (term, error) {
	if p.depth == MaxDepth {
		return term{}, p.failure(fmt.Sprintf(`"(" inside %d others`, MaxDepth), "fewer")
	}
	p.depth++
	defer func() { p.depth-- }()
	if err := p.next(); err != nil {
		return term{}, err
	}
	t, err := p.or()
	if err != nil {
		return term{}, err
	}
	return t, p.skip(tokenClose, "&&, || or )")
}

// call reads has(label), all() or global().
func (p *parser) call() (term, error) {
	name := p.word()
	if err := p.next(); err != nil {
		return term{}, err
	}
	if err := p.skip(tokenOpen, string(tokenOpen)); err != nil {
		return term{}, err
	}
	if name == "has" {
		if p.tok.kind != tokenWord {
			return term{}, p.unexpected("a label")
		}
		t := has(p.scope.label(p.word()))
		if err := p.next(); err != nil {
			return term{}, err
		}
		return t, p.skip(tokenClose, ")")
	}
	t := p.scope.everything()
	if name == "global" {
		t = has(NamespaceLabel).not()
	}
	return t, p.skip(tokenClose, ")")
}

// skip moves past a token that must be there.
func (p *parser) skip(kind tokenKind, expected string) error {
	if p.tok.kind != kind {
		return p.unexpected(expected)
	}
	return p.next()
}
