package netlab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// whatNodesWrite is where agents and CNI plugins leave files for each other.
const whatNodesWrite = "/var/lib/calico"

// privateMounts gives the calling thread, in a mount namespace of its own, an empty /run, /tmp
// and whatNodesWrite. Directories of shared that lie under one of these are carried over.
func privateMounts(shared []string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	carried, err := openHidden(shared)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(whatNodesWrite, 0o755); err != nil {
		return err
	}
	for dir, mode := range map[string]string{"/run": "mode=0755", "/tmp": "mode=1777", whatNodesWrite: "mode=0755"} {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, mode); err != nil {
			return fmt.Errorf("mount a private %s: %w", dir, err)
		}
	}
	for _, d := range carried {
		defer d.Close()
		if err := os.MkdirAll(d.Name(), 0o755); err != nil {
			return err
		}
		if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", d.Fd()), d.Name(), "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("carry %s over: %w", d.Name(), err)
		}
	}
	return nil
}

// openHidden opens those of the directories that a private /run and /tmp would hide. The handle
// reaches the directory also when it is hidden.
func openHidden(dirs []string) ([]*os.File, error) {
	var open []*os.File
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(real, "/run/") && !strings.HasPrefix(real, "/tmp/") {
			continue
		}
		f, err := os.Open(real)
		if err != nil {
			return nil, err
		}
		open = append(open, f)
	}
	return open, nil
}

// alwaysShared are the directories that every space needs to see: where the process works and
// where its program lies (go test puts that under /tmp).
func alwaysShared() ([]string, error) {
	work, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return []string{work, filepath.Dir(program)}, nil
}

func sysctlFile(path string) string { return filepath.Join("/proc/sys", path) }

// writeSysctl writes a setting; below net/ it is that of the calling thread's network namespace.
func writeSysctl(path, value string) error {
	return os.WriteFile(sysctlFile(path), []byte(value), 0)
}

func readSysctl(path string) (string, error) {
	b, err := os.ReadFile(sysctlFile(path))
	return strings.TrimSpace(string(b)), err
}
