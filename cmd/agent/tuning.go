package main

import (
	"math"
	"runtime"
	"runtime/debug"

	"github.com/margay-net/margay/internal/config"
)

// tune sets the Go runtime up. Each setting is overridden by the Go variable of its
// purpose, which the runtime has read by itself.
func tune(s config.Runtime, lookupEnv func(string) (string, bool)) {
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
