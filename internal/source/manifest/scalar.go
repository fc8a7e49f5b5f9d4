package manifest

import (
	"strconv"
	"strings"
)

// resolve says what an unquoted scalar of YAML is, by the core schema of YAML 1.2, and returns its text as
// JSON writes it. Of YAML 1.1, which Kubernetes reads, it keeps the octal numbers (defaultMode: 0644). Words
// like yes and on stay text here; decode takes them for truth values where one is wanted.
func resolve(s string) (kind, string) {
	if s == "" {
		return isNull, ""
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
		return number(s)
	case len(s) > 5:
		return isText, s
	}
	switch s {
	case "~", "null", "Null", "NULL":
		return isNull, ""
	case "true", "True", "TRUE":
		return isBool, "true"
	case "false", "False", "FALSE":
		return isBool, "false"
	}
	return isText, s
}

// number returns a number as JSON writes it, or the text if it is none.
func number(s string) (kind, string) {
	if strings.ContainsAny(s, "_pPiInN:/") { // Go's own spellings, .inf and .nan, and what never is a number
		return isText, s
	}
	if jsonNumber(s) {
		return isNumber, s
	}
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return isNumber, strconv.FormatInt(i, 10)
	}
	if u, err := strconv.ParseUint(strings.TrimPrefix(s, "+"), 0, 64); err == nil {
		return isNumber, strconv.FormatUint(u, 10)
	}
	if strings.ContainsAny(s, "xX") { // a hexadecimal float, or too large an integer
		return isText, s
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return isNumber, strconv.FormatFloat(f, 'g', -1, 64)
	}
	return isText, s
}

// jsonNumber reports whether s is a number that JSON writes the same way (RFC 8259, section 6).
func jsonNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || s[0] == '0' && whole > 1 {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		if n == 0 {
			return false
		}
		s = s[n:]
	}
	return s == ""
}

// digits returns how many decimal digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
