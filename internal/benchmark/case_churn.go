package main

import (
	"fmt"
	"time"
)

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
