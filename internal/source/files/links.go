package files

import (
	"os"
	"path/filepath"
	"strings"
)

// mostLinks is how many links a path may lead over, as in the kernel (path_resolution(7)).
const mostLinks = 40

// ways are the directories in which it shows that a name of a directory comes to lead
// somewhere else: those that have a link on the way, and the one that has what the last of
// them leads to, or would have it. A tool that swaps whole trees (git-sync, for example)
// swaps a link that need not stand where the manifests are.
func ways(directory, name string) []string {
	var found []string
	at, links := directory, 0
	for rest := strings.Split(name, "/"); len(rest) > 0; {
		name, rest = rest[0], rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if real, err := filepath.EvalSymlinks(at); err == nil {
				at = real
			}
			at = filepath.Dir(at)
			continue
		}
		target, err := os.Readlink(filepath.Join(at, name))
		if err != nil {
			at = filepath.Join(at, name)
			continue
		}
		found = append(found, at)
		if links++; links > mostLinks {
			return found
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return append(found, above(at))
}

// waysTo is ways for a path from the root, or from where the process stands.
func waysTo(path string) []string {
	if filepath.IsAbs(path) {
		return ways("/", path)
	}
	return ways(".", path)
}

// above is the nearest directory above a path that is there.
func above(path string) string {
	for {
		up := filepath.Dir(path)
		if st, err := os.Stat(up); up == path || err == nil && st.IsDir() {
			return up
		}
		path = up
	}
}
