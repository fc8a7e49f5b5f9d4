package vxlan

import (
	"maps"
	"slices"
)

// claims keep who says what of a key. Nodes may, by mistake or for a moment, name the same
// tunnel address or MAC: then the first by name is believed, whatever came first, and when it
// takes it back the next one is.
type claims[K comparable, V any] map[K]map[string]V

func (c claims[K, V]) add(k K, node string, v V) {
	if c[k] == nil {
		c[k] = map[string]V{}
	}
	c[k][node] = v
}

func (c claims[K, V]) remove(k K, node string) {
	delete(c[k], node)
	if len(c[k]) == 0 {
		delete(c, k)
	}
}

// of is what counts for a key, and who says it.
func (c claims[K, V]) of(k K) (node string, v V, ok bool) {
	switch len(c[k]) {
	case 0:
		return "", v, false
	case 1:
		for node, v = range c[k] {
			return node, v, true
		}
	}
	node = slices.Min(slices.Collect(maps.Keys(c[k])))
	return node, c[k][node], true
}
