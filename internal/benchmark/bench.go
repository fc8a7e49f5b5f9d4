package main

import (
	"path/filepath"
	"time"
)

// repeat is how often something is done: n times, unless it has to be quick.
func (b *bench) repeat(n int) int {
	if !b.quick {
		return n
	}
	return min(n, max(1, n/100))
}

// short is a time to wait: d, unless it has to be quick.
func (b *bench) short(d time.Duration) time.Duration {
	if b.quick {
		return d / 20
	}
	return d
}

// profiled runs f, and profiles the agent meanwhile if profiles were asked for.
func (b *bench) profiled(a *agentProcess, name string, f func() (outcome, error)) (outcome, error) {
	if b.profile == "" {
		return f()
	}
	path, err := filepath.Abs(filepath.Join(b.profile, name+".pprof"))
	if err != nil {
		return outcome{}, err
	}
	if _, err := a.ask(request{Op: opProfile, Text: path}); err != nil {
		return outcome{}, err
	}
	o, err := f()
	if err != nil {
		return o, err
	}
	_, err = a.ask(request{Op: opProfile})
	return o, err
}
