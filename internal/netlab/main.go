package netlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// RequireEnv set to 1 makes kernel tests fail where they cannot run, instead of being skipped.
	RequireEnv = "MARGAY_REQUIRE_KERNEL_TESTS"
	// SkipLogEnv names a file that collects the reasons why kernel tests were skipped, because
	// go test shows no output of a package that passes.
	SkipLogEnv = "MARGAY_SKIP_LOG"

	stageEnv   = "MARGAY_NETLAB_STAGE"   // set in the isolated process: how it is isolated
	refusedEnv = "MARGAY_NETLAB_REFUSED" // set where isolation was refused: why
)

// Main is for TestMain of a package with kernel tests:
//
//	func TestMain(m *testing.M) { os.Exit(netlab.Main(m)) }
//
// It runs the test program once more in fresh network and mount namespaces, so that no test can
// touch the machine's; without root in a fresh user namespace as well, in which it is root.
// Where that is refused it says so, lets kernel tests be skipped and runs the others; if
// MARGAY_REQUIRE_KERNEL_TESTS is 1 they fail instead. It returns the exit status.
func Main(m interface{ Run() int }) int {
	if os.Getenv(stageEnv) != "" {
		if err := settle(); err != nil {
			return runRefused(m, err)
		}
		return m.Run()
	}
	var refusals []error
	for _, i := range isolations() {
		status, err := rerun(i)
		if err == nil {
			return status
		}
		refusals = append(refusals, fmt.Errorf("%s: %w", i.name, err))
	}
	return runRefused(m, errors.Join(refusals...))
}

// isolation is a way to get namespaces of one's own.
type isolation struct {
	name string
	attr syscall.SysProcAttr
}

// isolations are the ways to try, the most capable first.
func isolations() []isolation {
	plain := isolation{"namespaces", syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}}
	user := isolation{"user namespace", plain.attr}
	user.attr.Cloneflags |= unix.CLONE_NEWUSER
	user.attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
	user.attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	if os.Geteuid() != 0 {
		return []isolation{user}
	}
	return []isolation{plain, user}
}

// rerun runs this program, with its arguments, in isolation and returns its exit status. An
// error means that it could not be started.
func rerun(i isolation) (int, error) {
	runtime.LockOSThread() // Pdeathsig follows the thread that started the child
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	c := exec.Command(self, os.Args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), stageEnv+"="+i.name)
	c.SysProcAttr = &i.attr
	if err := c.Start(); err != nil {
		return 0, err
	}
	stop := forwardSignals(c.Process)
	defer stop()
	if err := c.Wait(); err != nil && c.ProcessState == nil {
		return 0, err
	}
	if status := c.ProcessState.ExitCode(); status >= 0 {
		return status, nil
	}
	return 2, nil // killed by a signal
}

// forwardSignals passes on what go test and people send: SIGQUIT makes the child print its stacks.
func forwardSignals(p *os.Process) (stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				// The child may be gone by now; its end is what Wait reports.
				_ = p.Signal(s)
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

// settle finishes the isolation from inside, and finds out whether it is worth anything: a
// security module may allow the namespaces and forbid every change in them.
func settle() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	// Labs with names put files into /run/netns, which is the machine's.
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mount a private /run: %w", err)
	}
	s, err := newSpace("try", nil, false)
	if err != nil {
		return err
	}
	s.close()
	return nil
}

// runRefused runs the tests with the kernel tests told to skip or fail.
func runRefused(m interface{ Run() int }, why error) int {
	if err := errors.Join(os.Unsetenv(stageEnv), os.Setenv(refusedEnv, why.Error())); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	line := fmt.Sprintf("KERNEL TESTS SKIPPED: %s: %s\n", filepath.Base(os.Args[0]), strings.ReplaceAll(why.Error(), "\n", "; "))
	status := m.Run()
	fmt.Fprint(os.Stderr, line)
	if log, err := os.OpenFile(os.Getenv(SkipLogEnv), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
		fmt.Fprint(log, line)
		log.Close()
	}
	if kernelTestsRequired() && status == 0 {
		return 1
	}
	return status
}

func kernelTestsRequired() bool { return os.Getenv(RequireEnv) == "1" }
