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

// Problems keeps what is wrong with the input, by the place that it was found at. It is
// safe for concurrent use. Each problem is logged once, when it comes up.
type Problems struct {
	log *logrus.Entry

	mu sync.Mutex
	at map[string][]model.Problem
}

func newProblems(log *logrus.Entry) *Problems {
	return &Problems{log: log, at: map[string][]model.Problem{}}
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
	p.mu.Unlock()
	for _, problem := range problems {
		if !slices.Contains(before, problem) {
			logProblem(p.log, problem)
		}
	}
}

func logProblem(log *logrus.Entry, p model.Problem) {
	entry := log.WithFields(logrus.Fields{"object": p.Object})
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
	count := map[model.Severity]int{}
	for _, problems := range p.at {
		for i := range problems {
			count[problems[i].Severity]++
		}
	}
	return count
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
