package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/margay-net/margay/internal/netlab"
)

// ErrDiffers is returned, beside its reasons, if what was observed is not what was expected.
var ErrDiffers = errors.New("not everything is as expected")

// demo is a demonstration under way.
type demo struct {
	Options
	console *console
	cluster Cluster
	table   Table
	lab     *netlab.Lab
	agents  []*agent
	servers []*netlab.Server
	port    uint16 // of the next marked packet
}

// Run makes the demonstration and removes what it made, unless it is to be kept. Ending the context
// breaks it off; then everything is removed, and the error is the context's.
func Run(ctx context.Context, o Options) (err error) {
	o, err = o.complete()
	if err != nil {
		return err
	}
	unlock, err := lock(o.Directory)
	if err != nil {
		return err
	}
	defer unlock()
	d := &demo{Options: o, console: newConsole(o.Out)}
	if err := d.read(); err != nil {
		return err
	}
	if err := o.clean(); err != nil {
		return fmt.Errorf("remove what an earlier demo left: %w", err)
	}
	ctx, fail := context.WithCancelCause(ctx)
	err = d.perform(ctx, fail)
	d.console.breakOff()
	if ctx.Err() != nil {
		err = context.Cause(ctx) // the end of an agent, or of the demo
	}
	fail(nil)
	return errors.Join(err, d.finish(err, errors.Is(err, context.Canceled)))
}

// read reads what is to be built and what is expected of it, and holds one against the other.
func (d *demo) read() (err error) {
	if _, err := os.Stat(d.Agent); err != nil {
		return fmt.Errorf("the agent's program: %w", err)
	}
	if d.cluster, err = ReadCluster(d.Manifests); err != nil {
		return err
	}
	path := filepath.Join(d.Manifests, ExpectedFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if d.table, err = ParseTable(string(text)); err == nil {
		err = d.table.Check(d.cluster.families())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// perform is the demonstration itself. What is not as expected does not keep the rest from being shown.
func (d *demo) perform(ctx context.Context, fail context.CancelCauseFunc) error {
	for _, step := range []func(context.Context) error{
		d.build,
		func(ctx context.Context) error { return d.startAgents(ctx, fail) },
		d.serve,
		d.capture,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	compared := d.compare(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(compared, d.change(ctx))
}

// build makes the nodes and pods.
func (d *demo) build(context.Context) (err error) {
	d.console.begin("Building %d nodes and %d pods", len(d.cluster), d.cluster.size())
	err = copyManifests(d.Manifests, d.manifests())
	if err = errors.Join(err, d.Encapsulation.rewrite(d.manifests(), d.cluster)); err != nil {
		return err
	}
	nodes := d.cluster
	if d.Encapsulation.crosses() {
		moved, router := d.cluster.behindRouter()
		d.cluster, nodes = moved, append(moved, router)
	}
	d.lab, err = netlab.New(netlab.Options{
		Prefix: prefix,
		Named:  true,
		Keep:   d.Keep,
		Shared: []string{d.Directory, filepath.Dir(d.Agent)},
		Nodes:  nodes,
	})
	if err != nil {
		return err
	}
	d.console.end("done")
	return nil
}

// startAgents starts an agent on every node and waits until all are ready. From then on the end of
// one is the end of the demo.
func (d *demo) startAgents(ctx context.Context, fail context.CancelCauseFunc) error {
	d.console.begin("Starting an agent on each node")
	for _, n := range d.cluster {
		a, err := startAgent(d.lab.Node(n.Name), d.Directory, agentCommand(d.Agent, d.manifests(), n.Name, d.Backend))
		if err != nil {
			return err
		}
		d.agents = append(d.agents, a)
	}
	group, waiting := errgroup.WithContext(ctx)
	times := make([]time.Duration, len(d.agents))
	for i, a := range d.agents {
		group.Go(func() (err error) {
			times[i], err = a.awaitReady(waiting, d.Patience)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, a := range d.agents {
		go a.watch(ctx, fail)
	}
	text := "ready after"
	for _, t := range times {
		text += " " + t.Round(time.Millisecond).String()
	}
	d.console.end("%s", text)
	return nil
}

// watch fails the demo if the agent ends before it.
func (a *agent) watch(ctx context.Context, fail context.CancelCauseFunc) {
	select {
	case <-a.ended:
		fail(a.failed("ended: " + a.state))
	case <-ctx.Done():
	}
}

// serve lets all pods answer.
func (d *demo) serve(context.Context) error {
	for _, n := range d.cluster {
		for _, p := range n.Pods {
			s, err := d.lab.Pod(p.Name).Serve(Port)
			if err != nil {
				return err
			}
			d.servers = append(d.servers, s)
		}
	}
	return nil
}

// compare tries all flows and prints the table.
func (d *demo) compare(ctx context.Context) error {
	flows := d.table.Flows()
	d.console.begin("Trying %d flows", len(flows))
	tried := 0
	m, err := d.lab.Observe(ctx, flows, func(netlab.Observation) {
		tried++
		d.console.progress(tried, len(flows))
	})
	if err != nil {
		return err
	}
	wrong := m.Wrong()
	if len(wrong) == 0 {
		d.console.end("all as expected")
	} else {
		d.console.end("%d are not as expected", len(wrong))
	}
	fmt.Fprintln(d.console)
	d.table.Print(d.console, m, d.console.colours)
	fmt.Fprintln(d.console)
	if len(wrong) == 0 {
		return nil
	}
	reasons := []error{ErrDiffers}
	for _, o := range wrong {
		reasons = append(reasons, errors.New(difference(o)))
	}
	return errors.Join(reasons...)
}
