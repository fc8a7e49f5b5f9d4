package manifest

import (
	"strings"
	"unicode/utf8"
)

// blockParser reads the plain part of YAML that nearly all manifests are written in, many times faster than
// the YAML library does: block mappings and sequences, scalars and flow collections on one line, literal
// blocks. At anything else (anchors, tags, folded text, tabs, …), and at every error, it gives up, and the
// library reads the document from the start: what is valid, and what is wrong, is the library's to say. A
// fuzz test holds the two against each other (FuzzBlock).
type blockParser struct {
	text string
	// next is where the line after the present one begins; done is set behind the last one.
	next int
	done bool
	// line, indent and content are the present line: its number in the file, its leading spaces, and the
	// rest without spaces at its end. Lines without content are never present.
	line, indent int
	content      string
	depth        int
	gaveUp       bool
	alloc        nodeAlloc
}

// parseBlock reads a document; false if the YAML library must.
func parseBlock(c chunk, lim limits) (*node, bool) {
	p := blockParser{text: c.text, line: c.line - 1, depth: lim.depth}
	if !plainText(p.text) {
		return nil, false
	}
	if isMarker(p.text, "---") {
		first, _ := p.raw()
		if after := strings.Trim(first[3:], " "); after != "" && after[0] != '#' {
			return nil, false
		}
	}
	p.advance()
	if p.done || p.gaveUp {
		return nil, false
	}
	n := p.block(p.indent)
	if p.gaveUp || !p.done {
		return nil, false
	}
	return n, true
}

// plainText reports whether the text has only characters that YAML allows and that are no line breaks or
// separators of a kind that the parser does not know (YAML 1.2, section 5.1).
func plainText(text string) bool {
	for i := 0; i < len(text); {
		if b := text[i]; b < utf8.RuneSelf {
			if b < ' ' && b != '\n' || b == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError, r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return false
		}
		i += size
	}
	return true
}

// giveUp leaves the document to the YAML library.
func (p *blockParser) giveUp() *node {
	p.gaveUp, p.done = true, true
	return nil
}

// raw returns the next line as it stands, and goes on to it.
func (p *blockParser) raw() (string, bool) {
	if p.next >= len(p.text) {
		return "", false
	}
	l, _, _ := strings.Cut(p.text[p.next:], "\n")
	p.next += len(l) + 1
	p.line++
	return l, true
}

// advance makes the next line with content the present one.
func (p *blockParser) advance() {
	for {
		l, ok := p.raw()
		if !ok {
			p.done = true
			return
		}
		content := strings.TrimLeft(l, " ")
		if content == "" || content[0] == '#' {
			continue
		}
		p.indent = len(l) - len(content)
		p.content = strings.TrimRight(content, " ")
		if p.indent == 0 && (strings.HasPrefix(content, "...") || strings.HasPrefix(content, "---") || content[0] == '%') {
			p.giveUp()
		}
		return
	}
}

// block reads the mapping or sequence that begins at the present line.
func (p *blockParser) block(indent int) *node {
	if p.depth--; p.depth < 0 {
		return p.giveUp()
	}
	defer func() { p.depth++ }()
	if isDash(p.content) {
		return p.sequence(indent)
	}
	return p.mapping(indent)
}

// isDash reports whether a line is an element of a sequence.
func isDash(s string) bool { return s == "-" || strings.HasPrefix(s, "- ") }

func (p *blockParser) mapping(indent int) *node {
	n := p.alloc.node(isMap, p.line, "")
	mark := p.alloc.mark()
	for !p.done && p.indent == indent && !isDash(p.content) {
		key, rest, ok := splitKey(p.content)
		if !ok {
			return p.giveUp()
		}
		p.alloc.push(p.alloc.node(isText, p.line, key))
		v := p.value(rest, indent, true)
		if p.gaveUp {
			return nil
		}
		p.alloc.push(v)
	}
	if !p.done && p.indent >= indent {
		return p.giveUp()
	}
	n.kids = p.alloc.pop(mark)
	return n
}

func (p *blockParser) sequence(indent int) *node {
	n := p.alloc.node(isList, p.line, "")
	mark := p.alloc.mark()
	for !p.done && p.indent == indent && isDash(p.content) {
		rest := strings.TrimLeft(p.content[1:], " ")
		column := indent + len(p.content) - len(rest)
		_, _, isKey := splitKey(rest)
		var v *node
		if isKey || isDash(rest) {
			p.indent, p.content = column, rest
			v = p.block(column)
		} else {
			v = p.value(rest, indent, false)
		}
		if p.gaveUp {
			return nil
		}
		p.alloc.push(v)
	}
	if !p.done && p.indent > indent {
		return p.giveUp()
	}
	n.kids = p.alloc.pop(mark)
	return n
}

// value reads what follows a key or a dash at indent: the rest of its line, or the lines below. A sequence
// below a key may stand at the key's own indent.
func (p *blockParser) value(rest string, indent int, ofKey bool) *node {
	line := p.line
	if rest == "" || rest[0] == '#' {
		p.advance()
		switch {
		case p.gaveUp:
			return nil
		case !p.done && p.indent > indent, !p.done && ofKey && p.indent == indent && isDash(p.content):
			return p.block(p.indent)
		}
		return p.alloc.node(isNull, line, "")
	}
	if rest[0] == '|' {
		return p.literal(rest, indent)
	}
	n, ok := p.inline(rest)
	if !ok {
		return p.giveUp()
	}
	p.advance()
	if !p.done && p.indent > indent { // the value goes on there
		return p.giveUp()
	}
	return n
}

// literal reads a block of text in which line breaks count. Rare forms of it are left to the library.
func (p *blockParser) literal(header string, indent int) *node {
	if header != "|" && header != "|-" {
		return p.giveUp()
	}
	n := p.alloc.node(isText, p.line, "")
	var b strings.Builder
	inner := -1
	for blank := 0; ; {
		before, beforeLine := p.next, p.line
		l, ok := p.raw()
		content := strings.TrimLeft(l, " ")
		at := len(l) - len(content)
		if ok && content == "" {
			if inner < 0 || at > inner {
				return p.giveUp()
			}
			blank++
			continue
		}
		if ok && inner < 0 {
			inner = at
		}
		if !ok || at < inner || inner <= indent {
			if inner <= indent || ok && at > indent && content[0] != '#' || p.next > len(p.text) {
				return p.giveUp()
			}
			p.next, p.line = before, beforeLine
			break
		}
		for ; blank > 0; blank-- {
			b.WriteByte('\n')
		}
		b.WriteString(l[inner:])
		b.WriteByte('\n')
	}
	n.text = b.String()
	if header == "|-" {
		n.text = strings.TrimSuffix(n.text, "\n")
	}
	p.advance()
	return n
}
