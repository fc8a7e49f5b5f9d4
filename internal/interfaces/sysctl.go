package interfaces

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Sysctls is the way to the kernel's settings: Tree, or a fake. Paths are those below
// /proc/sys, with slashes.
type Sysctls interface {
	// Read returns the value without the newline. A setting that is not there is an
	// error that is fs.ErrNotExist.
	Read(path string) (string, error)
	Write(path, value string) error
}

// Tree is the settings as files below a directory. Those of the network are of the
// network namespace that the calling thread is in, at each call.
type Tree string

// ProcSys is where Linux has them.
const ProcSys Tree = "/proc/sys"

// Read implements Sysctls.
func (t Tree) Read(path string) (string, error) {
	b, err := os.ReadFile(filepath.Join(string(t), path))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}

// Write implements Sysctls. It never creates a file.
func (t Tree) Write(path, value string) error {
	f, err := os.OpenFile(filepath.Join(string(t), path), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%q: %w", value, err)
	}
	return nil
}
