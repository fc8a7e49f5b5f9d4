package manifest

import (
	"encoding/json"
	"strconv"
	"strings"
)

// kind is what a node is, in the terms of JSON.
type kind uint8

const (
	isNull kind = iota
	isBool
	isNumber
	isText
	isList
	isMap
)

// String names the kind as the messages do.
func (k kind) String() string {
	return [...]string{"nothing", "a truth value", "a number", "text", "a list", "a mapping"}[k]
}

// node is a value of a document, the same whether it came as YAML or as JSON.
type node struct {
	kind kind
	// plain is set for text without quotes, which YAML 1.1 might have taken for a truth value.
	plain bool
	line  int32
	// text is a scalar: the text itself, or a number or truth value as JSON writes it.
	text string
	// kids are the elements of a list, or by turns the keys and the values of a mapping. Keys are text.
	kids []*node
}

// get returns the value of a key of a mapping; nil if there is none.
func (n *node) get(key string) *node {
	if n == nil || n.kind != isMap {
		return nil
	}
	for i := 0; i+1 < len(n.kids); i += 2 {
		if n.kids[i].text == key {
			return n.kids[i+1]
		}
	}
	return nil
}

// word returns the text of a key of a mapping, and the empty string for anything but text.
func (n *node) word(key string) string {
	if v := n.get(key); v != nil && v.kind == isText {
		return v.text
	}
	return ""
}

// longestShown is how much of a value a problem keeps, in bytes.
const longestShown = 128

// shown returns the value as an error shows it, or its beginning, if it is long. It is a copy: problems live
// longer than the file's text should.
func (n *node) shown() string {
	text := n.text
	switch n.kind {
	case isList, isMap:
		text = string(n.appendJSON(nil))
	case isNull:
		text = "null"
	}
	return strings.Clone(text[:min(len(text), longestShown)])
}

// appendJSON appends the value as JSON.
func (n *node) appendJSON(b []byte) []byte {
	switch n.kind {
	case isNull:
		return append(b, "null"...)
	case isBool, isNumber:
		return append(b, n.text...)
	case isText:
		return appendQuoted(b, n.text)
	case isList:
		b = append(b, '[')
		for i, k := range n.kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = k.appendJSON(b)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i := 0; i+1 < len(n.kids); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, n.kids[i].text), ':')
		b = n.kids[i+1].appendJSON(b)
	}
	return append(b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return append(b, `""`...)
	}
	return append(b, q...)
}

// lineOf follows a field's path as far as it leads, and returns the line where it ends; of a mapping's value
// that is the line of its key.
func (n *node) lineOf(field string, line int) int {
	for field != "" && n != nil {
		if rest, ok := strings.CutPrefix(field, "["); ok {
			digits, after, _ := strings.Cut(rest, "]")
			i, err := strconv.Atoi(digits)
			if err != nil || n.kind != isList || i < 0 || i >= len(n.kids) {
				return line
			}
			n, field = n.kids[i], strings.TrimPrefix(after, ".")
			line = int(n.line)
			continue
		}
		if n.kind != isMap {
			return line
		}
		key, rest := n.longestKey(field)
		if key < 0 {
			return line
		}
		line, n, field = int(n.kids[key].line), n.kids[key+1], rest
	}
	return line
}

// longestKey returns the place of the key that the path begins with, the longest one because keys of labels
// hold dots themselves, and the path after it; -1 if there is no such key.
func (n *node) longestKey(field string) (at int, rest string) {
	at = -1
	for i := 0; i+1 < len(n.kids); i += 2 {
		after, ok := strings.CutPrefix(field, n.kids[i].text)
		if !ok || after != "" && after[0] != '.' && after[0] != '[' {
			continue
		}
		if at < 0 || len(after) < len(rest) {
			at, rest = i, after
		}
	}
	return at, strings.TrimPrefix(rest, ".")
}
