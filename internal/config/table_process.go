package config

import "math"

// LogLevel is the least severity that is logged.
type LogLevel string

// The log levels. The empty LogLevel logs nothing.
const (
	LogTrace   LogLevel = "TRACE"
	LogDebug   LogLevel = "DEBUG"
	LogInfo    LogLevel = "INFO"
	LogWarning LogLevel = "WARNING"
	LogError   LogLevel = "ERROR"
	LogFatal   LogLevel = "FATAL"
)

// Logging is the agent's own log, on its standard error.
type Logging struct {
	// Level is empty for no log at all.
	Level LogLevel
}

func loggingTable() Group {
	return Group{Title: "Logging", Settings: []Setting{{
		Name: "LogSeverityScreen", Field: "logSeverityScreen", Default: "INFO",
		Value: as(orNone(oneOf(LogTrace, LogDebug, LogInfo, LogWarning, LogError, LogFatal)),
			func(s *Settings) *LogLevel { return &s.Logging.Level }),
		Help: "Least severity that is logged on standard error.",
	}}}
}

// Runtime tunes the Go runtime. Each is overridden by the Go variable of its purpose
// (GOGC, GOMEMLIMIT, GOMAXPROCS).
type Runtime struct {
	// GCPercent is how much the heap may grow before it is collected; -1 never collects.
	GCPercent int
	// MemoryLimitMB is a soft limit in MiB; -1 is none.
	MemoryLimitMB int
	// MaxProcs is how many processors are used at a time; -1 is all.
	MaxProcs int
}

func runtimeTable() Group {
	whole := integer(-1, math.MaxInt32)
	return Group{Title: "Go runtime", Settings: []Setting{{
		Name: "GoGCThreshold", Field: "goGCThreshold", Default: "40",
		Value: as(whole, func(s *Settings) *int { return &s.Runtime.GCPercent }),
		Help:  "Percentage that the heap, counted as 12 MiB larger than it is, may grow before it is collected; -1 is never. `GOGC` goes before it.",
	}, {
		Name: "GoMemoryLimitMB", Field: "goMemoryLimitMB", Default: "-1",
		Value: as(whole, func(s *Settings) *int { return &s.Runtime.MemoryLimitMB }),
		Help:  "Soft memory limit in MiB; -1 is none. `GOMEMLIMIT` goes before it.",
	}, {
		Name: "GoMaxProcs", Field: "goMaxProcs", Default: "-1",
		Value: as(whole, func(s *Settings) *int { return &s.Runtime.MaxProcs }),
		Help:  "Processors used at a time; -1 is all. `GOMAXPROCS` goes before it.",
	}}}
}
