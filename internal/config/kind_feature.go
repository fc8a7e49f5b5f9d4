package config

import (
	"fmt"
	"strings"
)

// brokenOffload is what FeatureDetectOverride, a list of NAME=true or NAME=false, says of
// ChecksumOffloadBroken. Of Felix's names this is the one that means something here; the others
// are read and forgotten.
func brokenOffload() kind[bool] {
	const broken = "ChecksumOffloadBroken"
	return kind[bool]{
		name: "list of NAME=true or NAME=false",
		parse: func(text string) (is bool, err error) {
			_, err = splitList(text, func(part string) (struct{}, error) {
				name, value, _ := strings.Cut(part, "=")
				on, err := parseBool(strings.TrimSpace(value))
				if err != nil {
					return struct{}{}, fmt.Errorf("%q must be NAME=true or NAME=false, as %s=true", part, broken)
				}
				if strings.TrimSpace(name) == broken {
					is = on
				}
				return struct{}{}, nil
			})
			return is, err
		},
		show: func(is bool) string { return map[bool]string{true: broken + "=true"}[is] },
	}
}
