package files

import (
	"os"
	"path/filepath"
	"testing"
)

// link makes a name lead to a target, in place of what it led to, in one step.
func (l *lab) link(target, name string) {
	l.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.Symlink(target, path+".new"); err != nil {
		l.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		l.Fatal(err)
	}
}

// A tree beside the manifests is swapped by a link that stands there.
func TestLinksOnTheWayAreFollowed(t *testing.T) {
	for name, c := range map[string]struct{ manifests, link, target string }{
		"to a file":                     {"manifests", "manifests/a.yaml", "../tree/now/a.yaml"},
		"to a directory":                {"manifests", "manifests/sub", "../tree/now"},
		"to a directory over another":   {"manifests", "manifests/sub", "../also/now"},
		"the directory itself":          {"tree/now", "", ""},
		"above the directory":           {"tree/now/deep", "", ""},
		"the directory, over another":   {"also/now", "", ""},
		"the directory, by a directory": {"also/now/deep/../deep", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			base := &lab{T: t, dir: t.TempDir()}
			if err := os.Mkdir(filepath.Join(base.dir, "manifests"), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, v := range []string{"old", "new"} {
				base.write("tree/"+v+"/a.yaml", space("one", v))
				base.write("tree/"+v+"/deep/b.yaml", space("one", v))
			}
			base.link("old", "tree/now")
			base.link("tree", "also")
			if c.link != "" {
				base.link(c.target, c.link)
			}
			l := follow(t, base.dir+"/"+c.manifests)
			l.want("Namespace/one labels={l=old}", "in sync")
			base.link("new", "tree/now")
			l.want("Namespace/one labels={l=new}", "in sync")
			base.remove("tree/now")
			l.want("Namespace/one labels={l=new}", "not in sync: ")
			base.link("old", "tree/now")
			l.want("Namespace/one labels={l=old}", "in sync")
			if len(l.sink.gone()) > 0 {
				t.Errorf("reported gone: %v", l.sink.gone())
			}
		})
	}
}

func TestTheDirectoriesAboveNeedNotBeThere(t *testing.T) {
	base := &lab{T: t, dir: t.TempDir()}
	l := follow(t, filepath.Join(base.dir, "x/y/manifests"))
	l.want("not in sync: ", "error ")
	base.write("x/y/manifests/a.yaml", space("one", "x"))
	l.want("Namespace/one", "in sync", "!error")
}

func TestWaysAreWhereNamesChange(t *testing.T) {
	base := &lab{T: t, dir: t.TempDir()}
	base.write("tree/v1/a.yaml", "")
	base.link("v1", "tree/now")
	base.link("tree/now/a.yaml", "file")
	base.link("b", "circle")
	base.link("circle", "b")
	for name, want := range map[string][]string{
		"tree/v1/a.yaml": {"tree/v1"},
		"tree/now":       {"tree", "tree"},
		"file":           {"", "tree", "tree/v1"},
		"tree/../file":   {"", "tree", "tree/v1"},
		"gone/with/all":  {""},
	} {
		got := ways(base.dir, name)
		for i := range want {
			want[i] = filepath.Join(base.dir, want[i])
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	}
	if got := ways(base.dir, "circle"); len(got) != mostLinks+1 {
		t.Errorf("a circle of links: %d directories", len(got))
	}
}
