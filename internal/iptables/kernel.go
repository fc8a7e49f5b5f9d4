package iptables

import (
	"errors"
	"fmt"
)

// Kernel is the way to one family's tables. Programs is the real one.
type Kernel interface {
	// Save prints a table in the words of iptables-save.
	Save(table string) ([]byte, error)
	// Restore carries out the input of iptables-restore for one table, all of it or
	// nothing. Input that is not taken is a *Refused.
	Restore(table string, input []byte) error
}

// Refused is input of iptables-restore that the program or the kernel does not take.
type Refused struct {
	// Line is the number of the line that is complained of, from 1; 0 if that is not known.
	Line int
	Text string
}

// Error is the complaint.
func (r *Refused) Error() string {
	if r.Line == 0 {
		return "iptables-restore: " + r.Text
	}
	return fmt.Sprintf("iptables-restore, line %d: %s", r.Line, r.Text)
}

// ErrLocked means that somebody else has held the xtables lock for too long.
var ErrLocked = errors.New("somebody else holds the xtables lock")
