package manifest

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// quoteRune returns a character as errors show it.
func quoteRune(r rune) string { return strconv.QuoteRune(r) }

// quoted reads the text in quotes that begins here.
func (p *jsonParser) quoted() (string, error) {
	start := p.at + 1
	escaped := false
	for i := start; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			text := p.text[start:i]
			if !utf8.ValidString(text) {
				return "", &syntaxError{p.line, "not UTF-8"}
			}
			if escaped {
				var ok bool
				if text, ok = unescapeJSON(text); !ok {
					return "", &syntaxError{p.line, "JSON knows no such escape: " + strconv.Quote(p.text[start:i])}
				}
			}
			p.at = i + 1
			return text, nil
		case c == '\\':
			escaped = true
			i++
			if i < len(p.text) && p.text[i] < ' ' {
				p.at = i
				return "", p.fail("an escape")
			}
		case c < ' ':
			p.at = i
			return "", p.fail("the end of the text in quotes")
		}
	}
	p.at = len(p.text)
	return "", p.fail("the end of the text in quotes")
}

// unescapeJSON resolves the escapes of RFC 8259, section 7. Half of a surrogate pair becomes U+FFFD, as in
// encoding/json.
func unescapeJSON(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if at := strings.IndexByte(`"\/bfnrt`, s[i]); at >= 0 {
			b.WriteByte("\"\\/\b\f\n\r\t"[at])
			continue
		}
		r, ok := hex4(s[i:])
		if !ok {
			return "", false
		}
		i += 4
		if low, ok := hex4After(s[i+1:]); ok && utf16.IsSurrogate(r) {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				r = pair
				i += 6
			}
		}
		b.WriteRune(r) // which writes U+FFFD for half a pair
	}
	return b.String(), true
}

// hex4 reads the "u1234" of an escape.
func hex4(s string) (rune, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(s[1:5], 16, 16)
	return rune(v), err == nil
}

// hex4After reads a second escape, of which the backslash is not yet read.
func hex4After(s string) (rune, bool) {
	if s == "" || s[0] != '\\' {
		return 0, false
	}
	return hex4(s[1:])
}
