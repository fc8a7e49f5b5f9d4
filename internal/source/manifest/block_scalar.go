package manifest

import "strings"

// indicators are the characters that begin something else than a plain scalar (YAML 1.2, section 5.3).
const indicators = "-?:,[]{}#&*!|>'\"%@`"

// longestKey is how long a key may be; YAML's own limit is 1024.
const longestSimpleKey = 1000

// splitKey takes "key: rest" apart; false if the line is nothing of the sort, or more than that.
func splitKey(s string) (key, rest string, ok bool) {
	if s == "" {
		return "", "", false
	}
	if s[0] == '"' || s[0] == '\'' {
		key, rest, ok = quoted(s)
		if !ok || rest == "" || rest[0] != ':' || len(rest) > 1 && rest[1] != ' ' {
			return "", "", false
		}
		return key, strings.TrimLeft(rest[1:], " "), len(s)-len(rest) < longestSimpleKey
	}
	if strings.IndexByte(indicators, s[0]) >= 0 && !(s[0] == '-' && len(s) > 1 && s[1] != ' ') {
		return "", "", false
	}
	colon := keyEnd(s)
	if colon < 0 || colon > longestSimpleKey {
		return "", "", false
	}
	key = strings.TrimRight(s[:colon], " ")
	if key == "<<" || strings.Contains(key, " #") {
		return "", "", false
	}
	return key, strings.TrimLeft(s[colon+1:], " "), true
}

// keyEnd returns the place of the first colon that ends a key, -1 if there is none.
func keyEnd(s string) int {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], ':')
		if i < 0 {
			return -1
		}
		if i += from; i+1 == len(s) || s[i+1] == ' ' {
			return i
		}
		from = i + 1
	}
}

// inline reads a value that is all on one line.
func (p *blockParser) inline(s string) (*node, bool) {
	switch c := s[0]; {
	case c == '"' || c == '\'':
		text, rest, ok := quoted(s)
		return p.alloc.node(isText, p.line, text), ok && onlyComment(rest)
	case c == '[' || c == '{':
		n, rest := p.flow(s)
		return n, n != nil && onlyComment(rest)
	case strings.IndexByte(indicators, c) >= 0 && !(c == '-' && len(s) > 1 && s[1] != ' '):
		return nil, false
	}
	if i := strings.Index(s, " #"); i >= 0 {
		s = strings.TrimRight(s[:i], " ")
	}
	if keyEnd(s) >= 0 {
		return nil, false
	}
	return p.plain(s), true
}

// plain returns the node of an unquoted scalar.
func (p *blockParser) plain(s string) *node {
	k, text := resolve(s)
	n := p.alloc.node(k, p.line, text)
	n.plain = true
	return n
}

// onlyComment reports whether nothing of meaning is left on a line.
func onlyComment(s string) bool {
	t := strings.TrimLeft(s, " ")
	return t == "" || t[0] == '#' && len(t) < len(s)
}

// quoted reads the quoted text that s begins with, and returns what follows it. The quotes must end on the
// line, and there must be no escape that JSON does not have as well.
func quoted(s string) (text, rest string, ok bool) {
	if s[0] == '\'' {
		for i := 1; i < len(s); i++ {
			if s[i] != '\'' {
				continue
			}
			if i+1 < len(s) && s[i+1] == '\'' {
				i++
				continue
			}
			return strings.ReplaceAll(s[1:i], "''", "'"), s[i+1:], true
		}
		return "", "", false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			text, ok = unescape(s[1:i])
			return text, s[i+1:], ok
		}
	}
	return "", "", false
}

// unescape resolves the common escapes of double quotes.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		at := strings.IndexByte(`"\/ntr`, s[i])
		if at < 0 {
			return "", false
		}
		b.WriteByte("\"\\/\n\t\r"[at])
	}
	return b.String(), true
}

// flow reads the list or mapping in brackets or braces that s begins with, and returns what follows it. nil
// if it does not end on the line, or is more than plain.
func (p *blockParser) flow(s string) (n *node, rest string) {
	if p.depth--; p.depth < 0 {
		return nil, ""
	}
	defer func() { p.depth++ }()
	n = p.alloc.node(isList, p.line, "")
	end := byte(']')
	if s[0] == '{' {
		n.kind, end = isMap, '}'
	}
	mark := p.alloc.mark()
	for s = strings.TrimLeft(s[1:], " "); ; {
		if s == "" {
			return nil, ""
		}
		if s[0] == end {
			n.kids = p.alloc.pop(mark)
			return n, s[1:]
		}
		var v *node
		if n.kind == isMap {
			if s = p.flowKey(s); s == "" {
				return nil, ""
			}
		}
		if v, s = p.flowValue(s); v == nil {
			return nil, ""
		}
		p.alloc.push(v)
		switch s = strings.TrimLeft(s, " "); {
		case s == "" || s[0] != ',' && s[0] != end:
			return nil, ""
		case s[0] == ',':
			s = strings.TrimLeft(s[1:], " ")
		}
	}
}

// flowKey reads a key of a mapping in braces, with its colon; nothing is left if it is not plain.
func (p *blockParser) flowKey(s string) string {
	var key string
	if s[0] == '"' || s[0] == '\'' {
		var ok bool
		if key, s, ok = quoted(s); !ok || s == "" || s[0] != ':' {
			return ""
		}
	} else {
		key, s = flowWord(s)
		key = strings.TrimRight(key, " ")
		if key == "" || key == "<<" || len(s) < 2 || s[0] != ':' || s[1] != ' ' {
			return ""
		}
	}
	p.alloc.push(p.alloc.node(isText, p.line, key))
	return strings.TrimLeft(s[1:], " ")
}

// flowValue reads a value within brackets or braces, and returns what follows it.
func (p *blockParser) flowValue(s string) (*node, string) {
	switch s[0] {
	case '"', '\'':
		text, rest, ok := quoted(s)
		if !ok {
			return nil, ""
		}
		return p.alloc.node(isText, p.line, text), rest
	case '[', '{':
		return p.flow(s)
	}
	word, rest := flowWord(s)
	word = strings.TrimRight(word, " ")
	if word == "" || rest == "" || rest[0] == ':' {
		return nil, ""
	}
	return p.plain(word), rest
}

// flowWord takes the unquoted scalar off that s begins with, up to a comma, a bracket, or the colon of a
// key; nothing if it is more than plain.
func flowWord(s string) (word, rest string) {
	if strings.IndexByte(indicators, s[0]) >= 0 && !(s[0] == '-' && len(s) > 1 && s[1] != ' ') {
		return "", s
	}
	for i := range len(s) {
		switch s[i] {
		case ',', ']', '}':
			return s[:i], s[i:]
		case '[', '{', '#', '?':
			return "", s
		case ':':
			if i+1 == len(s) || strings.IndexByte(",[]{}", s[i+1]) >= 0 {
				return "", s
			}
			if s[i+1] == ' ' {
				return s[:i], s[i:]
			}
		}
	}
	return "", s
}
