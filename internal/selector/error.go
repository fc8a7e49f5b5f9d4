package selector

import "fmt"

// ParseError says where and why a text is not a selector.
type ParseError struct {
	Position int    // of the offending text, in bytes, from 1
	Found    string // what stands there
	Expected string // what could have stood there
}

// Error is one line, however long the text was.
func (e *ParseError) Error() string {
	return fmt.Sprintf("position %d: found %s, expected %s", e.Position, e.Found, e.Expected)
}

// failure is an error at the current token.
func (s *scanner) failure(found, expected string) error {
	return &ParseError{Position: s.tok.start + 1, Found: found, Expected: expected}
}

// unexpected is an error about the current token.
func (s *scanner) unexpected(expected string) error {
	if s.tok.kind == tokenEnd {
		return s.failure(string(tokenEnd), expected)
	}
	return s.failure(excerpt(s.word()), expected)
}

// excerpt quotes the beginning of a text for an error message.
func excerpt(text string) string {
	const longest = 24
	if len(text) > longest {
		return fmt.Sprintf("%q...", text[:longest])
	}
	return fmt.Sprintf("%q", text)
}
