// Package fake is a kernel for tests of everything above it: one inet table with nf_tables'
// semantics, as far as the nftables driver leans on them. A contract suite in package
// nftables runs the same steps on it and on a real kernel.
package fake

import (
	"sync"
	"syscall"

	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// Kernel is a fake nftables.Kernel.
type Kernel struct {
	mu      sync.Mutex
	state   state
	foreign chan struct{}
	fail    []error
	commits [][]nft.Op
	refuse  func(nft.Op) syscall.Errno
}

// New makes a kernel without the table.
func New() *Kernel {
	return &Kernel{foreign: make(chan struct{}, 1)}
}

// Fail makes the next Commits fail with these errors, before they do anything.
func (k *Kernel) Fail(errs ...error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = append(k.fail, errs...)
}

// Refuse makes the kernel refuse the steps for which f returns an error number; nil ends it.
func (k *Kernel) Refuse(f func(nft.Op) syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refuse = f
}

// Commits returns the steps of the transactions that were taken since the last call.
func (k *Kernel) Commits() [][]nft.Op {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := k.commits
	k.commits = nil
	return out
}

// Interfere commits steps as another program would: Foreign tells of it.
func (k *Kernel) Interfere(ops ...nft.Op) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := k.transact(ops)
	k.tell()
	return err
}

// DeleteTable deletes the table, as another program would.
func (k *Kernel) DeleteTable() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = state{}
	k.tell()
}

// Switch switches the table off, as another program would.
func (k *Kernel) Switch() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state.dormant = true
	k.tell()
}

func (k *Kernel) tell() {
	select {
	case k.foreign <- struct{}{}:
	default:
	}
}

// Foreign implements nftables.Kernel.
func (k *Kernel) Foreign() <-chan struct{} { return k.foreign }

// Close implements nftables.Kernel.
func (k *Kernel) Close() error { return nil }

// Dump implements nftables.Kernel.
func (k *Kernel) Dump() (nftables.Listing, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.listing(), nil
}

// Commit implements nftables.Kernel.
func (k *Kernel) Commit(ops []nft.Op) ([]uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.fail) > 0 {
		err := k.fail[0]
		k.fail = k.fail[1:]
		return nil, err
	}
	handles, err := k.transact(ops)
	if err == nil {
		k.commits = append(k.commits, ops)
	}
	return handles, err
}

// transact does all of the steps to a copy of the state, and takes it if none failed. Like
// the kernel it goes on after a failure, and reports them all.
func (k *Kernel) transact(ops []nft.Op) ([]uint64, error) {
	next := k.state.clone()
	handles := make([]uint64, len(ops))
	var refused nftables.Refused
	for i, op := range ops {
		errno := syscall.Errno(0)
		if k.refuse != nil {
			errno = k.refuse(op)
		}
		if errno == 0 {
			handles[i], errno = next.do(op)
		}
		if errno != 0 {
			refused.Steps = append(refused.Steps, nftables.RefusedStep{Index: i, Err: errno})
		}
	}
	if len(refused.Steps) == 0 {
		if errno := next.validate(); errno != 0 {
			refused.Steps = append(refused.Steps, nftables.RefusedStep{Index: -1, Err: errno})
		}
	}
	if len(refused.Steps) > 0 {
		return nil, &refused
	}
	k.state = next
	return handles, nil
}
