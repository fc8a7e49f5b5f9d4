package main

import (
	"context"
	"fmt"
	"io"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/engine"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/kubernetes"
)

// core is the agent without the kernel: a source, what it has said, and the engine. The
// daemon has one, and so has each offline command.
type core struct {
	*local
	engine *engine.Engine
	graph  *calc.Graph // in the engine's goroutine only
	record *record
	link   func(kubernetes.Link)
	// events writes Events; nil if there is nowhere to write them.
	events *kubernetes.Recorder
	// saw is shown the own Node of an API server; may be nil.
	saw func(*corev1.Node)
	log *logrus.Entry
	// published is told of nodes about which something else is published than before; may be nil.
	published func(node string)
}

// coreOptions say what a core is made of beside the local settings.
type coreOptions struct {
	log      *logrus.Entry
	observer engine.Observer   // may be nil
	seen     func(model.Event) // may be nil
	// link is told whether the API server can be reached; may be nil.
	link func(kubernetes.Link)
	// published is told of nodes about which something else is published; may be nil.
	published func(node string)
	events    *kubernetes.Recorder // may be nil
	saw       func(*corev1.Node)   // may be nil
}

func newCore(l *local, o coreOptions) *core {
	graph := calc.New(calc.Options{Node: l.node()})
	e := engine.New(engine.Options{
		Node:     l.node(),
		Graph:    graph,
		Table:    l.table,
		Layers:   l.layers,
		Log:      o.log,
		Observer: o.observer,
		Reported: reported(o.events),
	})
	return &core{local: l, engine: e, graph: graph, record: newRecord(e, o.seen), link: o.link, events: o.events, saw: o.saw, log: o.log, published: o.published}
}

// readSource runs a new source until the context ends or the source fails.
func (c *core) readSource(ctx context.Context, s sourceSettings) error {
	c.record.replaceSource()
	return c.newSource(s, sourceOptions{
		sink: c.record, link: c.link, published: c.published, events: c.events, saw: c.saw, log: c.log.WithField("component", "source"),
	}).Run(ctx)
}

// dump writes one of the stages that need no kernel.
func (c *core) dump(ctx context.Context, stage string, w io.Writer) error {
	switch stage {
	case "model":
		return c.record.write(w)
	case "problems":
		_, err := c.engine.Problems().WriteTo(w)
		return err
	}
	// Both are the caller's once they are handed out: what follows is not the engine's time.
	var output *calc.Output
	var settings *config.Resolved
	ok := c.engine.Ask(ctx, func(r *config.Resolved) {
		if stage == "policy" {
			output = c.graph.Output()
		}
		settings = r
	})
	switch {
	case !ok:
		return fmt.Errorf("dump %s: the engine does not answer", stage)
	case stage == "policy":
		_, err := io.WriteString(w, output.String())
		return err
	case stage == "settings":
		return settings.Describe(w)
	}
	return fmt.Errorf("dump %s: there is no such stage", stage)
}
