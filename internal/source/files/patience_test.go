package files

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/source"
)

// A file that the file system does not open: whoever holds a write lease on it is asked to
// give it up first (fcntl(2), F_SETLEASE), and does not before it is told to.
type unanswered struct {
	t    *testing.T
	file *os.File
}

func unanswering(t *testing.T, path string) *unanswered {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	u := &unanswered{t, f}
	t.Cleanup(u.answer)
	for { // until nobody else has it open: the source may be reading
		_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
		if err == nil {
			return u
		}
		if !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// write changes the file, which makes its readers look at it.
func (u *unanswered) write(content string) {
	u.t.Helper()
	if _, err := u.file.WriteAt([]byte(content), 0); err != nil {
		u.t.Fatal(err)
	}
	if err := u.file.Truncate(int64(len(content))); err != nil {
		u.t.Fatal(err)
	}
}

// answer gives up the lease.
func (u *unanswered) answer() { _ = u.file.Close() }

// A read that hangs is seen, with what it is that hangs; nothing is lost, and nothing piles up
// behind it. When the file system answers, all is well again.
func TestAReadThatHangsIsNotReady(t *testing.T) {
	l := followWith(t, Options{Directory: t.TempDir(), Patience: 20 * time.Millisecond})
	l.write("a.yaml", space("one", "x"))
	l.write("empty.yaml", "")
	l.want("Namespace/one labels={l=x}", "not in sync: empty.yaml: empty")
	u := unanswering(t, filepath.Join(l.dir, "a.yaml"))
	u.write(space("one", "y"))
	l.want("not in sync: empty.yaml: empty", "; a.yaml: the file system has not answered for 20ms", "Namespace/one labels={l=x}")
	before := runtime.NumGoroutine()
	for i := range 100 {
		l.write("b.yaml", space("two", strings.Repeat("x", i+1)))
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines, and %d after 100 changes", before, now)
	}
	l.want("a.yaml: the file system has not answered")
	u.answer()
	l.want("Namespace/one labels={l=y}", "Namespace/two", "not in sync: empty.yaml: empty", "!answered")
	l.write("empty.yaml", space("three", "x"))
	l.want("in sync", "!not in sync")
	if len(l.sink.gone()) > 0 {
		t.Errorf("reported gone: %v", l.sink.gone())
	}
}

// That is so from the very first read on.
func TestAFirstReadThatHangsIsNotReady(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(space("one", "x")), 0o600); err != nil {
		t.Fatal(err)
	}
	u := unanswering(t, filepath.Join(dir, "a.yaml"))
	l := followWith(t, Options{Directory: dir, Patience: 20 * time.Millisecond})
	l.want("not in sync: a.yaml: the file system has not answered for 20ms", "!Namespace")
	u.answer()
	l.want("Namespace/one", "in sync", "!not in sync")
}

// Nothing else than a file is ever opened, whatever comes to stand under its name: to open a
// pipe without a writer would be to wait for one.
func TestOnlyFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir, "/dev/zero"} {
		if f, err := openRegular(path); err == nil {
			f.Close()
			t.Errorf("%s was opened", path)
		} else if !strings.HasPrefix(err.Error(), "open "+path+": is no regular file") {
			t.Error(err)
		}
		if beingWritten(path) {
			t.Errorf("%s is being written", path)
		}
	}
	s := New(Options{Directory: dir, Sink: newSink()})
	if _, err := s.load(&file{path: pipe}); err == nil {
		t.Error("a pipe was read")
	}
	if _, err := s.readPatch(pipe); err == nil {
		t.Error("a pipe was read as a patch")
	}
	l := follow(t, dir)
	l.want("not in sync: pipe.yaml: is neither a file nor a directory")
	l.write("a.yaml", space("one", "x")) // others are read all the same
	l.want("Namespace/one")
}

// An idle source waits for the kernel only.
func TestPatienceIsAskedOfNobodyAtRest(t *testing.T) {
	s := newSink()
	p := newPatience(s, time.Hour)
	if p.timer.Stop() {
		t.Error("a timer runs before anything is waited for")
	}
	p.await("a.yaml")
	p.await("b.yaml")
	p.Report("a.yaml", nil)
	if p.timer.Stop() {
		t.Error("a timer runs while the sink is told something")
	}
	p.await("a.yaml")
	p.Sync(source.Sync{InSync: true})
	if p.timer.Stop() {
		t.Error("a timer runs when nothing is waited for any more")
	}
	p.await("a.yaml")
	p.look() // too early
	if got := s.state(); got != "in sync" {
		t.Errorf("within its time: %s", got)
	}
	p.since = p.since.Add(-time.Hour)
	p.look()
	if got := s.state(); got != "not in sync: a.yaml: the file system has not answered for 1h0m0s" {
		t.Errorf("after its time: %s", got)
	}
	p.await("b.yaml") // an answer about one thing is none about all
	if got := s.state(); !strings.HasPrefix(got, "not in sync") {
		t.Errorf("at the next: %s", got)
	}
	p.Sync(source.Sync{InSync: true})
	if got := s.state(); got != "in sync" {
		t.Errorf("when all is read: %s", got)
	}
	p.over()
	p.look()
	if got := s.state(); got != "in sync" {
		t.Errorf("at rest: %s", got)
	}
}
