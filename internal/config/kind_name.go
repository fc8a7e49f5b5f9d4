package config

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// hostName is a node's name: letters, digits, dots, dashes and underscores.
func hostName() kind[string] {
	return kind[string]{
		name: "host name",
		parse: func(text string) (string, error) {
			if len(text) > 253 || strings.ContainsFunc(text, notOf("._-")) {
				return "", errors.New("must be letters, digits, '.', '_' and '-', at most 253")
			}
			return text, nil
		},
		show: func(name string) string { return name },
	}
}

// listenHost is where a server listens: a name, or an address of either family, with
// or without the brackets of a URL.
func listenHost() kind[string] {
	name := hostName()
	return kind[string]{
		name: "host name or address",
		parse: func(text string) (string, error) {
			bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
			if a, err := netip.ParseAddr(bare); err == nil {
				return a.String(), nil
			}
			if _, err := name.parse(text); err != nil {
				return "", errors.New("must be a host name or an address")
			}
			return text, nil
		},
		show:     func(host string) string { return host },
		required: true,
	}
}

// interfaceName is the name of one network device.
func interfaceName() kind[string] {
	return kind[string]{
		name:     "interface name",
		parse:    parseInterface,
		show:     func(name string) string { return name },
		required: true,
	}
}

// parseInterface takes what the kernel takes as a device's name (dev_valid_name:
// 1 to 15 bytes, no slash, colon or space), less what rules could not quote.
func parseInterface(text string) (string, error) {
	if text == "" || text == "." || text == ".." || len(text) > 15 || strings.ContainsFunc(text, notOf("._-")) {
		return "", fmt.Errorf("%q must be an interface name: 1 to 15 letters, digits, '.', '_' and '-'", text)
	}
	return text, nil
}

// interfaceFilter is an interface name, or the start of one followed by "+".
func interfaceFilter() kind[string] {
	return kind[string]{
		name: "interface name, a final + matching any ending",
		parse: func(text string) (string, error) {
			_, err := parseInterface(strings.TrimSuffix(text, "+"))
			return text, err
		},
		show: func(name string) string { return name },
	}
}

// interfacePrefixes is a list of starts of interface names.
func interfacePrefixes() kind[[]string] {
	return kind[[]string]{
		name: "list of interface name prefixes",
		parse: func(text string) ([]string, error) {
			list, err := splitList(text, parseInterface)
			if err == nil && len(list) == 0 {
				err = errors.New("must name at least one prefix")
			}
			return list, err
		},
		show:     func(list []string) string { return strings.Join(list, ",") },
		list:     true,
		required: true,
	}
}

// InterfacePatterns matches interfaces by name or, between slashes, by regular
// expression. The zero value matches none.
type InterfacePatterns struct {
	texts   []string
	regexps []*regexp.Regexp
}

// Match says whether any of the patterns matches the interface's name.
func (p InterfacePatterns) Match(name string) bool {
	for _, r := range p.regexps {
		if r.MatchString(name) {
			return true
		}
	}
	return false
}

// String writes the patterns with commas between.
func (p InterfacePatterns) String() string { return strings.Join(p.texts, ",") }

func interfacePatterns() kind[InterfacePatterns] {
	return kind[InterfacePatterns]{
		name: "list of interface names, or regular expressions between slashes",
		parse: func(text string) (InterfacePatterns, error) {
			var patterns InterfacePatterns
			_, err := splitList(text, func(part string) (string, error) {
				r, err := parseInterfacePattern(part)
				patterns.texts = append(patterns.texts, part)
				patterns.regexps = append(patterns.regexps, r)
				return part, err
			})
			if err != nil {
				return InterfacePatterns{}, err
			}
			return patterns, nil
		},
		show: InterfacePatterns.String,
		list: true,
	}
}

func parseInterfacePattern(text string) (*regexp.Regexp, error) {
	if len(text) > 2 && text[0] == '/' && text[len(text)-1] == '/' {
		return regexp.Compile(text[1 : len(text)-1])
	}
	name, err := parseInterface(text)
	if err != nil {
		return nil, err
	}
	return regexp.Compile("^" + regexp.QuoteMeta(name) + "$")
}

// notOf tells the runes that are neither an ASCII letter or digit nor in extra.
func notOf(extra string) func(rune) bool {
	return func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return false
		}
		return !strings.ContainsRune(extra, r)
	}
}
