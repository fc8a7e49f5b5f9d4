package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/source"
)

// offline reads a directory of manifests as an agent would, without a kernel.
type offline struct {
	*core
	// sync is what the source said when it had read the directory.
	sync source.Sync

	stop context.CancelFunc
	done sync.WaitGroup
}

// readOffline reads the manifests once. The caller closes the result.
func readOffline(ctx context.Context, l *local) (*offline, error) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	o := &offline{}
	synced := &firstSync{first: make(chan source.Sync, 1)}
	o.core = newCore(l, coreOptions{log: logrus.NewEntry(log)})
	synced.Sink, o.record.next = o.record.next, synced
	ctx, o.stop = context.WithCancel(ctx)
	failed := make(chan error, 1)
	o.done.Go(func() { o.engine.Run(ctx) })
	o.done.Go(func() { failed <- o.readSource(ctx, sourceSettingsOf(o.settings)) })
	o.engine.Begin()
	if err := o.wait(ctx, synced.first, failed); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// wait waits until the source has read everything and the graph has taken it in.
func (o *offline) wait(ctx context.Context, first <-chan source.Sync, failed <-chan error) error {
	select {
	case o.sync = <-first:
	case err := <-failed:
		return fmt.Errorf("read manifests: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-o.engine.Work():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *offline) close() {
	o.stop()
	o.done.Wait()
}

// firstSync passes on what a source says, and tells when it has read everything once.
type firstSync struct {
	source.Sink
	once  sync.Once
	first chan source.Sync
}

// Sync implements source.Sink.
func (f *firstSync) Sync(s source.Sync) {
	f.Sink.Sync(s)
	f.once.Do(func() { f.first <- s })
}
