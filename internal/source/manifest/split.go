package manifest

import "bytes"

// chunk is the text of one document.
type chunk struct {
	text []byte
	// line is that of the chunk's first line in the file, from 1.
	line int
}

// nextChunk cuts the first document off. YAML forbids a line that begins with "---" inside of any scalar, so
// that the cut needs no parsing. The line "---" itself begins the chunk that it opens, since a document may
// begin on it.
func nextChunk(data []byte, line int) (c chunk, rest []byte, restLine int) {
	c.line = line
	for at := 0; ; {
		end := bytes.IndexByte(data[at:], '\n')
		if at > 0 && isMarker(data[at:], "---") {
			c.text = data[:at]
			return c, data[at:], line
		}
		if end < 0 {
			c.text = data
			return c, nil, line
		}
		at += end + 1
		line++
	}
}

// isMarker reports whether a line is the marker of a document, alone or before something else.
func isMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	rest := line[len(marker):]
	return len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r'
}

// blank reports whether the chunk has nothing but markers, directives, comments and white space.
func (c chunk) blank() bool {
	rest := c.text
	for first := true; len(rest) > 0; first = false {
		var l []byte
		l, rest, _ = bytes.Cut(rest, []byte("\n"))
		if first && isMarker(l, "---") {
			l = l[3:]
		}
		if isMarker(l, "...") {
			l = l[3:]
		}
		l = bytes.TrimSpace(l)
		if len(l) > 0 && l[0] != '#' && l[0] != '%' {
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
	t = bytes.TrimLeft(t, " \t\r\n")
	return len(t) > 0 && (t[0] == '{' || t[0] == '[')
}

// indent returns the white space that a line of the file begins with; nothing if the line is not in the
// chunk.
func (c chunk) indent(line int) []byte {
	rest := c.text
	for at := c.line; len(rest) > 0; at++ {
		var l []byte
		l, rest, _ = bytes.Cut(rest, []byte("\n"))
		if at == line {
			return l[:len(l)-len(bytes.TrimLeft(l, " \t"))]
		}
	}
	return nil
}
