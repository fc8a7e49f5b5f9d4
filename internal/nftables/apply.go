package nftables

import (
	"errors"
	"fmt"
	"time"

	"github.com/margay-net/margay/internal/nftables/nft"
	"golang.org/x/sys/unix"
)

// maxAttempts bounds how often Apply tries again after a refusal. Each time at least one
// more object is left out, so only something that nobody has thought of gets this far.
const maxAttempts = 50

// Apply makes the table what the views want, and returns when the kernel has it: one
// transaction with what differs, or no call at all if nothing does. An object that the
// kernel refuses is closed (a chain drops, an entry of a verdict map leads to drop, a set is
// as if it were not there), noted in Problems, and tried again later; the rest is written
// without it. An error means that the kernel could not be talked to; nothing or only part
// is written, and Apply is to be called again.
func (t *Table) Apply(now time.Time) error {
	if !t.observed {
		if err := t.Observe(); err != nil {
			return err
		}
	}
	if (t.held || t.guarded) && !t.inSync {
		return nil
	}
	resynced := false
	var last error
	for range maxAttempts {
		t.resolve(now)
		t.stamp(now)
		steps := t.plan(now)
		if len(steps) == 0 {
			t.done(false)
			return nil
		}
		failed, err := t.commit(steps)
		if err == nil {
			t.done(true)
			return nil
		}
		last = err
		again, resync := t.afterRefusal(failed, err, now, resynced)
		if resync {
			resynced = true
			if err := t.Observe(); err != nil {
				return errors.Join(last, err)
			}
		}
		if !again {
			return err
		}
	}
	return fmt.Errorf("given up after %d attempts: %w", maxAttempts, last)
}

// done closes an Apply that has left nothing to do.
func (t *Table) done(wrote bool) {
	if t.accepted(); t.foreign && wrote {
		t.stats.Repairs++
	}
	t.foreign = false
	for name := range t.touched {
		c := t.contents[name]
		if c == nil {
			continue
		}
		c.oneByOne = false
		if _, stands := t.sets.Actual(name); !stands && c.owners.Empty() {
			delete(t.contents, name)
		}
	}
	clear(t.touched)
}

// commit writes the steps, in one transaction if they are not too many, and learns what
// the kernel has taken. With an error it returns the steps of the transaction that failed.
func (t *Table) commit(steps []step) ([]step, error) {
	for _, stage := range stages(steps, t.limit) {
		ops := make([]nft.Op, len(stage))
		for i, s := range stage {
			ops[i] = s.op
		}
		handles, err := t.kernel.Commit(ops)
		if err != nil {
			t.stats.Refusals++
			return stage, err
		}
		t.stats.Transactions++
		t.stats.Steps += len(ops)
		t.learn(ops, handles)
	}
	return nil, nil
}

// learn takes note of what has been written.
func (t *Table) learn(ops []nft.Op, handles []uint64) {
	changed := map[string]struct{}{}
	for i, op := range ops {
		if name := t.stands.learn(op, handles[i]); name != "" {
			changed[name] = struct{}{}
			continue
		}
		t.learnSet(op)
	}
	for name := range changed {
		if s := t.stands.chains[name]; s != nil {
			t.chains.Observe(name, s.chain())
		} else {
			t.chains.ObserveGone(name)
		}
	}
}

func (t *Table) learnSet(op nft.Op) {
	switch op := op.(type) {
	case nft.AddSet:
		t.sets.Observe(op.Set.Name, op.Set)
	case nft.DeleteSet:
		t.sets.ObserveGone(op.Set.Name)
		if c := t.contents[op.Set.Name]; c != nil {
			c.observe(nil)
		}
	case nft.AddElements:
		t.contents[op.Set.Name].added(op.Elements)
	case nft.DeleteElements:
		t.contents[op.Set.Name].deleted(op.Elements)
	}
}

// afterRefusal finds out whose fault a failed transaction is. again is true if it is worth
// trying without them; resync, if the table must be read first, because the kernel's
// complaint means that it does not hold what we believe.
func (t *Table) afterRefusal(steps []step, err error, now time.Time, resynced bool) (again, resync bool) {
	var refused *Refused
	switch {
	case errors.Is(err, ErrUnknown):
		t.observed = false
		return !resynced, !resynced
	case !errors.As(err, &refused):
		return false, false
	}
	blamed := t.blameAll(steps, refused, false, now)
	if !blamed && resynced {
		blamed = t.blameAll(steps, refused, true, now)
	}
	switch {
	case blamed:
		return true, false
	case !resynced:
		t.observed = false
		return true, true
	}
	return t.blameDepth(steps, refused, now), false
}

// blameAll notes all refusals of one kind, each object once: those that can only be the
// object's own fault, or those that say the table is not what we believe.
func (t *Table) blameAll(steps []step, refused *Refused, stale bool, now time.Time) bool {
	blamed := map[object]bool{}
	for _, r := range refused.Steps {
		if r.Index < 0 || outOfStep(r.Err) != stale {
			continue
		}
		if s := steps[r.Index]; !blamed[s.owner] && t.blame(s, r, now) {
			blamed[s.owner] = true
		}
	}
	return len(blamed) > 0
}

// outOfStep says whether an error means that the table is not what we believe: something
// is missing, there already, or in use. It may as well be the consequence of another
// step's failure.
func outOfStep(err unix.Errno) bool {
	return err == unix.ENOENT || err == unix.EEXIST || err == unix.EBUSY
}

// blame notes a refusal with the object whose step it was; false if it cannot be said.
func (t *Table) blame(s step, r RefusedStep, now time.Time) bool {
	err := fmt.Errorf("%s: %w", s.op, r)
	switch o := s.owner; o.kind {
	case kindElement:
		c := t.contents[o.name]
		if c == nil {
			return false
		}
		if o.key == "" {
			// One of many: the next time each goes alone.
			fresh := !c.oneByOne
			c.oneByOne = true
			return fresh
		}
		c.refuse(o.key)
		t.refuse(o, err, now)
		return true
	case kindChain, kindSet, kindEntry:
		if isDeletion(s.op) {
			return false
		}
		t.refuse(o, err, now)
		return true
	}
	return false
}

func isDeletion(op nft.Op) bool {
	switch op.(type) {
	case nft.DeleteChain, nft.DeleteRule, nft.DeleteSet, nft.DeleteElements, nft.FlushChain, nft.FlushSet:
		return true
	}
	return false
}
