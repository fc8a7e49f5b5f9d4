package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// jsonParser reads the JSON values of a chunk one after the other.
type jsonParser struct {
	dec  *json.Decoder
	text []byte
	// line is that of text[at].
	line, at int
	depth    int
}

// newJSONParser begins to read a chunk.
func newJSONParser(c chunk, lim limits) *jsonParser {
	text := c.text
	if isMarker(text, "---") {
		text = text[3:]
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return &jsonParser{dec: dec, text: text, line: c.line, depth: lim.depth}
}

// next returns the next value; io.EOF after the last one.
func (p *jsonParser) next() (*node, error) {
	tok, err := p.token()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	return p.value(tok)
}

// token returns the next token, and moves the line on to its end.
func (p *jsonParser) token() (json.Token, error) {
	tok, err := p.dec.Token()
	to := min(int(p.dec.InputOffset()), len(p.text))
	if err == nil || errors.Is(err, io.EOF) {
		p.line += bytes.Count(p.text[p.at:to], []byte("\n"))
		p.at = to
		return tok, err
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		to = max(p.at, min(int(syntax.Offset), len(p.text)))
	}
	line := p.line + bytes.Count(p.text[p.at:to], []byte("\n"))
	return nil, &syntaxError{line, strings.ReplaceAll(err.Error(), "\n", " ")}
}

// inside returns the next token of a value that has begun: the end of the file is an error here.
func (p *jsonParser) inside() (json.Token, error) {
	tok, err := p.token()
	if errors.Is(err, io.EOF) {
		return nil, &syntaxError{p.line, "unexpected end of JSON input"}
	}
	return tok, err
}

func (p *jsonParser) value(tok json.Token) (*node, error) {
	n := &node{line: int32(p.line)}
	switch t := tok.(type) {
	case nil:
		n.kind = isNull
	case bool:
		n.kind, n.text = isBool, "false"
		if t {
			n.text = "true"
		}
	case json.Number:
		n.kind, n.text = isNumber, t.String()
	case string:
		n.kind, n.text = isText, t
	case json.Delim:
		if p.depth--; p.depth < 0 {
			return nil, &syntaxError{p.line, "nested too deep"}
		}
		defer func() { p.depth++ }()
		return n, p.inner(n, t)
	}
	return n, nil
}

// inner reads what is between a pair of braces or brackets.
func (p *jsonParser) inner(n *node, open json.Delim) error {
	n.kind = isList
	if open == '{' {
		n.kind = isMap
	}
	for {
		tok, err := p.inside()
		if err != nil {
			return err
		}
		if d, ok := tok.(json.Delim); ok && (d == '}' || d == ']') {
			return nil
		}
		if n.kind == isMap {
			key, _ := tok.(string) // the decoder lets nothing else stand here
			n.kids = append(n.kids, &node{kind: isText, line: int32(p.line), text: key})
			if tok, err = p.inside(); err != nil {
				return err
			}
		}
		v, err := p.value(tok)
		if err != nil {
			return err
		}
		n.kids = append(n.kids, v)
	}
}
