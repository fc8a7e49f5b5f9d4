package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/netlab"
)

// prefix begins the names of the demo's namespaces.
const prefix = "margay-"

// namesDir is where named network namespaces are, see ip-netns(8).
const namesDir = "/run/netns"

// Clean removes what an earlier demo left, because it was killed or was told to keep its nodes: its
// processes, the names of its namespaces, its directory. There need not be anything.
func Clean(o Options) error {
	o, err := o.complete()
	if err != nil {
		return err
	}
	unlock, err := lock(o.Directory)
	if err != nil {
		return err
	}
	defer unlock()
	return o.clean()
}

// clean is Clean for who has the lock.
func (o Options) clean() error {
	namespaces, err := ownNamespaces()
	if err != nil {
		return err
	}
	// The processes go first: they hold mounts of the names, and so the namespaces.
	if err := endProcesses(namespaces, o.programs()); err != nil {
		return err
	}
	return errors.Join(netlab.RemoveNamed(prefix), os.RemoveAll(o.Directory))
}

// programs are the programs that the demo leaves running in its namespaces: the agent and itself.
func (o Options) programs() []string {
	programs := []string{o.Agent}
	if self, err := os.Executable(); err == nil {
		programs = append(programs, self)
	}
	return programs
}

// namespace identifies a network namespace, as stat(2) of any of its names does.
type namespace struct{ device, inode uint64 }

func namespaceOf(path string) (namespace, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return namespace{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return namespace{st.Dev, st.Ino}, nil
}

// ownNamespaces are the namespaces that bear the demo's names.
func ownNamespaces() ([]namespace, error) {
	paths, err := filepath.Glob(filepath.Join(namesDir, prefix+"*"))
	if err != nil {
		return nil, err
	}
	var all []namespace
	for _, path := range paths {
		n, err := namespaceOf(path)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// endProcesses kills the processes of the given programs in the given network namespaces, and waits
// until they are gone.
func endProcesses(namespaces []namespace, programs []string) error {
	if len(namespaces) == 0 {
		return nil
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() {
			errs = append(errs, endProcess(pid, namespaces, programs))
		}
	}
	return errors.Join(errs...)
}

// endProcess kills a process if it is one of those. The handle comes first and the look second, so that
// it cannot be another process that then gets the signal, one that was given the same number.
func endProcess(pid int, namespaces []namespace, programs []string) error {
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil // gone
	}
	defer unix.Close(handle)
	directory := fmt.Sprintf("/proc/%d/", pid)
	in, err := namespaceOf(directory + "ns/net")
	if err != nil || !slices.Contains(namespaces, in) {
		return nil
	}
	program, err := os.Readlink(directory + "exe")
	if err != nil || !slices.Contains(programs, strings.TrimSuffix(program, " (deleted)")) {
		return nil
	}
	if err := unix.PidfdSendSignal(handle, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("end process %d (%s): %w", pid, program, err)
	}
	return awaitEnd(handle, pid)
}

// awaitEnd waits for a process to end: then its handle becomes readable (pidfd_open(2)).
func awaitEnd(handle, pid int) error {
	poll := []unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}
	for end := time.Now().Add(farewell); time.Now().Before(end); {
		n, err := unix.Poll(poll, int(time.Until(end).Milliseconds())+1)
		if n > 0 {
			return nil
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for process %d: %w", pid, err)
		}
	}
	return fmt.Errorf("process %d does not end", pid)
}

// lock makes sure that this is the only demo. The kernel gives the lock up when the process ends, and
// the processes that are left running do not inherit it.
func lock(directory string) (unlock func(), err error) {
	path := directory + ".lock"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("another demo is running (it holds %s)", path)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
