package mtu

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// DefaultPath is where the CNI plugin looks for the pods' MTU.
const DefaultPath = "/var/lib/calico/mtu"

// File is the file that the CNI plugin reads. It is not safe for concurrent use.
type File struct {
	path string
	// written is what it says, as far as we know; 0 for not known.
	written int
}

// NewFile makes a File, which is not looked at yet; an empty path is DefaultPath.
func NewFile(path string) *File {
	if path == "" {
		path = DefaultPath
	}
	return &File{path: path}
}

// Path is where the file is.
func (f *File) Path() string { return f.path }

// Write has the file say an MTU. One that says so is left; else it is replaced as a whole: who
// reads it meanwhile reads the old one or the new. changed says whether it was.
func (f *File) Write(mtu int) (changed bool, err error) {
	if mtu == f.written {
		return false, nil
	}
	if have, err := f.Read(); err == nil && have == mtu {
		f.written = mtu
		return false, nil
	}
	if err := replace(f.path, strconv.Itoa(mtu)); err != nil {
		return false, fmt.Errorf("MTU for the CNI plugin: %w", err)
	}
	f.written = mtu
	return true, nil
}

// Read is what the file says.
func (f *File) Read() (int, error) {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// replace writes beside the file and renames: the file is there whole, or not at all.
func replace(path, text string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	next, err := os.CreateTemp(dir, filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // there no more, if all went well
	_, err = next.WriteString(text)
	if err == nil {
		err = next.Chmod(0o644)
	}
	if err == nil {
		err = next.Sync()
	}
	if closed := next.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}
