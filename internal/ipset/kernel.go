package ipset

import (
	"errors"
	"fmt"

	"github.com/margay-net/margay/internal/family"
)

// Kernel is the way to the kernel's IP sets. Programs is the real one; one contract suite
// runs on it and on the fake.
type Kernel interface {
	// Save lists the sets of a family with the prefixes that are ours, with their members.
	Save(f family.Family) ([]Listed, error)
	// Restore carries out lines of `ipset restore`, in order, up to the first that fails:
	// that one's number, from 1, is in a *Refused.
	Restore(lines []byte) error
}

// Listed is a set as the kernel has it.
type Listed struct {
	Set     Set
	Members []Member
}

// Refused is a line that ipset or the kernel does not take. What stood before it has been
// done, or some of it.
type Refused struct {
	// Line is its number, from 1; 0 if that is not known.
	Line int
	Text string
}

// Error says which line and why.
func (r *Refused) Error() string { return fmt.Sprintf("ipset restore, line %d: %s", r.Line, r.Text) }

// ErrMissing means that there is no ipset program.
var ErrMissing = errors.New("no ipset program")
