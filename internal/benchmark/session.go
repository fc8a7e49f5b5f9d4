package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/margay-net/margay/internal/workload"
)

// preset is a size of cluster with a name.
type preset struct {
	name string
	size workload.Size
	// quiet is how long the kernel must be silent for a large change to count as done.
	quiet time.Duration
	// trials are how often a single change is made, and a costly one.
	trials, costly int
	colds          int
}

func presets() []preset {
	return []preset{
		{"small", workload.Small(), 500 * time.Millisecond, 20, 5, 3},
		{"medium", workload.Medium(), time.Second, 30, 10, 5},
		{"large", workload.Large(), 3 * time.Second, 20, 5, 3},
	}
}

// settle is how long the kernel must be silent for a single change to count as done.
const settle = 200 * time.Millisecond

// session is a fresh node with a listener and an agent that has just started: it knows
// nothing yet, and the closed table stands.
type session struct {
	preset  preset
	cluster *workload.Cluster
	world   *world
	agent   *agentProcess
	heard   *listener
	// closed is what was heard of the agent's first writing: the table of a node that
	// knows nothing yet.
	closed []notification
}

// newSession makes a session. Without hearing the table, the kernel has nobody to tell
// about nftables but the agent.
func newSession(p preset, spare int, hearTable bool) (*session, error) {
	w, err := newWorld(p.size, spare)
	if err != nil {
		return nil, err
	}
	s := &session{preset: p, cluster: workload.New(p.size), world: w}
	if s.heard, err = listen(w.node.Space, hearTable); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.agent, err = startAgent(w.node.Space, p.size); err != nil {
		return nil, errors.Join(err, s.close())
	}
	time.Sleep(settle) // what new interfaces make the kernel do
	s.closed = s.heard.soFar()
	return s, nil
}

func (s *session) close() error {
	if s.agent != nil {
		s.agent.stop()
	}
	if s.heard != nil {
		s.heard.close()
	}
	return s.world.close()
}

// outcome is what one change has taken.
type outcome struct {
	latency time.Duration
	used    consumption
	seen    *observation
}

// measure has the agent feed what it has prepared, and waits until that is in the kernel.
func (s *session) measure(op operation, quiet time.Duration, done func(*observation) bool) (outcome, error) {
	s.heard.reset()
	before, err := consumed(s.agent.pid())
	if err != nil {
		return outcome{}, err
	}
	r, err := s.agent.ask(request{Op: op})
	if err != nil {
		return outcome{}, err
	}
	seen, err := s.heard.await(quiet, done)
	if err != nil {
		return outcome{}, err
	}
	after, err := consumed(s.agent.pid())
	return outcome{latency: seen.last.since(r.At), used: after.since(before), seen: seen}, err
}

// cold feeds the whole cluster.
func (s *session) cold() (outcome, error) {
	o, err := s.measure(opSync, s.preset.quiet, func(o *observation) bool { return allRouted(s.cluster, o) })
	if err != nil {
		return o, fmt.Errorf("%s, cold: %w", s.preset.name, err)
	}
	return o, nil
}

// one makes one change, or takes it back.
func (s *session) one(c change, i int, undo bool) (outcome, error) {
	if _, err := s.agent.ask(request{Op: opPrepare, Change: c.name, Index: i, Undo: undo}); err != nil {
		return outcome{}, err
	}
	o, err := s.measure(opFeed, settle, func(o *observation) bool {
		switch {
		case c.seen == nil:
			return true
		case undo:
			return c.gone(s.cluster, s.preset.size, i, o)
		}
		return c.seen(s.cluster, s.preset.size, i, o)
	})
	if err != nil {
		return o, fmt.Errorf("%s, %s %d (undo %t): %w", s.preset.name, c.name, i, undo, err)
	}
	return o, nil
}
