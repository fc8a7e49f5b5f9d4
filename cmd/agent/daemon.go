package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/metrics"
)

// daemon is the running agent.
//
//	source ──► record ──► engine ──► dataplane
//	             │ node               │ health
//	             ▼                    ▼
//	         announcer ◄─────────── board ──► servers
//
// Each part has a goroutine, and a failing one is started again: see keepRunning.
type daemon struct {
	*core
	log       *logrus.Entry
	board     *health.Board
	metrics   *metrics.Metrics
	servers   *servers
	announcer *announcer
	dataplane *kernelSide
	socket    string
	lookupEnv func(string) (string, bool)
	// configured holds the newest settings that have not been put into force.
	configured chan *config.Resolved
	// sourceChanged holds a token when the source has to be replaced.
	sourceChanged chan sourceSettings
}

// daemonOptions are what the command line and the process give the daemon.
type daemonOptions struct {
	layers []config.Layer
	socket string
	// out takes the log.
	out io.Writer
	// lookupEnv is os.LookupEnv.
	lookupEnv func(string) (string, bool)
}

// newDaemon makes the parts and joins them. Its error is that the settings name no
// source, or the node has no name.
func newDaemon(o daemonOptions) (*daemon, error) {
	d := &daemon{
		socket: o.socket, lookupEnv: o.lookupEnv,
		configured: make(chan *config.Resolved, 1), sourceChanged: make(chan sourceSettings, 1),
	}
	log := newLogger(o.out)
	d.log = logrus.NewEntry(log)
	start := config.NewTable().Resolve(o.layers, nil).Settings
	if err := checkDatastore(&start); err != nil {
		return nil, err
	}
	if start.Datastore.Node == "" {
		return nil, errors.New("this node has no name; use --node NAME (or FELIX_FELIXHOSTNAME)")
	}
	setLogLevel(log, start.Logging.Level)
	d.board = health.NewBoard(start.Families())
	d.metrics = metrics.New(metrics.Options{Host: start.Datastore.Node, Version: readBuild().version})
	log.AddHook(d.metrics.Log)
	d.announcer = newAnnouncer(start.Datastore.Node, d.board, d.log)
	d.core = newCore(coreOptions{layers: o.layers, log: d.log, seen: d.announcer.see, observer: newObserver(d)})
	publisher, err := d.newPublisher()
	if err != nil {
		return nil, err
	}
	d.announcer.publisher = publisher
	d.dataplane = newKernelSide(d)
	d.servers = newServers(d)
	return d, nil
}

// run runs the parts until the context ends, and waits for them to end.
func (d *daemon) run(ctx context.Context) error {
	d.log.WithFields(logrus.Fields{"version": readBuild().version, "node": d.settings().Datastore.Node}).Info("Agent starts")
	d.apply(d.engine.Settings())
	var parts sync.WaitGroup
	for name, part := range map[string]func(context.Context) error{
		"configuration": d.followSettings,
		"source":        d.followSource,
		"dataplane":     d.dataplane.run,
		"announcer":     d.announcer.run,
		"addresses":     d.announcer.followAddresses,
		"dumps":         d.serveDumps,
	} {
		parts.Go(func() { d.keepRunning(ctx, name, part) })
	}
	parts.Go(func() { d.runEngine(ctx) })
	<-ctx.Done()
	d.log.Info("Agent stops; the kernel stays as it is")
	d.servers.close()
	return waitFor(&parts, 10*time.Second)
}

// runEngine runs the engine. Where an input drives it into a fault, it is not started
// again, as what it knows would not be right: the kernel stays as it is, and liveness
// says so.
func (d *daemon) runEngine(ctx context.Context) {
	if err := caught(func() error { d.engine.Run(ctx); return nil }); err != nil {
		d.board.NotReady(time.Now(), engineComponent(), err.Error())
		d.log.WithError(err).Error("The calculation has failed; the kernel stays as it is until the agent is restarted")
	}
}

// followSource runs the source, and a new one when settings change that it starts with.
func (d *daemon) followSource(ctx context.Context) error {
	now := sourceSettingsOf(&d.engine.Settings().Settings)
	for ctx.Err() == nil {
		run, stop := context.WithCancel(ctx)
		failed := make(chan error, 1)
		go func() { failed <- caught(func() error { return d.readSource(run, now) }) }()
		select {
		case now = <-d.sourceChanged:
			stop()
			<-failed
		case err := <-failed:
			stop()
			return err
		}
	}
	return nil
}

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

// beatMost is shorter than the second that Kubernetes' probes take by default.
const beatMost = 500 * time.Millisecond
