// Package config holds every setting of the agent in one table, and resolves what its
// sources say into one immutable value of type Settings.
//
// The table (table_*.go, one file per group) is the only place that knows a setting's
// name, type, default, help, the place where it may be set and whether it reloads.
// Parsing, precedence, validation, the printout of "agent dump settings" and
// docs/configuration.md are all read off it. Names and defaults are those of Calico's
// Felix, so that an environment or a FelixConfiguration written for Felix can be kept;
// a setting that Margay does not have is known by name, with the reason, and accepted.
//
// The way of a value:
//
//	Environment ┐
//	ParseFile   ├─ Layer ─► Table.Resolve ─► Resolved: Settings, source of each, Problems
//	Datastore   ┘              ▲    │
//	                           └────┘ the previous Resolved: last good values
//
// Nothing in here stops the agent. A value that cannot be used becomes a Problem, and
// the last good value of the same layer holds, else the next layer's, else the default.
// The package does no I/O and reads no clock: callers hand it the environment, the
// file's content and the objects.
package config

//go:generate go run ./gen -o ../../docs/configuration.md
//go:generate go generate ../../api
