package main

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/margay-net/margay/internal/config"
)

// serveDumps answers `agent dump`.
func (d *daemon) serveDumps(ctx context.Context) error {
	l, err := listenSocket(ctx, d.socket)
	if err != nil {
		return err
	}
	defer l.Close()
	return answerDumps(ctx, l, d.dump)
}

// dump writes a stage.
func (d *daemon) dump(ctx context.Context, stage string, w io.Writer) error {
	switch stage {
	case "desired", "kernel", "status":
		return d.dataplane.dump(stage, w)
	case "health":
		d.beat(ctx)
		now := time.Now()
		_, err := io.WriteString(w, d.board.Detail(now).Text(now))
		return err
	}
	return d.core.dump(ctx, stage, w)
}

// beatMost is shorter than the second that Kubernetes' probes take by default.
const beatMost = 500 * time.Millisecond

// beat asks the parts that must answer whether they do, but does not wait for long. They
// need not wake up to say so when nobody asks.
func (d *daemon) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, beatMost)
	defer cancel()
	var asked sync.WaitGroup
	asked.Go(func() { d.engine.Ask(ctx, func(*config.Resolved) {}) })
	asked.Go(func() { d.dataplane.beat(ctx) })
	asked.Wait()
	d.announcer.wake()
}
