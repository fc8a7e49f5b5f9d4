package config

import (
	"fmt"
	"strings"
	"unicode"
)

// DefaultFile is where Felix looks for its settings file.
const DefaultFile = "/etc/calico/felix.cfg"

// byteOrderMark is what some editors put at the start of a file.
const byteOrderMark = "\ufeff"

// ParseFile makes a layer of a settings file's content. Its form is that of felix.cfg:
//
//	[global]                     sections are allowed, and their names do not count
//	# a comment, or ; a comment
//	VXLANPort = 4789             "Name = value" or "Name: value", the case of the name does not count
//	LogPrefix = "pod; denied"    quotes keep what would start a comment
//
// A line that is none of these is reported and passed over.
func ParseFile(path string, content []byte) Layer {
	layer := Layer{Source: File, Name: path, Values: map[string]any{}}
	written := map[string]string{} // the names as they are written, by lower case
	for line := range strings.Lines(strings.TrimPrefix(string(content), byteOrderMark)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' || line[0] == '[' && line[len(line)-1] == ']' {
			continue
		}
		at := strings.IndexAny(line, "=:")
		if at < 1 {
			layer.Problems = append(layer.Problems, layer.problem(Unusable, line, "",
				"is neither Name = value, nor a [section], nor a comment"))
			continue
		}
		name, value := strings.TrimSpace(line[:at]), unquote(strings.TrimSpace(line[at+1:]))
		if earlier, twice := written[strings.ToLower(name)]; twice {
			layer.Problems = append(layer.Problems, layer.problem(Unusable, earlier, fmt.Sprint(layer.Values[earlier]),
				"stands in the file twice; the last one counts"))
			delete(layer.Values, earlier)
		}
		written[strings.ToLower(name)] = name
		layer.Values[name] = value
	}
	return layer
}

// unquote takes the quotes off a quoted value, and the comment off any other: it
// starts at a '#' or ';' that follows a space.
func unquote(value string) string {
	if value == "" {
		return ""
	}
	if quote := value[0]; quote == '"' || quote == '\'' {
		if end := strings.IndexByte(value[1:], quote); end >= 0 {
			return value[1 : 1+end]
		}
	}
	for i, r := range value {
		if (r == '#' || r == ';') && (i == 0 || unicode.IsSpace(rune(value[i-1]))) {
			return strings.TrimSpace(value[:i])
		}
	}
	return value
}
