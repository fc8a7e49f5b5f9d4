package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/margay-net/margay/internal/dataplane"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/model"
)

// kernelSide makes the dataplane, joins it to the engine, and makes another one if it
// fails.
type kernelSide struct {
	daemon *daemon
	// make makes a loop in the network namespace of this process. On a node without our
	// table, that writes the closed one.
	make func(dataplane.Options) (kernelLoop, error)

	mu      sync.Mutex
	current kernelLoop // nil while there is none
}

// kernelLoop is what the agent needs of a dataplane.
type kernelLoop interface {
	Run(ctx context.Context) error
	Dump(stage string, w io.Writer) error
	Beat(ctx context.Context)
	Measure(ctx context.Context)
}

// newKernelSide announces what the dataplane will report, so that nothing is ready
// before it has.
func newKernelSide(d *daemon) *kernelSide {
	for _, f := range family.All() {
		d.board.Add(time.Now(), dataplaneComponent(f), health.Promise{Readiness: true})
	}
	return &kernelSide{daemon: d, make: func(o dataplane.Options) (kernelLoop, error) { return dataplane.New(o) }}
}

// dataplaneComponent is the name under which a family's dataplane reports.
func dataplaneComponent(f family.Family) health.Component {
	return health.Component{Name: "dataplane", Family: f}
}

// run makes a dataplane and runs it until the context ends.
func (k *kernelSide) run(ctx context.Context) error {
	loop, err := k.open(ctx)
	if err != nil {
		for _, f := range family.All() {
			k.daemon.board.NotReady(time.Now(), dataplaneComponent(f), err.Error())
		}
		return err
	}
	k.set(loop)
	defer k.set(nil)
	return loop.Run(ctx)
}

// open makes a loop that knows nothing yet.
func (k *kernelSide) open(ctx context.Context) (kernelLoop, error) {
	d := k.daemon
	tell := func(facts []model.Event) {
		d.record.note(facts)
		d.engine.Tell(ctx, facts)
	}
	if gone := d.record.facts(); len(gone) > 0 {
		tell(gone) // another dataplane has told them, and may have missed their end
	}
	return k.make(dataplane.Options{
		Node:     d.node(),
		Work:     d.engine.Work(),
		Taken:    d.engine.Wake,
		Settings: d.engine.Settings(),
		Facts:    tell,
		Begin:    d.engine.Begin,
		Keys:     d.announcer.hold,
		Metrics:  d.metrics,
		Health:   d.board,
		Log:      d.log.WithField("component", "dataplane"),
	})
}

func (k *kernelSide) set(d kernelLoop) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current = d
}

func (k *kernelSide) get() kernelLoop {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

// dump writes a stage that the dataplane knows.
func (k *kernelSide) dump(stage string, w io.Writer) error {
	d := k.get()
	if d == nil {
		return fmt.Errorf("dump %s: the dataplane could not be started so far; agent dump health says why", stage)
	}
	return d.Dump(stage, w)
}

// measure brings the metrics of the dataplane up to date.
func (k *kernelSide) measure(ctx context.Context) {
	if d := k.get(); d != nil {
		d.Measure(ctx)
	}
}

// beat lets the dataplane show that it is alive.
func (k *kernelSide) beat(ctx context.Context) {
	if d := k.get(); d != nil {
		d.Beat(ctx)
	}
}
