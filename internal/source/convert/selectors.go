package convert

import (
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/selector"
)

// part is one of the selectors that are joined into one, or why there is none.
type part struct {
	selector *selector.Selector
	err      error
}

// has takes what the constructors of package selector return.
func has(s *selector.Selector, err error) part { return part{selector: s, err: err} }

// allOf selects what every part selects; the first part's error is its own.
func allOf(parts ...part) (*selector.Selector, error) {
	selectors := make([]*selector.Selector, len(parts))
	for i, p := range parts {
		if p.err != nil {
			return nil, p.err
		}
		selectors[i] = p.selector
	}
	return selector.And(selectors...), nil
}

// isPod selects pods, and not network sets.
func isPod() part { return has(selector.Equals(model.LabelOrchestrator, model.OrchestratorK8s)) }

// inNamespace selects what is in the namespace.
func inNamespace(name string) part { return has(selector.Equals(model.LabelNamespace, name)) }
