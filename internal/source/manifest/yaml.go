package manifest

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// syntaxError is why a text is no document.
type syntaxError struct {
	line    int // in the file
	message string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.message) }

// limits bound what a document may stand for.
type limits struct {
	// depth is how deep lists and mappings may be nested.
	depth int
	// aliased is how many nodes a document may gain by aliases.
	aliased int
}

// parseYAML reads one document with the YAML library, which knows all of YAML. The library is kept from
// taking the process with it: it is fed files that anyone may have written.
func parseYAML(c chunk, lim limits) (n *node, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = nil, &syntaxError{c.line, fmt.Sprintf("the YAML parser failed: %v", r)}
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(c.text), &doc); err != nil {
		return nil, yamlError(err, c)
	}
	b := yamlBuilder{offset: c.line - 1, depth: lim.depth, aliased: lim.aliased}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		return b.node(&doc, doc.Content[0])
	}
	return &node{kind: isNull, line: int32(c.line)}, nil
}

// yamlError takes the line out of the library's message ("yaml: line 3: …"), which counts from the start of
// the chunk.
func yamlError(err error, c chunk) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := c.line
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		digits, text, _ := strings.Cut(rest, ": ")
		if l, err := strconv.Atoi(digits); err == nil {
			line, message = c.line+l-1, text
		}
	}
	if indent := c.indent(line); strings.Contains(indent, "\t") {
		message += " (the line is indented by a tab, YAML wants spaces)"
	}
	return &syntaxError{line, strings.ReplaceAll(message, "\n", " ")}
}

// yamlBuilder turns the library's nodes into ours: aliases and merge keys are resolved, scalars typed.
type yamlBuilder struct {
	offset int
	// depth and aliased are what is left of the limits.
	depth, aliased int
	// inAlias is how many aliases lead to the present node.
	inAlias int
}

func (b *yamlBuilder) fail(y *yaml.Node, message string) error {
	return &syntaxError{y.Line + b.offset, message}
}

func (b *yamlBuilder) node(parent, y *yaml.Node) (*node, error) {
	if b.inAlias > 0 {
		if b.aliased--; b.aliased < 0 {
			return nil, b.fail(parent, "the aliases of the document stand for too much")
		}
	}
	if b.depth--; b.depth < 0 {
		return nil, b.fail(parent, "nested too deep")
	}
	defer func() { b.depth++ }()
	n := &node{line: int32(y.Line + b.offset)}
	switch y.Kind {
	case yaml.ScalarNode:
		b.scalar(n, y)
		return n, nil
	case yaml.SequenceNode:
		n.kind = isList
		n.kids = make([]*node, 0, len(y.Content))
		for _, c := range y.Content {
			k, err := b.node(y, c)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, k)
		}
		return n, nil
	case yaml.MappingNode:
		n.kind = isMap
		return n, b.mapping(n, y)
	case yaml.AliasNode:
		b.inAlias++
		defer func() { b.inAlias-- }()
		return b.node(y, y.Alias)
	}
	return nil, b.fail(y, "not a value")
}

func (b *yamlBuilder) scalar(n *node, y *yaml.Node) {
	plain := y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if y.Style&yaml.TaggedStyle != 0 && y.Tag != "!!int" && y.Tag != "!!float" && y.Tag != "!!bool" && y.Tag != "!!null" {
		plain = false
	}
	if !plain {
		n.kind, n.text = isText, y.Value
		return
	}
	n.plain = true
	n.kind, n.text = resolve(y.Value)
}

func (b *yamlBuilder) mapping(n *node, y *yaml.Node) error {
	n.kids = make([]*node, 0, len(y.Content))
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return b.fail(y.Content[i], "the key of a mapping is itself a list or mapping")
		}
		v, err := b.node(y, value)
		if err != nil {
			return err
		}
		if key.Value == "<<" && key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
			merged = append(merged, v)
			continue
		}
		k := &node{kind: isText, line: int32(y.Content[i].Line + b.offset), text: key.Value}
		n.kids = append(n.kids, k, v)
	}
	if len(merged) == 0 {
		return nil
	}
	have := make(map[string]bool, len(n.kids)/2)
	for i := 0; i < len(n.kids); i += 2 {
		have[n.kids[i].text] = true
	}
	for _, m := range merged {
		if !merge(n, m, have) {
			return b.fail(y, "only mappings can be merged by <<")
		}
	}
	return nil
}

// merge adds the pairs of a "<<" that the mapping has not got itself. Of several sources the first counts.
func merge(n, from *node, have map[string]bool) bool {
	switch from.kind {
	case isMap:
		for i := 0; i+1 < len(from.kids); i += 2 {
			if key := from.kids[i].text; !have[key] {
				have[key] = true
				n.kids = append(n.kids, from.kids[i], from.kids[i+1])
			}
		}
		return true
	case isList:
		for _, f := range from.kids {
			if f.kind != isMap || !merge(n, f, have) {
				return false
			}
		}
		return true
	}
	return false
}
