package iptables_test

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	ipsetfake "github.com/margay-net/margay/internal/ipset/fake"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/iptables/fake"
	"github.com/margay-net/margay/internal/netlab"
)

// world is a kernel of one family: in memory, or that of a node of a lab.
type world struct {
	t      *testing.T
	family family.Family
	tables iptables.Kernel
	sets   ipset.Kernel
	node   *netlab.Node // nil for the one in memory
	// variant is the programs' on a node.
	variant iptables.Variant
	now     time.Time
}

// eachWorld runs a test on every kernel there is, in both families.
func eachWorld(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	for _, f := range family.All() {
		t.Run(f.String()+"/memory", func(t *testing.T) {
			tables, sets := fake.New(), ipsetfake.New()
			tables.HasSet, sets.Used = sets.Has, tables.UsesSet
			run(t, &world{t: t, family: f, tables: tables, sets: sets, now: time.Unix(1000, 0)})
		})
		for _, v := range []iptables.Variant{iptables.NFT, iptables.Legacy} {
			t.Run(f.String()+"/"+string(v), func(t *testing.T) {
				t.Parallel()
				run(t, newWorld(t, f, v))
			})
		}
	}
}

// newWorld is the kernel of a node of its own.
func newWorld(t *testing.T, f family.Family, v iptables.Variant) *world {
	t.Helper()
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node"}}})
	n := lab.Node("node")
	start := func(c *exec.Cmd) error { return n.Do(c.Start) }
	return &world{
		t: t, family: f, node: n, variant: v, now: time.Unix(1000, 0),
		tables: &iptables.Programs{Family: f, Variant: v, Start: start},
		sets:   &ipset.Programs{Start: start},
	}
}

func (w *world) driver(o iptables.Options) *iptables.Driver {
	o.Family, o.Kernel, o.Sets = w.family, w.tables, w.sets
	return iptables.New(o)
}

// apply applies, and wants nothing to be wrong.
func (w *world) apply(d *iptables.Driver) {
	w.t.Helper()
	if err := d.Apply(w.now); err != nil {
		w.t.Fatal(err)
	}
	for _, p := range d.Problems() {
		w.t.Fatalf("%s: %v", p.Object, p.Err)
	}
}

// restore changes a table as somebody else would.
func (w *world) restore(table, lines string) {
	w.t.Helper()
	if err := w.tables.Restore(table, []byte("*"+table+"\n"+lines+"COMMIT\n")); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) save(table string) string {
	w.t.Helper()
	text, err := w.tables.Save(table)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// address is one of the family.
func (w *world) address(v4, v6 string) string {
	if w.family == family.V4 {
		return v4
	}
	return v6
}

func sortedKeys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

func flock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
