// Package source says what a source of cluster objects is: something that watches
// objects, turns them into events on the model by the one conversion (package convert),
// and says when it has read all there is.
//
// A source withholds deletions by itself while it cannot see everything: an object is
// reported gone only when the place it came from was read and did not have it.
package source

import (
	"context"

	"github.com/margay-net/margay/internal/model"
)

// Sink takes a source's news. Its methods are called from one goroutine at a time and
// may block while the receiver is behind; a source coalesces meanwhile.
type Sink interface {
	// Update hands over changed objects. Any order, repeat or spurious delete is legal.
	Update(events []model.Event)
	// Report replaces all that was reported for the place before (a file, or an object
	// of the API server). No problems means that all is well there.
	Report(place string, problems []model.Problem)
	// Sync says whether everything that exists has been read.
	Sync(s Sync)
}

// Sync is a source's own view of how complete it is.
type Sync struct {
	// InSync says that the last full read saw everything.
	InSync bool
	// Reasons name what keeps it from that, one line each: a file that cannot be
	// parsed, a kind that cannot be listed.
	Reasons []string
}

// Publisher is the one way out for what an agent tells the others about its node.
// Publish replaces what it said before; an error leaves the earlier word standing. It is also
// called when the same may no longer stand, and writes nothing if it does.
type Publisher interface {
	Publish(ctx context.Context, p NodePatch) error
}

// NodePatch is what an agent adds to its Node object.
type NodePatch struct {
	// Annotations by their full names, such as projectcalico.org/IPv6Address.
	Annotations map[string]string
	Conditions  []Condition
}

// Condition is a statement about the node that people and controllers look at.
type Condition struct {
	Type    string
	Status  bool
	Reason  string // one word in CamelCase
	Message string
}
