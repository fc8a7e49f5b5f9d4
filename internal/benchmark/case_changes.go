package main

import (
	"fmt"
	"time"
)

// measureChanges measures single changes to a cluster that stands, each with its way back.
func measureChanges(b *bench, p preset) error {
	s, err := newSession(p, p.trials, true)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.cold(); err != nil {
		return err
	}
	var recorded []recording
	var all, total = sample{}, 0
	for _, c := range changes() {
		r, err := b.trials(s, c)
		if err != nil {
			return err
		}
		recorded = append(recorded, r)
		if c.name != nothing {
			all, total = append(append(all, r.cpu...), r.undoCPU...), total+len(r.cpu)+len(r.undoCPU)
		}
	}
	mem, err := memoryOf(s.agent.pid())
	if err != nil {
		return err
	}
	s.agent.stop()
	for _, r := range recorded {
		floor, undoFloor, err := s.floorOf(r, b.repeat(10))
		if err != nil {
			return fmt.Errorf("floor of %s: %w", r.change.name, err)
		}
		r.report(b.report, p.name, floor, undoFloor)
	}
	b.report.add(result{p.name, "CPU per change, over all of them", "ms", sample{sum(all) / float64(total)}, nil, "mean"})
	b.report.add(result{p.name, "memory after them, feeder included", "MB", sample{float64(mem.now) / 1e6}, nil, fmt.Sprintf("peak %.0f", float64(mem.peak)/1e6)})
	return nil
}

// recording is the trials of one change.
type recording struct {
	change        change
	wall, cpu     sample
	undo, undoCPU sample
	// done and undone are what the last trial has caused.
	done, undone *observation
}

func (b *bench) trials(s *session, c change) (recording, error) {
	r := recording{change: c}
	n := s.preset.trials
	if c.name == "all-pods" || c.name == "all-local" {
		n = s.preset.costly
	}
	_, err := b.profiled(s.agent, c.name+"-"+s.preset.name, func() (outcome, error) {
		for i := range b.repeat(n) {
			o, err := s.one(c, i, false)
			if err != nil {
				return o, err
			}
			r.wall, r.cpu = append(r.wall, milliseconds(o.latency)), append(r.cpu, milliseconds(o.used.cpu))
			r.done = o.seen
			if c.undo == "" {
				continue
			}
			if o, err = s.one(c, i, true); err != nil {
				return o, err
			}
			r.undo, r.undoCPU = append(r.undo, milliseconds(o.latency)), append(r.undoCPU, milliseconds(o.used.cpu))
			r.undone = o.seen
		}
		return outcome{}, nil
	})
	return r, err
}

func (r recording) report(to *report, size string, floor, undoFloor sample) {
	if r.change.name == nothing {
		to.add(result{size, r.change.do + ": CPU", "ms", r.cpu, nil, ""})
		return
	}
	to.add(result{size, r.change.do, "ms", r.wall, floor, "floor: its notifications as one raw batch"})
	to.add(result{size, r.change.do + ": CPU", "ms", r.cpu, nil, ""})
	to.add(result{size, r.change.undo, "ms", r.undo, undoFloor, ""})
	to.add(result{size, r.change.undo + ": CPU", "ms", r.undoCPU, nil, ""})
}

// floorOf replays a change and its way back, on what the agent has left standing. Rules
// that the change has put into chains of others pile up, as nobody knows their handles: a
// way back that would remove them is not replayed.
func (s *session) floorOf(r recording, times int) (floor, undo sample, err error) {
	if r.done == nil || len(r.done.seen) == 0 {
		return nil, nil, nil
	}
	replayed, err := newReplayer(s.world.node.Space)
	if err != nil {
		return nil, nil, err
	}
	defer replayed.close()
	for range times {
		d, err := replay(replayed, s.heard, r.done, settle/2)
		if err != nil {
			return nil, nil, err
		}
		floor = append(floor, milliseconds(d))
		if !r.change.replayable {
			continue
		}
		if d, err = replay(replayed, s.heard, r.undone, settle/2); err != nil {
			return nil, nil, err
		}
		undo = append(undo, milliseconds(d))
	}
	return floor, undo, nil
}

func sum(s sample) float64 {
	total := 0.0
	for _, v := range s {
		total += v
	}
	return total
}

// churning names the churn where changes have names.
const churning = "churn"

// churned is how many pods come in measureChurn, and perSecond at what pace.
const (
	churned   = 5000
	perSecond = 1000
)

// measureChurn measures remote pods that come at a pace, all into one set.
func measureChurn(b *bench, p preset) error {
	s, err := newSession(p, 0, true)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.cold(); err != nil {
		return err
	}
	n := b.repeat(churned)
	if _, err := s.agent.ask(request{Op: opPrepare, Change: churning, Index: n}); err != nil {
		return err
	}
	s.heard.reset()
	before, err := consumed(s.agent.pid())
	if err != nil {
		return err
	}
	r, err := s.agent.ask(request{Op: opChurn, PerSecond: perSecond})
	if err != nil {
		return err
	}
	seen, err := s.heard.await(p.quiet, func(o *observation) bool { return len(o.elements) >= 2*n })
	if err != nil {
		return fmt.Errorf("%s, churn: %w", p.name, err)
	}
	after, err := consumed(s.agent.pid())
	if err != nil {
		return err
	}
	return s.reportChurn(b.report, r, seen, after.since(before))
}

func (s *session) reportChurn(to *report, r reply, seen *observation, used consumption) error {
	var each sample
	var last instant
	for _, pod := range r.Pods {
		var done instant
		for _, a := range pod.Addresses {
			at, ok := seen.elements[a]
			if !ok {
				return fmt.Errorf("%s, churn: a pod is missing", s.preset.name)
			}
			done = max(done, at)
		}
		each, last = append(each, milliseconds(done.since(pod.At))), max(last, pod.At)
	}
	took := last.since(r.At)
	name := s.preset.name
	to.add(result{name, "churn: last write to last in the kernel", "ms", sample{milliseconds(seen.last.since(last))}, nil,
		fmt.Sprintf("%d pods in %v", len(r.Pods), took.Round(10*time.Millisecond))})
	to.add(result{name, "churn: each pod", "ms", each, nil, fmt.Sprintf("p99 %.2f", each.quantile(0.99))})
	to.add(result{name, "churn: CPU per pod", "ms", sample{milliseconds(used.cpu) / float64(len(r.Pods))}, nil, ""})
	return nil
}
