package manifest

import "strings"

// chunk is the text of one document.
type chunk struct {
	text string
	// line is that of the chunk's first line in the file, from 1.
	line int
}

// nextChunk cuts the first document off. YAML forbids a line that begins with "---" inside of any scalar, so
// that the cut needs no parsing. The line "---" itself begins the chunk that it opens, since a document may
// begin on it.
func nextChunk(text string, line int) (c chunk, rest string, restLine int) {
	c.line = line
	for at := 0; ; {
		if at > 0 && isMarker(text[at:], "---") {
			c.text = text[:at]
			return c, text[at:], line
		}
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			c.text = text
			return c, "", line
		}
		at += end + 1
		line++
	}
}

// isMarker reports whether a line is the marker of a document, alone or before something else.
func isMarker(line, marker string) bool {
	rest, ok := strings.CutPrefix(line, marker)
	return ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r')
}

// blank reports whether the chunk has nothing but markers, directives, comments and white space.
func (c chunk) blank() bool {
	rest := c.text
	for first := true; rest != ""; first = false {
		var l string
		l, rest, _ = strings.Cut(rest, "\n")
		if first && isMarker(l, "---") || isMarker(l, "...") {
			l = l[3:]
		}
		l = strings.TrimSpace(l)
		if l != "" && l[0] != '#' && l[0] != '%' {
			return false
		}
	}
	return true
}

// isJSON reports whether the document can be JSON: it begins with a brace or a bracket.
func (c chunk) isJSON() bool {
	t := c.text
	if isMarker(t, "---") {
		t = t[3:]
	}
	t = strings.TrimLeft(t, " \t\r\n")
	return t != "" && (t[0] == '{' || t[0] == '[')
}

// indent returns the white space that a line of the file begins with; nothing if the line is not in the
// chunk.
func (c chunk) indent(line int) string {
	rest := c.text
	for at := c.line; rest != ""; at++ {
		var l string
		l, rest, _ = strings.Cut(rest, "\n")
		if at == line {
			return l[:len(l)-len(strings.TrimLeft(l, " \t"))]
		}
	}
	return ""
}
