package files

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A file that is moved is seen in neither place by a listing that comes at the wrong moment.
func TestAFileThatIsMovedIsNeverGone(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("m.yaml", space("one", "x"))
	places := []string{"m.yaml", "aa/m.yaml", "zz/n.yaml"}
	for _, directory := range []string{"aa", "zz"} {
		if err := os.Mkdir(filepath.Join(l.dir, directory), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l.want("Namespace/one", "in sync")
	for i := range 600 {
		from, to := places[i%len(places)], places[(i+1)%len(places)]
		if err := os.Rename(filepath.Join(l.dir, from), filepath.Join(l.dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	l.write("end.yaml", space("end", "x"))
	l.want("Namespace/end", "Namespace/one", "in sync", "!error")
	if len(l.sink.gone()) > 0 {
		t.Errorf("reported gone: %v", l.sink.gone())
	}
	l.remove("m.yaml")
	l.want("!Namespace/one", "in sync")
}

func TestAFileOfANewNameStandsOnce(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("a.yaml", space("one", "x"))
	l.want("Namespace/one", "in sync")
	if err := os.Rename(filepath.Join(l.dir, "a.yaml"), filepath.Join(l.dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	l.write("c.yaml", space("two", "x")+"---\n"+space("one", "x"))
	l.want("Namespace/two", "error c.yaml:5: document 2: Namespace one: stands in b.yaml:1: document 1 too")
	if len(l.sink.gone()) > 0 || l.sink.twice() != 1 {
		t.Errorf("reported gone: %v; reported to stand twice: %d times", l.sink.gone(), l.sink.twice())
	}
}

// What stands under a file's name and is no file says nothing about what the file held.
func TestWhatIsNoFileTakesNothingAway(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a link to nothing":  func(path string) error { return os.Symlink("nowhere", path) },
		"a link to itself":   func(path string) error { return os.Symlink("a.yaml", path) },
		"a pipe":             func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link to a device": func(path string) error { return os.Symlink("/dev/zero", path) },
	} {
		t.Run(name, func(t *testing.T) {
			l := follow(t, t.TempDir())
			l.write("a.yaml", space("one", "x"))
			l.want("Namespace/one", "in sync")
			if err := put(filepath.Join(l.dir, ".new")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(l.dir, ".new"), filepath.Join(l.dir, "a.yaml")); err != nil {
				t.Fatal(err)
			}
			l.want("Namespace/one", "not in sync: a.yaml: ", "error a.yaml: file: ")
			l.write("a.yaml", space("one", "y"))
			l.want("Namespace/one labels={l=y}", "in sync", "!error")
			l.remove("a.yaml")
			l.want("!Namespace/one", "in sync")
			if len(l.sink.gone()) != 1 {
				t.Errorf("reported gone: %v", l.sink.gone())
			}
		})
	}
}

// A directory that may be read but not searched (mode 0604, for others) lists names, and
// shows no file.
func TestAFileThatMayNotBeLookedAtIsHidden(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "a.yaml")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil { //nolint:gosec // read by others on purpose
		t.Fatal(err)
	}
	asOther(t, func() {
		if l := list(dir, func(string) {}); len(l.files) != 1 || l.hidden(path) {
			t.Errorf("before: %+v", l)
		}
	})
	if err := os.Chmod(filepath.Dir(path), 0o604); err != nil { //nolint:gosec // read by others on purpose
		t.Fatal(err)
	}
	asOther(t, func() {
		if l := list(dir, func(string) {}); len(l.files) != 0 || !l.hidden(path) || len(l.problems) != 1 {
			t.Errorf("%+v", l)
		}
	})
}

// asOther does something as a user that owns nothing. The thread's own user is changed for
// the file system's eyes, and the thread ends with it.
func asOther(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can act as another user")
	}
	const other = 65534
	if err := os.Chmod(filepath.Dir(t.TempDir()), 0o755); err != nil { //nolint:gosec // the test's own, else private
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		_ = unix.Setfsuid(other) // drops the thread's rights over files too: capabilities(7)
		_ = unix.Setfsgid(other)
		do()
	}()
	<-done
}

func TestADirectoryThatIsNotThereIsReported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "manifests")
	l := follow(t, dir)
	l.want("not in sync: "+dir+": open ", "error "+dir+": directory: open ")
	l.write("a.yaml", space("one", "x"))
	l.want("Namespace/one", "in sync", "!error")
}
