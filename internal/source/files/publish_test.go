package files

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/source"
)

// agent publishes what it has to whenever the source says that something else stands there.
func agent(t *testing.T, dir, node string, patch source.NodePatch) (published func(string), publish func()) {
	t.Helper()
	p, err := NewPublisher(dir, node)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	publish = func() {
		mu.Lock()
		defer mu.Unlock()
		if err := p.Publish(t.Context(), patch); err != nil {
			t.Error(err)
		}
	}
	return func(n string) {
		if n == node {
			publish()
		}
	}, publish
}

// patchOf is what a node with addresses of some families publishes.
func patchOf(on family.Set) source.NodePatch {
	p := source.NodePatch{Annotations: map[string]string{}}
	if on.Has(family.V4) {
		p.Annotations["projectcalico.org/IPv4Address"] = "192.0.2.1/24"
	}
	if on.Has(family.V6) {
		p.Annotations["projectcalico.org/IPv6Address"] = "2001:db8::1/64"
	}
	return p
}

const nodeOne = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"

// Another directory takes the place of that with the manifests, as a tool that unpacks a new
// version beside the old one does it: what the agent has published is not in it.
func TestWhatIsPublishedComesBackInANewDirectory(t *testing.T) {
	for _, on := range []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both} {
		t.Run(on.String(), func(t *testing.T) {
			base := t.TempDir()
			dir, next := filepath.Join(base, "manifests"), filepath.Join(base, "next")
			for _, d := range []string{dir, next} {
				if err := os.Mkdir(d, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(d, "n.yaml"), []byte(nodeOne), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			published, publish := agent(t, dir, "n1", patchOf(on))
			l := followWith(t, Options{Directory: dir, Published: published})
			publish()
			var want []string
			for _, f := range on.Families() {
				want = append(want, family.PairOf("address=192.0.2.1/24", "address=2001:db8::1/64").Get(f))
			}
			l.want(append(want, "in sync")...)
			path := filepath.Join(dir, publishedDirectory, "n1.yaml")
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(dir, dir+".old"); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(next, dir); err != nil {
				t.Fatal(err)
			}
			l.write("after.yaml", space("after", "x"))
			l.want(append(want, "Namespace/after", "in sync")...)
			l.until(func() bool { _, err := os.Stat(path); return err == nil })
			if after, err := os.ReadFile(path); err != nil || !slices.Equal(after, before) {
				t.Errorf("published in the new directory: %q, %v; want %q", after, err, before)
			}
		})
	}
}

// What somebody removes or overwrites is written again, and what stands is left alone.
func TestWhatIsPublishedIsRepaired(t *testing.T) {
	dir := t.TempDir()
	published, publish := agent(t, dir, "n1", patchOf(family.Both))
	l := followWith(t, Options{Directory: dir, Published: published})
	l.write("n.yaml", nodeOne)
	publish()
	l.want("address=192.0.2.1/24 address=2001:db8::1/64")
	path := filepath.Join(dir, publishedDirectory, "n1.yaml")
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	restored := func() bool {
		have, err := os.ReadFile(path)
		return err == nil && slices.Equal(have, want)
	}
	l.remove(".published/n1.yaml")
	l.until(restored)
	l.write(".published/n1.yaml", "metadata: {name: n1, annotations: {projectcalico.org/IPv4Address: 203.0.113.9/24}}\n")
	l.until(restored)
	l.want("address=192.0.2.1/24 address=2001:db8::1/64", "!203.0.113.9")
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	publish()
	if now, err := os.Stat(path); err != nil || !os.SameFile(st, now) {
		t.Error("what stands was written again")
	}
}
