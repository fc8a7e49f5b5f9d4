package mtu_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/mtu"
)

func TestPods(t *testing.T) {
	for name, c := range map[string]struct {
		v4, v6   mtu.Paths
		want     int
		warnings int
	}{
		"nothing known":           {mtu.Paths{}, mtu.Paths{}, 0, 0},
		"direct":                  {mtu.Paths{Link: 1500}, mtu.Paths{Link: 1500}, 1500, 0},
		"VXLAN in both":           {mtu.Paths{1500, []int{1450}}, mtu.Paths{1500, []int{1430}}, 1430, 0},
		"VXLAN in IPv4":           {mtu.Paths{1500, []int{1450}}, mtu.Paths{Link: 1500}, 1450, 0},
		"v6 alone":                {mtu.Paths{}, mtu.Paths{1500, []int{1430}}, 1430, 0},
		"IPIP and VXLAN":          {mtu.Paths{1500, []int{1480, 1450}}, mtu.Paths{}, 1450, 0},
		"jumbo":                   {mtu.Paths{9000, []int{8950}}, mtu.Paths{1500, []int{1430}}, 1430, 0},
		"v4 over v6":              {mtu.Paths{0, []int{1430}}, mtu.Paths{1500, []int{1430}}, 1430, 0},
		"too small for v6":        {mtu.Paths{Link: 1300}, mtu.Paths{1300, []int{1230}}, 1230, 1},
		"v4 makes it too small":   {mtu.Paths{1300, []int{1250}}, mtu.Paths{Link: 1300}, 1250, 1},
		"small, and no v6":        {mtu.Paths{1300, []int{1250}}, mtu.Paths{}, 1250, 0},
		"a device without an MTU": {mtu.Paths{1500, []int{0}}, mtu.Paths{}, 1500, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, warnings := mtu.Pods(family.PairOf(c.v4, c.v6))
			if got != c.want || len(warnings) != c.warnings {
				t.Errorf("%d, %q, want %d and %d warnings", got, warnings, c.want, c.warnings)
			}
		})
	}
}

func TestHost(t *testing.T) {
	eth := func(name string) bool { return strings.HasPrefix(name, "eth") }
	for name, c := range map[string]struct {
		links map[string]int
		want  int
	}{
		"the smallest that looks so": {map[string]int{"eth0": 9000, "eth1": 1500, "cali1": 1400, "lo": 65536}, 1500},
		"none looks so":              {map[string]int{"bond0": 9000}, 1460},
		"nothing":                    {nil, 1460},
	} {
		if got := mtu.Host(c.links, eth); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lib", "calico", "mtu")
	write := func(f *mtu.File, n int, want bool) {
		t.Helper()
		if changed, err := f.Write(n); err != nil || changed != want {
			t.Errorf("write %d: %v, %v, want %v", n, changed, err, want)
		}
		if got, err := f.Read(); err != nil || got != n {
			t.Errorf("reads %d, %v, want %d", got, err, n)
		}
	}
	f := mtu.NewFile(path)
	write(f, 1450, true)
	write(f, 1450, false)
	write(mtu.NewFile(path), 1450, false) // after a restart
	write(f, 1430, true)
	if err := os.WriteFile(path, []byte("garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	write(mtu.NewFile(path), 1430, true)
	if text, _ := os.ReadFile(path); string(text) != "1430" {
		t.Errorf("%q", text)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left: %v", entries)
	}
}

// Who reads the file while it changes reads a whole number.
func TestFileIsAlwaysWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mtu")
	f := mtu.NewFile(path)
	if _, err := f.Write(1000); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if n, err := mtu.NewFile(path).Read(); err != nil || n < 1000 || n > 1099 {
				t.Errorf("%d, %v", n, err)
				return
			}
		}
	})
	for i := range 100 {
		if _, err := f.Write(1000 + i); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

func TestFileThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f := mtu.NewFile(filepath.Join(dir, "file", "mtu"))
	for range 2 { // and is tried again
		if _, err := f.Write(1450); err == nil {
			t.Error("no error")
		}
	}
}
