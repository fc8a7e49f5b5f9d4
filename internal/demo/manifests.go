package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ExpectedFile is the table of who may talk to whom, beside the manifests.
const ExpectedFile = "expected.txt"

// changedSuffix marks what a manifest is replaced by while traffic runs. No agent takes a file of
// such a name for a manifest.
const changedSuffix = ".changed"

// copyManifests copies the manifests of a directory to a new one, where they can be changed.
func copyManifests(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	paths, err := filepath.Glob(filepath.Join(from, "*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// findChange is the name of the one manifest of a directory that the demo changes.
func findChange(directory string) (string, error) {
	paths, err := filepath.Glob(filepath.Join(directory, "*"+changedSuffix))
	if err != nil {
		return "", err
	}
	if len(paths) != 1 {
		return "", fmt.Errorf("%s: want one file *%s, there are %d", directory, changedSuffix, len(paths))
	}
	return strings.TrimSuffix(filepath.Base(paths[0]), changedSuffix), nil
}

// prepareReplacement writes a text beside a file, under a name that agents do not read, and returns the
// function that lets it take the file's place. That is one rename(2): whoever reads the file finds
// the old text or the new one, whole.
func prepareReplacement(file, text string) (replace func() error, err error) {
	next := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".next")
	if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return func() error { return os.Rename(next, file) }, nil
}
