package manifest

import "strings"

// texts copies the texts of objects out of the file, so that a name that somebody keeps does not keep the
// file with it. Short ones, which come again and again (keys of labels, namespaces, nodes, TCP), are copied
// once.
type texts struct{ known map[string]string }

const (
	// shortText is up to which length, in bytes, texts are kept for the next use.
	shortText = 48
	// manyTexts is at how many of them the memory starts anew.
	manyTexts = 8192
)

func (t *texts) copy(s string) string {
	if s == "" {
		return ""
	}
	if len(s) > shortText {
		return strings.Clone(s)
	}
	if c, ok := t.known[s]; ok {
		return c
	}
	if t.known == nil || len(t.known) >= manyTexts {
		t.known = make(map[string]string, 64)
	}
	c := strings.Clone(s)
	t.known[c] = c
	return c
}
