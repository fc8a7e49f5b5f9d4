package selector

import (
	"fmt"
	"strings"
)

// tokenKind is the kind of a token; its value is how an error message writes it.
type tokenKind string

const (
	tokenEnd        tokenKind = "the end"
	tokenWord       tokenKind = "a word"
	tokenValue      tokenKind = "a quoted value"
	tokenEqual      tokenKind = "=="
	tokenNotEqual   tokenKind = "!="
	tokenNot        tokenKind = "!"
	tokenAnd        tokenKind = "&&"
	tokenOr         tokenKind = "||"
	tokenOpen       tokenKind = "("
	tokenClose      tokenKind = ")"
	tokenOpenBrace  tokenKind = "{"
	tokenCloseBrace tokenKind = "}"
	tokenComma      tokenKind = ","
)

// token is one token of the text: text[start:end], quotes included.
type token struct {
	kind       tokenKind
	start, end int
}

// scanner cuts a text into tokens, one at a time.
type scanner struct {
	text string
	tok  token // the current one
}

// word is the current token's text.
func (s *scanner) word() string { return s.text[s.tok.start:s.tok.end] }

// value is the current quoted token's text without the quotes.
func (s *scanner) value() string { return s.text[s.tok.start+1 : s.tok.end-1] }

// next moves on to the next token.
func (s *scanner) next() error {
	i := s.tok.end
	for i < len(s.text) && strings.IndexByte(" \t\r\n", s.text[i]) >= 0 {
		i++
	}
	s.tok = token{kind: tokenEnd, start: i, end: i}
	if i == len(s.text) {
		return nil
	}
	switch c := s.text[i]; {
	case isLabelByte(c):
		return s.scanWord()
	case c == '"' || c == '\'':
		return s.scanValue(c)
	case strings.IndexByte("(){},", c) >= 0:
		s.accept(tokenKind(s.text[i : i+1]))
	case c == '!' && !strings.HasPrefix(s.text[i:], "!="):
		s.accept(tokenNot)
	default:
		return s.scanOperator()
	}
	return nil
}

// accept makes the current token one of a fixed text.
func (s *scanner) accept(kind tokenKind) {
	s.tok.kind, s.tok.end = kind, s.tok.start+len(kind)
}

func (s *scanner) scanWord() error {
	s.tok.kind = tokenWord
	for s.tok.end < len(s.text) && isLabelByte(s.text[s.tok.end]) {
		s.tok.end++
	}
	return nil
}

func (s *scanner) scanValue(quote byte) error {
	length := strings.IndexByte(s.text[s.tok.start+1:], quote)
	if length < 0 {
		return s.failure(excerpt(s.text[s.tok.start:]), fmt.Sprintf("a closing %c", quote))
	}
	s.tok.kind, s.tok.end = tokenValue, s.tok.start+length+2
	return nil
}

// scanOperator reads the operators of two characters, both of which must be there.
func (s *scanner) scanOperator() error {
	rest := s.text[s.tok.start:]
	for _, kind := range [...]tokenKind{tokenEqual, tokenNotEqual, tokenAnd, tokenOr} {
		if strings.HasPrefix(rest, string(kind)) {
			s.accept(kind)
			return nil
		}
		if rest[0] == kind[0] {
			return s.failure(excerpt(rest), string(kind))
		}
	}
	return s.failure(excerpt(rest), "an operator, a label or a quoted value")
}

// isLabelByte says whether a label name may hold the byte.
func isLabelByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '_' || c == '.' || c == '/' || c == '-'
}
