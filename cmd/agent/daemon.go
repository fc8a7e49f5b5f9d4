package main

import (
	"context"
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
// Each part has a goroutine, and one that fails is started again: see keepRunning.
type daemon struct {
	*core
	board     *health.Board
	metrics   *metrics.Metrics
	servers   *servers
	announcer *announcer
	dataplane *kernelSide
	socket    string
	lookupEnv func(string) (string, bool)

	// configured holds the newest settings that followSettings has not seen, inForce those
	// that it has put into force.
	configured chan *config.Resolved
	inForce    *config.Resolved
	// replaced holds what the next source is to start with, reading what the present one has.
	replaced chan sourceSettings
	reading  sourceSettings
}

// daemonOptions are what the process gives the daemon.
type daemonOptions struct {
	socket string
	// out takes the log.
	out io.Writer
	// lookupEnv is os.LookupEnv.
	lookupEnv func(string) (string, bool)
}

// newDaemon makes the parts and joins them.
func newDaemon(l *local, o daemonOptions) (*daemon, error) {
	publisher, err := l.newPublisher()
	if err != nil {
		return nil, err
	}
	logger := newLogger(o.out)
	setLogLevel(logger, l.settings.Logging.Level)
	log := logrus.NewEntry(logger)
	d := &daemon{
		board:      health.NewBoard(l.settings.Families()),
		metrics:    metrics.New(metrics.Options{Host: l.node(), Version: readBuild().version}),
		socket:     o.socket,
		lookupEnv:  o.lookupEnv,
		configured: make(chan *config.Resolved, 1),
		replaced:   make(chan sourceSettings, 1),
		reading:    sourceSettingsOf(l.settings),
	}
	logger.AddHook(d.metrics.Log)
	d.announcer = newAnnouncer(l.node(), publisher, d.board, log.WithField("component", "announcer"))
	d.announcer.tunnels.allocate = l.api == nil
	observer := &observer{board: d.board, metrics: d.metrics, configure: d.configure, announcer: d.announcer, sizes: newSizes(), log: log}
	d.core = newCore(l, coreOptions{
		log: log, seen: d.announcer.see, published: d.announcer.overwritten, link: observer.linked,
		observer: observer, events: l.newRecorder(log.WithField("component", "events")), saw: d.watchNode(publisher),
	})
	observer.start(d.record, d.graph.Stats)
	d.dataplane = newKernelSide(d)
	d.servers = newServers(d)
	d.inForce = d.engine.Settings()
	return d, nil
}

// run runs the parts until the context ends, and waits for them to end.
func (d *daemon) run(ctx context.Context) error {
	d.log.WithFields(logrus.Fields{"version": readBuild().version, "node": d.node()}).Info("Agent starts")
	d.apply(d.inForce)
	d.lookBeside()
	var parts sync.WaitGroup
	for name, part := range map[string]func(context.Context) error{
		"configuration": d.followSettings,
		"source":        d.followSource,
		"dataplane":     d.dataplane.run,
		"announcer":     d.announcer.run,
		"addresses":     d.announcer.followAddresses,
		"dumps":         d.serveDumps,
		"events":        d.writeEvents,
	} {
		parts.Go(func() { keepRunning(ctx, d.log.WithField("component", name), part) })
	}
	parts.Go(func() { d.runEngine(ctx) })
	<-ctx.Done()
	d.log.Info("Agent stops; the kernel stays as it is")
	d.servers.close()
	return waitFor(&parts, farewell)
}

// farewell is how long the parts may take to end.
const farewell = 10 * time.Second

// runEngine runs the engine. One that an input has driven into a fault is not started
// again, as what it knows would not be right: the kernel stays as it is, readiness says
// so at once, and liveness when the engine's promise runs out.
func (d *daemon) runEngine(ctx context.Context) {
	err := caught(func() error { d.engine.Run(ctx); return nil })
	if err == nil {
		return
	}
	now := time.Now()
	d.board.Add(now, engineComponent(), health.Promise{Readiness: true, Every: silence})
	d.board.NotReady(now, engineComponent(), err.Error())
	logFailure(d.log.WithField("component", "calculation"), err).
		Error("The calculation has failed; the kernel stays as it is until the agent is restarted")
}

// followSource runs the source, and a new one when settings change that it starts with.
func (d *daemon) followSource(ctx context.Context) error {
	for ctx.Err() == nil {
		run, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- caught(func() error { return d.readSource(run, d.reading) }) }()
		select {
		case next := <-d.replaced:
			stop()
			if err := <-ended; err != nil { // it was told to end
				d.log.WithError(err).Warn("The source that another takes the place of has failed")
			}
			d.reading = next
		case err := <-ended:
			stop()
			return err
		}
	}
	return nil
}
