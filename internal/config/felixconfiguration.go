package config

import (
	"maps"
	"strings"
)

// selectorField is the field of a FelixConfiguration's spec that says for which nodes
// it is; it is no setting.
const selectorField = "nodeSelector"

// FelixConfiguration is an object of that kind as it was read: its spec decoded from
// JSON into maps, lists, strings, booleans and numbers.
type FelixConfiguration struct {
	Name string
	Spec map[string]any
}

// FromDatastore makes layers of those FelixConfigurations that concern the node: the
// one named "node.<node>", those whose node selector matches, and the one named
// "default". The selector language is the caller's: matches says whether a selector
// picks this node, and its error is why it cannot be read.
func FromDatastore(objects []FelixConfiguration, node string, matches func(selector string) (bool, error)) []Layer {
	var layers []Layer
	for _, o := range objects {
		layer := Layer{Name: o.Name, Values: maps.Clone(o.Spec)}
		delete(layer.Values, selectorField)
		switch {
		case o.Name == "default":
			layer.Source = Cluster
		case o.Name == "node."+node:
			layer.Source = Node
		case strings.HasPrefix(o.Name, "node."):
			continue
		default:
			layer.Source = Selected
			if !layer.selects(o.Spec[selectorField], matches) {
				layer.Values = nil
			}
		}
		layers = append(layers, layer)
	}
	return layers
}

// selects says whether the layer's node selector matches, and notes in the layer's
// problems why it cannot be known.
func (l *Layer) selects(selector any, matches func(string) (bool, error)) bool {
	text, isText := selector.(string)
	if !isText || text == "" {
		l.Problems = append(l.Problems, l.problem(Unusable, selectorField, rawText(selector),
			`is no selector, and the object is neither "default" nor "node.<name>": it has no effect`))
		return false
	}
	ok, err := matches(text)
	if err != nil {
		l.Problems = append(l.Problems, l.problem(Unusable, selectorField, text, err.Error()))
	}
	return ok && err == nil
}
