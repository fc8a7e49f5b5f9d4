package manifest

import (
	"io"
	"strings"
	"unicode/utf8"
)

// jsonParser reads the JSON values of a chunk one after the other (RFC 8259). It knows the line of every
// value, which encoding/json does not, and is several times faster than its tokens are.
type jsonParser struct {
	text     string
	at, line int
	depth    int
	alloc    nodeAlloc
}

// newJSONParser begins to read a chunk.
func newJSONParser(c chunk, lim limits) *jsonParser {
	p := &jsonParser{text: c.text, line: c.line, depth: lim.depth}
	if isMarker(c.text, "---") {
		p.at = 3
	}
	return p
}

// next returns the next value; io.EOF after the last one.
func (p *jsonParser) next() (*node, error) {
	if p.space() == 0 && p.at >= len(p.text) {
		return nil, io.EOF
	}
	return p.value()
}

// space skips white space, and returns the character that follows, 0 at the end.
func (p *jsonParser) space() byte {
	for ; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '\n':
			p.line++
		case ' ', '\t', '\r':
		default:
			return p.text[p.at]
		}
	}
	return 0
}

// fail says what stands where something else should.
func (p *jsonParser) fail(want string) error {
	if p.at >= len(p.text) {
		return &syntaxError{p.line, "the file ends where JSON wants " + want}
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return &syntaxError{p.line, "JSON wants " + want + ", not " + quoteRune(r)}
}

func (p *jsonParser) value() (*node, error) {
	switch c := p.space(); {
	case c == '{' || c == '[':
		return p.collection(c)
	case c == '"':
		text, err := p.quoted()
		if err != nil {
			return nil, err
		}
		return p.alloc.node(isText, p.line, text), nil
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if !strings.HasPrefix(p.text[p.at:], word) {
			continue
		}
		p.at += len(word)
		if word == "null" {
			return p.alloc.node(isNull, p.line, ""), nil
		}
		return p.alloc.node(isBool, p.line, word), nil
	}
	return nil, p.fail("a value")
}

func (p *jsonParser) number() (*node, error) {
	end := p.at
	for end < len(p.text) && strings.IndexByte("+-.eE0123456789", p.text[end]) >= 0 {
		end++
	}
	text := p.text[p.at:end]
	if !jsonNumber(text) {
		return nil, p.fail("a number")
	}
	p.at = end
	return p.alloc.node(isNumber, p.line, text), nil
}

func (p *jsonParser) collection(open byte) (*node, error) {
	if p.depth--; p.depth < 0 {
		return nil, &syntaxError{p.line, "nested too deep"}
	}
	defer func() { p.depth++ }()
	n := p.alloc.node(isList, p.line, "")
	end, wanted := byte(']'), "a comma or ]"
	if open == '{' {
		n.kind, end, wanted = isMap, '}', "a comma or }"
	}
	mark := p.alloc.mark()
	p.at++
	if p.space() == end {
		p.at++
		return n, nil
	}
	for {
		if n.kind == isMap {
			if err := p.key(); err != nil {
				return nil, err
			}
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		p.alloc.push(v)
		switch p.space() {
		case ',':
			p.at++
		case end:
			p.at++
			n.kids = p.alloc.pop(mark)
			return n, nil
		default:
			return nil, p.fail(wanted)
		}
	}
}

// key reads a key and its colon.
func (p *jsonParser) key() error {
	if p.space() != '"' {
		return p.fail("a key in quotes")
	}
	text, err := p.quoted()
	if err != nil {
		return err
	}
	p.alloc.push(p.alloc.node(isText, p.line, text))
	if p.space() != ':' {
		return p.fail("a colon")
	}
	p.at++
	return nil
}
