package files

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever happens to a directory, whoever has followed it knows in the end what somebody
// knows who reads it for the first time; and no object was ever reported gone that stood in a
// file all the time.
func TestFollowingComesToWhatReadingDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "m")
		if err != nil {
			rt.Fatal(err)
		}
		w := &wild{rt: rt, dir: dir}
		w.file("kept.yaml", space("kept", "x"))
		right := t.Run("", func(t *testing.T) {
			l := follow(t, dir)
			for range rapid.IntRange(1, 15).Draw(rt, "changes") {
				w.change()
			}
			w.heal()
			fresh := follow(t, dir)
			fresh.want("in sync", "!not in sync", "Namespace/kept")
			want := fresh.sink.state()
			l.until(func() bool { return l.sink.state() == want })
			if slices.Contains(l.sink.gone(), "Namespace/kept") {
				t.Error("an object that stood all the time was reported gone")
			}
		})
		if !right {
			rt.FailNow()
		}
	})
}

// wild changes a directory in every way that people and tools do.
type wild struct {
	rt  *rapid.T
	dir string
	n   int
}

func (w *wild) must(err error) {
	if err != nil && !os.IsNotExist(err) {
		w.rt.Fatal(err)
	}
}

// name is that of a file, which may be there or not.
func (w *wild) name() string {
	return rapid.SampledFrom([]string{"a.yaml", "b.yaml", "c.json", "sub/a.yaml", "sub/deep/b.yaml", "link/a.yaml"}).Draw(w.rt, "file")
}

// objects are some namespaces, in one of the forms that a file can have.
func (w *wild) objects(name string) string {
	var documents []string
	for _, object := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"one", "two", "three"}), 1, 3, rapid.ID).Draw(w.rt, "objects") {
		w.n++
		if filepath.Ext(name) == ".json" {
			documents = append(documents, fmt.Sprintf(`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": %q, "labels": {"l": "v%d"}}}`, object, w.n))
		} else {
			documents = append(documents, space(object, fmt.Sprint("v", w.n)))
		}
	}
	if filepath.Ext(name) == ".json" {
		return strings.Join(documents, "\n")
	}
	return strings.Join(documents, "---\n")
}

// file puts a file in its place in one step.
func (w *wild) file(name, text string) {
	path := filepath.Join(w.dir, name)
	w.must(os.MkdirAll(filepath.Dir(path), 0o755))
	w.must(os.WriteFile(path+".new", []byte(text), 0o600)) // no name of a manifest
	w.must(os.Rename(path+".new", path))
}

func (w *wild) change() {
	name := w.name()
	path := filepath.Join(w.dir, name)
	switch rapid.SampledFrom([]string{"write", "write", "remove", "move", "break", "in place", "remove all", "link"}).Draw(w.rt, "change") {
	case "write":
		w.file(name, w.objects(name))
	case "remove":
		w.must(os.Remove(path))
	case "move":
		to := filepath.Join(w.dir, w.name())
		if _, err := os.Stat(path); err == nil && filepath.Ext(path) == filepath.Ext(to) {
			w.must(os.MkdirAll(filepath.Dir(to), 0o755))
			w.must(os.Rename(path, to))
		}
	case "break":
		w.file(name, rapid.SampledFrom([]string{"", "a: [b\n", "apiVersion: v1\nkind: Name", "\xff\xfe"}).Draw(w.rt, "text"))
	case "in place": // as an editor or a shell writes, which a reader may come upon at any time
		w.must(os.MkdirAll(filepath.Dir(path), 0o755))
		w.must(os.WriteFile(path, []byte(w.objects(name)), 0o600))
	case "remove all":
		w.must(os.RemoveAll(filepath.Join(w.dir, "sub")))
	case "link": // the link leads to another directory from now on
		w.n++
		target := fmt.Sprintf("..%d", w.n)
		w.file(target+"/a.yaml", w.objects("a.yaml"))
		w.must(os.RemoveAll(filepath.Join(w.dir, "link")))
		w.must(os.Symlink(target, filepath.Join(w.dir, "link")))
	}
}

// heal makes every file one that can be read: of those that cannot, the follower keeps what
// it knew, which a newcomer does not.
func (w *wild) heal() {
	for _, name := range []string{"a.yaml", "b.yaml", "c.json", "sub/a.yaml", "sub/deep/b.yaml", "link/a.yaml"} {
		if rapid.Bool().Draw(w.rt, "keep "+name) {
			w.file(name, w.objects(name))
		} else {
			w.must(os.RemoveAll(filepath.Join(w.dir, name)))
		}
	}
}
