package selector

import "fmt"

// Operator is a Kubernetes label selector operator (metav1.LabelSelectorOperator).
type Operator string

// The operators that Kubernetes has.
const (
	In           Operator = "In"
	NotIn        Operator = "NotIn"
	Exists       Operator = "Exists"
	DoesNotExist Operator = "DoesNotExist"
)

// Requirement is an element of a Kubernetes label selector's matchExpressions.
type Requirement struct {
	Key      string
	Operator Operator
	Values   []string // for In and NotIn only, and then at least one
}

// FromLabelSelector makes the selector that a Kubernetes label selector stands for: all of
// matchLabels and of matchExpressions must hold, and an empty one selects everything in the
// scope. As in Kubernetes, NotIn and DoesNotExist hold for absent labels; in Namespaces and
// ServiceAccounts they still select only what has a namespace or service account.
// The error names the requirement that Kubernetes would have refused.
func FromLabelSelector(scope Scope, matchLabels map[string]string, matchExpressions []Requirement) (*Selector, error) {
	operands := make([]term, 0, len(matchLabels)+len(matchExpressions)+1)
	for key, value := range matchLabels {
		t, err := checkedOneOf(key, []string{value})
		if err != nil {
			return nil, fmt.Errorf("matchLabels: %w", err)
		}
		operands = append(operands, t)
	}
	for i, r := range matchExpressions {
		t, err := r.term()
		if err != nil {
			return nil, fmt.Errorf("matchExpressions[%d]: %w", i, err)
		}
		operands = append(operands, t)
	}
	inScope := false
	for i := range operands {
		operands[i].label = scope.label(operands[i].label)
		inScope = inScope || !operands[i].negated
	}
	if !inScope {
		operands = append(operands, scope.everything())
	}
	return made(junction(kindAnd, operands)), nil
}

func (r Requirement) term() (term, error) {
	t, err := checkedOneOf(r.Key, r.Values)
	if err != nil {
		return term{}, err
	}
	switch r.Operator {
	case In, NotIn:
		if len(r.Values) == 0 {
			return term{}, fmt.Errorf("label %s: %s without values", r.Key, r.Operator)
		}
	case Exists, DoesNotExist:
		if len(r.Values) != 0 {
			return term{}, fmt.Errorf("label %s: %s with values %q", r.Key, r.Operator, r.Values)
		}
		t = has(r.Key)
	default:
		return term{}, fmt.Errorf("label %s: operator %q, expected In, NotIn, Exists or DoesNotExist", r.Key, r.Operator)
	}
	if r.Operator == NotIn || r.Operator == DoesNotExist {
		t = t.not()
	}
	return t, nil
}
