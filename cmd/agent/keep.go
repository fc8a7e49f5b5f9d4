package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// How long a part that has failed rests before it is started again: longer each time.
const (
	restFirst = time.Second
	restMost  = 30 * time.Second
)

// keepRunning runs a part of the agent until the context ends, and starts it again
// whenever it fails. Nothing that one part does ends the others.
func (d *daemon) keepRunning(ctx context.Context, name string, part func(context.Context) error) {
	log := d.log.WithField("component", name)
	for rest := restFirst; ; rest = min(2*rest, restMost) {
		start := time.Now()
		err := caught(func() error { return part(ctx) })
		if ctx.Err() != nil {
			return
		}
		if time.Since(start) > restMost {
			rest = restFirst
		}
		log.WithError(err).WithField("again_in", rest).Error("A part of the agent has failed and will be started again")
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
	}
}

// caught runs f; a panic in it is an error like any other.
func caught(f func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	return f()
}

// waitFor waits for the parts to end, but not longer than it takes.
func waitFor(parts *sync.WaitGroup, most time.Duration) error {
	done := make(chan struct{})
	go func() { parts.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(most):
		return errors.New("a part of the agent does not end; leaving without it")
	}
}
