package main

import (
	"fmt"

	"golang.org/x/sys/unix"
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
		if b.only != "" && c.name != b.only {
			continue
		}
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
	if err := s.reportConntrack(b); err != nil {
		return err
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
// that the change has put into chains of others pile up, as nobody knows their handles: of
// a way back that would remove them, only as much is replayed as makes room for the next
// replay of the change, and its time says nothing.
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
			replayed.keepChains = true
			if _, err := replay(replayed, s.heard, cleared(r.undone), settle/2); err != nil {
				return nil, nil, err
			}
			continue
		}
		if d, err = replay(replayed, s.heard, r.undone, settle/2); err != nil {
			return nil, nil, err
		}
		undo = append(undo, milliseconds(d))
	}
	return floor, undo, nil
}

// reportConntrack measures the part of a pod's deletion that is the kernel's and no
// driver's: looking for connections of the address.
func (s *session) reportConntrack(b *bench) error {
	var each, both sample
	for range b.repeat(10) {
		d, err := conntrackWalk(s.world.node.Space, unix.AF_INET, unix.AF_INET6)
		if err != nil {
			return err
		}
		each = append(each, milliseconds(d))
		if d, err = conntrackWalk(s.world.node.Space, unix.AF_UNSPEC); err != nil {
			return err
		}
		both = append(both, milliseconds(d))
	}
	b.report.add(result{s.preset.name, "limit: conntrack listed for each family", "ms", each, nil, "empty; part of each deletion"})
	b.report.add(result{s.preset.name, "limit: conntrack listed once for both", "ms", both, nil, ""})
	return nil
}

func sum(s sample) float64 {
	total := 0.0
	for _, v := range s {
		total += v
	}
	return total
}
