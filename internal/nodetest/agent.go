package nodetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/dataplane"
	"github.com/margay-net/margay/internal/engine"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/files"
)

// agent is one run of the agent: what cmd/agent joins, less the servers.
type agent struct {
	graph     *calc.Graph // in the engine's goroutine only
	engine    *engine.Engine
	dataplane *dataplane.Dataplane
	board     *health.Board
	follower  *follower

	end   context.CancelFunc
	parts int
	ended chan error
}

// startAgent starts the parts and waits until the dataplane is there.
func startAgent(n *Node) (*agent, error) {
	a := &agent{graph: calc.New(calc.Options{Node: n.Name()}), ended: make(chan error)}
	log, table := n.logger(), config.NewTable()
	layers := []config.Layer{config.FromFlags(n.settings)}
	observer := newObserver()
	a.engine = engine.New(engine.Options{Node: n.Name(), Graph: a.graph, Table: table, Layers: layers, Log: log, Observer: observer})
	a.follower = newFollower(a.engine, observer)
	a.board = health.NewBoard(a.engine.Settings().Settings.Families())
	var ctx context.Context
	ctx, a.end = context.WithCancel(context.Background())
	started := make(chan error, 1)
	a.run(func() error {
		return n.Do(func() (err error) {
			a.dataplane, err = dataplane.New(dataplane.Options{
				Node: n.Name(), Work: a.engine.Work(), Taken: a.engine.Wake, Begin: a.engine.Begin,
				Settings: a.engine.Settings(),
				Keys:     n.publishKeys,
				Facts:    func(events []model.Event) { a.engine.Tell(ctx, events) },
				Metrics:  metrics.New(metrics.Options{Host: n.Name()}), Health: a.board, Log: log,
			})
			started <- err
			if err != nil {
				return err
			}
			return a.dataplane.Run(ctx)
		})
	})
	if err := <-started; err != nil {
		a.end()
		return nil, <-a.ended
	}
	a.run(func() error { a.engine.Run(ctx); return nil })
	a.run(func() error {
		return files.New(files.Options{Directory: n.Directory, Sink: a.follower, Log: log}).Run(ctx)
	})
	return a, nil
}

// run runs a part.
func (a *agent) run(part func() error) {
	a.parts++
	go func() { a.ended <- part() }()
}

// stop ends the parts and waits for all of them.
func (a *agent) stop() error {
	a.end()
	var errs []error
	late := time.After(patience)
	for range a.parts {
		select {
		case err := <-a.ended:
			errs = append(errs, err)
		case <-late:
			return errors.Join(append(errs, fmt.Errorf("a part does not end"))...)
		}
	}
	return errors.Join(errs...)
}
