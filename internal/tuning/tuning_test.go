package tuning

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/margay-net/margay/internal/config"
)

func TestTheRuntimeIsTunedUnlessGoWasToldOtherwise(t *testing.T) {
	procs, percent, limit := runtime.GOMAXPROCS(0), debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() {
		runtime.GOMAXPROCS(procs)
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	unset := func(string) (string, bool) { return "", false }
	Apply(config.Runtime{GCPercent: 40, MemoryLimitMB: 512, MaxProcs: 1}, unset)
	now := func() [3]int64 {
		percent := debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		return [3]int64{int64(percent), debug.SetMemoryLimit(-1), int64(runtime.GOMAXPROCS(0))}
	}
	want := [3]int64{40, 512 << 20, 1}
	if got := now(); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	Apply(config.Runtime{GCPercent: 80, MemoryLimitMB: -1, MaxProcs: 2}, func(string) (string, bool) { return "", true })
	if got := now(); got != want {
		t.Errorf("%v, want %v: the environment goes before settings", got, want)
	}
	Apply(config.Runtime{GCPercent: -1, MemoryLimitMB: -1, MaxProcs: -1}, unset)
	if got := now(); got[0] != -1 || got[1] != math.MaxInt64 || got[2] < 1 {
		t.Errorf("%v", got)
	}
}

// The reserve counts as heap, and takes no memory: nobody has written to it.
func TestTheReserveIsHeapAndNotMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	resident := residentPages(t)
	r := Reserve()
	runtime.GC() // so that both numbers are without garbage
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown < reserve*9/10 {
		t.Errorf("the heap has grown by %d, want %d or so", grown, reserve)
	}
	if grown := residentPages(t) - resident; grown > reserve/4096/2 {
		t.Errorf("%d pages more are in memory", grown)
	}
	runtime.KeepAlive(r)
}

func residentPages(t *testing.T) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size int
	if _, err := fmt.Sscan(string(text), &size, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
