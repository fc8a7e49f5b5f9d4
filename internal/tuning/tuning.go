// Package tuning sets the Go runtime up for an agent: how much memory it trades for less
// work of the garbage collector.
//
// It owns nothing in the kernel.
package tuning

import (
	"math"
	"runtime"
	"runtime/debug"

	"github.com/margay-net/margay/internal/config"
)

// Apply sets the Go runtime up. Each setting is overridden by the Go variable of its
// purpose, which the runtime has read by itself.
func Apply(s config.Runtime, lookupEnv func(string) (string, bool)) {
	given := func(name string) bool { _, ok := lookupEnv(name); return ok }
	if !given("GOGC") {
		debug.SetGCPercent(s.GCPercent)
	}
	if !given("GOMEMLIMIT") {
		limit := int64(math.MaxInt64)
		if s.MemoryLimitMB >= 0 {
			limit = int64(s.MemoryLimitMB) << 20
		}
		debug.SetMemoryLimit(limit)
	}
	switch {
	case given("GOMAXPROCS"):
	case s.MaxProcs > 0:
		runtime.GOMAXPROCS(s.MaxProcs)
	default:
		runtime.SetDefaultGOMAXPROCS()
	}
}

// Reserve is memory that counts for the garbage collector and is never touched, so that it
// is in no page of the process. Whoever runs an agent keeps it (runtime.KeepAlive). The
// percentage that the heap may grow between two collections is one of the reserve as well:
// a node's heap of some 14 MB would otherwise be collected, for 7 ms, after every 6 MB that
// changes leave behind. At the default of 40 % it is 5 MB more, on every node. A memory
// limit is to be that much larger too: Go counts the reserve as used.
func Reserve() []byte { return make([]byte, reserve) }

const reserve = 12 << 20
