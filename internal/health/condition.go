package health

import (
	"time"

	"github.com/margay-net/margay/internal/family"
)

// Status is the state of a condition, as in Kubernetes' node conditions.
type Status string

// The states of a condition.
const (
	True    Status = "True"
	False   Status = "False"
	Unknown Status = "Unknown"
)

// Condition is a remark on the node: something that works less well than it was set to, and
// stops nothing. Name and Family identify it.
type Condition struct {
	Name    string        // in CamelCase, such as RouteSourceAddressMissing
	Family  family.Family // 0 if it concerns no family in particular
	Status  Status
	Message string
	Since   time.Time // of the last change of Status; set by the Board
}

// conditionKey identifies a condition.
type conditionKey struct {
	name   string
	family family.Family
}

func (c Condition) key() conditionKey { return conditionKey{c.Name, c.Family} }

// SetCondition adds a condition, or replaces its status and message.
func (b *Board) SetCondition(now time.Time, c Condition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.Since = now
	if old, ok := b.conditions[c.key()]; ok && old.Status == c.Status {
		c.Since = old.Since
	}
	b.conditions[c.key()] = c
}

// ClearCondition removes a condition of which there is nothing more to say.
func (b *Board) ClearCondition(name string, f family.Family) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conditions, conditionKey{name, f})
}
