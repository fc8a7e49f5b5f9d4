package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// jsonList writes a decoded JSON list as the text that the environment would hold: its
// elements with commas between. An empty list becomes the word "none", for it is there
// to say "nothing". Elements that are objects are written by object.
func jsonList(v any, object func(map[string]any) (string, error)) (string, error) {
	var elements []any
	switch v := v.(type) {
	case []any:
		elements = v
	case []string:
		for _, s := range v {
			elements = append(elements, s)
		}
	}
	if len(elements) == 0 {
		return none, nil
	}
	parts := make([]string, len(elements))
	for i, element := range elements {
		var err error
		if o, ok := element.(map[string]any); ok && object != nil {
			parts[i], err = object(o)
		} else {
			parts[i], err = jsonScalar(element)
		}
		if err != nil {
			return "", fmt.Errorf("element %d: %w", i, err)
		}
	}
	return strings.Join(parts, ","), nil
}

// jsonScalar writes a string, number, boolean or null; null is the empty text, which is
// unset. Numbers come as float64 or json.Number from encoding/json and as int64 from
// Kubernetes' decoders.
func jsonScalar(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case int, int64, uint64:
		return fmt.Sprint(v), nil
	case []any:
		return "", fmt.Errorf("is a list")
	case map[string]any:
		return "", fmt.Errorf("is an object")
	}
	return "", fmt.Errorf("has the unexpected type %T", v)
}

// jsonFields writes the named fields of an object, and refuses fields of other names.
func jsonFields(o map[string]any, names ...string) (map[string]string, error) {
	fields := map[string]string{}
	for _, n := range names {
		text, err := jsonScalar(o[n])
		if err != nil {
			return nil, fmt.Errorf("field %s %w", n, err)
		}
		fields[n] = strings.TrimSpace(text)
	}
	for _, n := range slices.Sorted(maps.Keys(o)) { // of several, always the same one is named
		if _, known := fields[n]; !known {
			return nil, fmt.Errorf("unknown field %q; the fields are %s", n, strings.Join(names, ", "))
		}
	}
	return fields, nil
}
