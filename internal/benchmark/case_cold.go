package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// measureCold measures how long a cluster takes from its first event until all of it is in
// the kernel; what the same objects take as one raw batch, and through nft; how long the
// agent takes after somebody has flushed everything; and what it does when there is
// nothing to do.
func measureCold(b *bench, p preset) error {
	var wall, cpu, repair sample
	var floor, text sample
	for i := range b.repeat(p.colds) {
		err := func() error {
			s, err := newSession(p, 0, true)
			if err != nil {
				return err
			}
			defer s.close()
			o, err := b.profiled(s.agent, "cold-"+p.name, s.cold)
			if err != nil {
				return err
			}
			wall, cpu = append(wall, milliseconds(o.latency)), append(cpu, milliseconds(o.used.cpu))
			healed, err := s.heal()
			if err != nil {
				return err
			}
			repair = append(repair, milliseconds(healed))
			if i == 0 {
				fmt.Fprintf(b.report.out, "# %s, in the kernel: %v\n", p.name, o.seen)
				if err := b.idle(s); err != nil {
					return err
				}
			}
			s.agent.stop()
			raw, err := s.floor(o.seen, 3)
			if err != nil {
				return err
			}
			floor = append(floor, raw...)
			byText, err := s.floorOfText()
			text = append(text, byText)
			return err
		}()
		if err != nil {
			return err
		}
	}
	b.report.add(result{p.name, "cold: first event to all in the kernel", "ms", wall, floor, "floor: one raw batch"})
	b.report.add(result{p.name, "cold: the same through nft -f", "ms", text, floor, ""})
	b.report.add(result{p.name, "cold: CPU", "ms", cpu, nil, ""})
	b.report.add(result{p.name, "flushed by somebody, to all in the kernel", "ms", repair, floor, "floor: one raw batch"})
	return measureUnheard(b, p)
}

// heal flushes the ruleset and waits until it is whole again.
func (s *session) heal() (time.Duration, error) {
	before, err := s.ruleset()
	if err != nil {
		return 0, err
	}
	s.heard.reset()
	start := now()
	if err := s.world.flush(); err != nil {
		return 0, err
	}
	seen, err := s.heard.await(s.preset.quiet, func(o *observation) bool { return o.chains > 0 })
	if err != nil {
		return 0, fmt.Errorf("%s, flushed: %w", s.preset.name, err)
	}
	after, err := s.ruleset()
	if err != nil {
		return 0, err
	}
	if !slices.Equal(words(before), words(after)) {
		return 0, fmt.Errorf("%s, flushed: the table is not what it was", s.preset.name)
	}
	return seen.last.since(start), nil
}

// ruleset is what nft lists.
func (s *session) ruleset() (string, error) {
	out, err := s.world.node.Command("nft", "list", "ruleset").Output()
	if err != nil {
		return "", fmt.Errorf("nft list ruleset: %w", err)
	}
	return string(out), nil
}

// words are a listing's words in order, for comparing two in which chains and elements may
// stand in another order.
func words(listing string) []string {
	words := strings.Fields(strings.ReplaceAll(listing, ",", " "))
	slices.Sort(words)
	return words
}

// floor replays an observation on an empty node, several times.
func (s *session) floor(o *observation, times int) (sample, error) {
	r, err := newReplayer(s.world.node.Space)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var out sample
	for range times {
		if err := s.world.wipe(); err != nil {
			return nil, err
		}
		time.Sleep(settle)
		d, err := replay(r, s.heard, s.wholly(o), settle)
		if err != nil {
			return nil, err
		}
		out = append(out, milliseconds(d))
	}
	return out, nil
}

// wholly puts what the agent had written before it was fed ahead of what it wrote then.
func (s *session) wholly(o *observation) *observation {
	whole := *o
	whole.seen = slices.Concat(s.closed, o.seen)
	return &whole
}

// floorOfText writes what stands through the nft command, after a flush. Routes stay.
func (s *session) floorOfText() (float64, error) {
	text, err := s.ruleset()
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "margay-benchmark-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "ruleset.nft")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return 0, err
	}
	if err := s.world.flush(); err != nil {
		return 0, err
	}
	nft := s.world.node.Command("nft", "-f", "-")
	if nft.Stdin, err = os.Open(file); err != nil {
		return 0, err
	}
	start := now()
	if out, err := nft.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("nft -f: %w: %.300s", err, out)
	}
	return milliseconds(now().since(start)), nil
}

// idleTime is how long an agent with nothing to do is watched.
const idleTime = 20 * time.Second

// idle measures what the agent does when there is nothing to do.
func (b *bench) idle(s *session) error {
	used, err := b.idleOf(s.agent.pid())
	if err != nil {
		return err
	}
	seconds := b.short(idleTime).Seconds()
	b.report.add(result{s.preset.name, "idle: CPU in a second", "ms", sample{milliseconds(used.cpu) / seconds}, nil, ""})
	b.report.add(result{s.preset.name, "idle: wake-ups in a second", "n", sample{float64(used.switches) / seconds}, nil, ""})
	return nil
}
