package engine

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/model"
)

// logMost is how many new problems of one place are logged; the others are counted. All
// of them are in the dump.
const logMost = 50

// Problems keeps what is wrong with the input, by the place that it was found at. It is
// safe for concurrent use. A problem is logged when it comes up, and not again while it
// lasts.
type Problems struct {
	log *logrus.Entry
	// heard is told what is set; may be nil.
	heard func(place string, problems []model.Problem)

	mu      sync.Mutex
	at      map[string][]model.Problem
	count   map[model.Severity]int
	changed bool // since the last call of changes
}

func newProblems(log *logrus.Entry) *Problems {
	return &Problems{log: log, at: map[string][]model.Problem{}, count: map[model.Severity]int{}}
}

// Set replaces the problems of a place and logs those that are new there.
func (p *Problems) Set(place string, problems []model.Problem) {
	p.mu.Lock()
	before := p.at[place]
	if len(problems) == 0 {
		delete(p.at, place)
	} else {
		p.at[place] = problems
	}
	p.tally(before, -1)
	p.tally(problems, 1)
	p.mu.Unlock()
	p.logFresh(place, before, problems)
	if p.heard != nil {
		p.heard(place, problems)
	}
}

func (p *Problems) tally(problems []model.Problem, sign int) {
	for i := range problems {
		p.count[problems[i].Severity] += sign
		p.changed = true
	}
}

// changes are the numbers of problems by severity, and whether any have come or gone
// since it was called the last time.
func (p *Problems) changes() (map[model.Severity]int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.changed {
		return nil, false
	}
	p.changed = false
	return maps.Clone(p.count), true
}

func (p *Problems) logFresh(place string, before, now []model.Problem) {
	known := make(map[model.Problem]bool, len(before))
	for _, problem := range before {
		known[problem] = true
	}
	logged, more := 0, 0
	for _, problem := range now {
		switch {
		case known[problem]:
		case logged == logMost:
			more++
		default:
			logged++
			logProblem(p.log, problem)
		}
	}
	if more > 0 {
		p.log.WithFields(logrus.Fields{"place": place, "more": more}).Warn("more problems than are logged; agent dump problems shows all")
	}
}

func logProblem(log *logrus.Entry, p model.Problem) {
	entry := log.WithField("object", p.Object)
	for name, value := range map[string]string{"where": p.Where, "field": p.Field, "value": p.Value} {
		if value != "" {
			entry = entry.WithField(name, value)
		}
	}
	switch p.Severity {
	case model.Failure:
		entry.Error(p.Message)
	case model.Warning:
		entry.Warn(p.Message)
	default:
		entry.Info(p.Message)
	}
}

// Count is how many problems of each severity there are.
func (p *Problems) Count() map[model.Severity]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.count)
}

// WriteTo writes a line for each problem, sorted by place.
func (p *Problems) WriteTo(w io.Writer) (n int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, place := range slices.Sorted(maps.Keys(p.at)) {
		for _, problem := range p.at[place] {
			k, err := fmt.Fprintf(w, "%-7s %s\n", problem.Severity, problem)
			n += int64(k)
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}
