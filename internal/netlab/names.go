package netlab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// namesDir is where iproute2 looks for named network namespaces.
const namesDir = "/run/netns"

// fileName is a lab name as a file name: a pod's namespace/name becomes namespace-name.
func fileName(name string) string { return strings.ReplaceAll(name, "/", "-") }

// nameNamespace shows a network namespace under /run/netns, as `ip netns attach` does.
func nameNamespace(name string, fd int) error {
	if err := os.MkdirAll(namesDir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(namesDir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return fmt.Errorf("name a network namespace: %w", err)
	}
	f.Close()
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", fd), path, "", unix.MS_BIND, ""); err != nil {
		return errors.Join(fmt.Errorf("mount %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// removeName undoes nameNamespace. A name that is gone is no error.
func removeName(name string) error {
	path := filepath.Join(namesDir, name)
	// EINVAL: the file is there but nothing is mounted on it, the rest of an interrupted run.
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// RemoveNamed removes all names under /run/netns that begin with prefix: what a run that was
// killed, or that was told to keep its nodes, has left. The namespaces themselves go when no
// process is in them any more.
func RemoveNamed(prefix string) error {
	if prefix == "" {
		return errors.New("remove named namespaces: an empty prefix would remove everybody's")
	}
	entries, err := os.ReadDir(namesDir)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			errs = append(errs, removeName(e.Name()))
		}
	}
	return errors.Join(errs...)
}
