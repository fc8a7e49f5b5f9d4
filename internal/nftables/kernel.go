package nftables

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/margay-net/margay/internal/nftables/nft"
)

// Kernel is the way to one inet table in the kernel. Netlink is the real one, and package
// fake has one with the same semantics; one contract suite runs on both.
type Kernel interface {
	// Dump reads the table. One that is not there is an empty Listing, and no error.
	Dump() (Listing, error)
	// Commit makes all the steps or none, as one transaction. It returns, for each
	// AddRule, the new rule's handle at the step's index. A refusal is a *Refused; ErrUnknown
	// means that the outcome was lost.
	Commit(ops []nft.Op) (handles []uint64, err error)
	// Foreign yields a value when another program has changed the table, or may have: at
	// most one that nobody has taken, and less often the longer it goes on.
	Foreign() <-chan struct{}
	// Close ends the connection and the goroutine behind Foreign.
	Close() error
}

// Listing is what stands in the table.
type Listing struct {
	Present bool
	// Dormant is true if somebody has switched the table off: it is there, and no packet
	// meets it.
	Dormant bool
	Chains  []ListedChain
	Sets    []ListedSet
}

// ListedChain is a chain as the kernel has it.
type ListedChain struct {
	Name  string
	Base  *nft.Base
	Rules []ListedRule
}

// ListedRule is a rule as the kernel has it: its handle, and what it says if it is ours.
type ListedRule struct {
	Handle uint64
	Hash   nft.Hash
}

// ListedSet is a set or map as the kernel has it.
type ListedSet struct {
	Set nft.Set
	// Foreign is true for a set of a kind that we do not write. Only its name counts.
	Foreign  bool
	Elements []nft.Element
}

// ErrUnknown means that a transaction was sent and its outcome is not known: the answer
// did not fit into the socket's buffer. Only a Dump tells.
var ErrUnknown = errors.New("the outcome of an nftables transaction was lost")

// Refused is a transaction that the kernel has refused. Nothing of it was done.
type Refused struct {
	// Steps are those that the kernel complained about, in order. One of them may be the
	// consequence of an earlier one.
	Steps []RefusedStep
}

// RefusedStep is one complaint.
type RefusedStep struct {
	// Index is the step's place in the transaction, or -1 for the transaction as a whole.
	Index int
	// Err is the kernel's error number.
	Err syscall.Errno
	// Text is what the kernel had to say beyond the number; often nothing.
	Text string
}

// Error lists the complaints.
func (r *Refused) Error() string {
	texts := make([]string, len(r.Steps))
	for i, s := range r.Steps {
		texts[i] = s.Error()
	}
	return "nftables transaction refused: " + strings.Join(texts, "; ")
}

// Error is the complaint in words.
func (s RefusedStep) Error() string {
	text := s.Err.Error()
	if s.Text != "" {
		text += " (" + s.Text + ")"
	}
	if s.Index < 0 {
		return text
	}
	return fmt.Sprintf("step %d: %s", s.Index, text)
}
