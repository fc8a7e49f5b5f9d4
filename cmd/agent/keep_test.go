package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// writtenLog is a log and what it has written.
func writtenLog() (*logrus.Entry, *strings.Builder) {
	out := &strings.Builder{}
	log := newLogger(out)
	return logrus.NewEntry(log), out
}

func TestAPartThatFailsIsStartedAgain(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	log, out := writtenLog()
	runs := 0
	keepRunning(ctx, log, func(context.Context) error {
		switch runs++; runs {
		case 1:
			panic("boom")
		default:
			stop()
			return errors.New("stopped")
		}
	})
	if runs != 2 {
		t.Errorf("%d runs", runs)
	}
	if got := out.String(); strings.Count(got, "level=error") != 1 || !strings.Contains(got, "boom") || !strings.Contains(got, "stack=") {
		t.Errorf("log:\n%s", got)
	}
}

func TestAPartIsNotStartedOnceTheContextHasEnded(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	log, out := writtenLog()
	keepRunning(ctx, log, func(context.Context) error { stop(); return errors.New("closed") })
	if out.Len() > 0 {
		t.Errorf("the end of the agent is no failure:\n%s", out)
	}
}

func TestAPanicIsAnErrorWithItsStackApart(t *testing.T) {
	err := caught(func() error { panic("boom") })
	if err == nil || err.Error() != "fault in the program: boom" {
		t.Errorf("%v", err)
	}
	if err := caught(func() error { return nil }); err != nil {
		t.Error(err)
	}
	log, out := writtenLog()
	logFailure(log, errors.New("plain")).Error("failed")
	if strings.Contains(out.String(), "stack") {
		t.Errorf("log: %s", out)
	}
}

func TestWaitForDoesNotWaitForever(t *testing.T) {
	var parts sync.WaitGroup
	if err := waitFor(&parts, time.Minute); err != nil {
		t.Error(err)
	}
	parts.Add(1)
	defer parts.Done()
	if err := waitFor(&parts, 0); err == nil {
		t.Error("no error for a part that does not end")
	}
}
