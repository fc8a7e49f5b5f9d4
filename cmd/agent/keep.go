package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// How long a part that has failed rests before it is started again: longer each time.
const (
	restFirst = time.Second
	restMost  = 30 * time.Second
)

// keepRunning runs a part of the agent until the context ends, and starts it again
// whenever it ends before. Nothing that one part does ends the others. A failure is
// logged when it comes up, and not again while it stays the same.
func keepRunning(ctx context.Context, log *logrus.Entry, part func(context.Context) error) {
	known, rest := "", restFirst
	for {
		start := time.Now()
		err := caught(func() error { return part(ctx) })
		if ctx.Err() != nil {
			return
		}
		if time.Since(start) > restMost {
			known, rest = "", restFirst
		}
		if text := fmt.Sprint(err); text != known {
			logFailure(log, err).Error("A part of the agent has failed; it is started again until it works")
			known = text
		}
		if !pause(ctx, nil, rest) {
			return
		}
		rest = min(2*rest, restMost)
	}
}

// pause waits for a token or for the time to pass; false if the context ends.
func pause(ctx context.Context, token <-chan struct{}, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-token:
	case <-timer.C:
	}
	return true
}

// fault is a panic as an error.
type fault struct {
	value any
	stack []byte
}

// Error is what the panic said; the stack is for the log alone.
func (f *fault) Error() string { return fmt.Sprintf("fault in the program: %v", f.value) }

// caught runs f; a panic in it is an error like any other.
func caught(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &fault{value: value, stack: debug.Stack()}
		}
	}()
	return f()
}

// logFailure adds an error to a log entry, with the stack if it was a panic.
func logFailure(log *logrus.Entry, err error) *logrus.Entry {
	log = log.WithError(err)
	if f := (*fault)(nil); errors.As(err, &f) {
		return log.WithField("stack", string(f.stack))
	}
	return log
}

// waitFor waits for the parts to end, but not longer than most.
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
