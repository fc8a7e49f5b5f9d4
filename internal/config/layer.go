package config

import (
	"fmt"
	"slices"
	"strings"
)

// Source says where a value comes from. A higher one overrides a lower one.
type Source uint8

// The sources, from the lowest to the highest.
const (
	BuiltIn     Source = iota // the table's default
	Detected                  // found on the node, as its host name
	Cluster                   // FelixConfiguration "default"
	Selected                  // FelixConfigurations whose node selector matches the node
	Node                      // FelixConfiguration "node.<name>"
	File                      // felix.cfg
	Environment               // FELIX_… variables
	Flag                      // the command line
)

// String is the source's name for people.
func (s Source) String() string {
	names := [...]string{
		"built-in", "detected", "FelixConfiguration", "FelixConfiguration",
		"FelixConfiguration", "file", "environment", "command line",
	}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("source(%d)", uint8(s))
}

// datastore says that the source is a FelixConfiguration.
func (s Source) datastore() bool { return s == Cluster || s == Selected || s == Node }

// Layer is what one source says, unparsed.
type Layer struct {
	Source Source
	// Name tells layers of one source apart: the file's path, the FelixConfiguration's
	// name. Of several FelixConfigurations with a matching node selector, the one
	// whose name comes first in the alphabet wins.
	Name string
	// Values are the settings made. In a FelixConfiguration the keys are its fields and
	// the values decoded JSON; elsewhere the keys are the settings' names in any case,
	// and the values text.
	Values map[string]any
	// Problems were found while the layer was read. Resolve passes them on.
	Problems []Problem
}

// where names the layer for people.
func (l Layer) where() string {
	if l.Name == "" {
		return l.Source.String()
	}
	return l.Source.String() + " " + l.Name
}

// FromEnvironment makes a layer of the FELIX_… variables among NAME=value strings, as
// os.Environ returns them. The case of a name does not count. Where two spellings of
// one name are set, the one in capitals counts, and the other is reported.
func FromEnvironment(environ []string) Layer {
	layer := Layer{Source: Environment, Values: map[string]any{}}
	// Capitals sort first, so that the first spelling seen is the one that counts.
	for _, variable := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(variable, "=")
		upper := strings.ToUpper(name)
		key, isSetting := strings.CutPrefix(upper, EnvironmentPrefix)
		if !isSetting || key == "" {
			continue
		}
		if earlier, twice := layer.Values[key]; twice {
			if earlier != value {
				layer.Problems = append(layer.Problems, layer.problem(Unusable, name, value,
					upper+" is set in another spelling too, which counts"))
			}
			continue
		}
		layer.Values[key] = value
	}
	return layer
}

// FromFlags makes a layer of what the command line says, by setting name. Empty values
// are flags that were not given.
func FromFlags(values map[string]string) Layer { return textLayer(Flag, values) }

// FromNode makes a layer of what was found on the node, which everything else overrides.
func FromNode(values map[string]string) Layer { return textLayer(Detected, values) }

func textLayer(source Source, values map[string]string) Layer {
	layer := Layer{Source: source, Values: map[string]any{}}
	for name, value := range values {
		layer.Values[name] = value
	}
	return layer
}
