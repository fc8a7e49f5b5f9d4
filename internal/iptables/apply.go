package iptables

import (
	"errors"
	"fmt"
	"time"
)

// maxAttempts bounds how often a table is tried again after a refusal, each time with one
// more chain closed.
const maxAttempts = 50

// Apply makes the tables and sets what they ought to be, and returns when the kernel has
// them: for each table that differs one iptables-restore, for the sets one ipset, and no
// process at all if nothing differs and no read is due. A chain that is refused is closed,
// noted in Problems, and tried again later; the rest is written without it. An error means
// that a program could not be run, or a table not be written: what stood there stays, and
// Apply is to be called again.
func (d *Driver) Apply(now time.Time) error {
	if err := d.observe(now); err != nil {
		return err
	}
	if (d.held || d.guarded) && !d.inSync {
		return d.sets.Look()
	}
	for {
		sets := d.sets.Update(now)
		if sets != nil && d.stands() {
			return sets // what stands is better than chains that are closed for the want of a set
		}
		for _, p := range d.sets.Problems() {
			d.touchSet(p.Name)
		}
		tables := d.write(now)
		if sets != nil || tables != nil {
			return errors.Join(sets, tables)
		}
		again, err := d.sets.Sweep(now)
		if err != nil || !again {
			return err
		}
	}
}

// write writes the tables that differ. The failure of one stops no other.
func (d *Driver) write(now time.Time) error {
	var errs []error
	for _, t := range d.tables {
		if !t.observed {
			continue
		}
		if err := d.writeTable(t, now); err != nil {
			t.observed, t.doubtful = false, true
			errs = append(errs, fmt.Errorf("%v table %s: %w", d.family, t.name, err))
		}
	}
	return errors.Join(errs...)
}

func (d *Driver) writeTable(t *table, now time.Time) error {
	var last error
	for range maxAttempts {
		t.resolve(now, d.sets.Ready)
		s := t.plan(now)
		if s == nil {
			t.accepted()
			t.repairing = false
			return nil
		}
		err := d.kernel.Restore(t.name, s.input())
		if err == nil {
			t.learn(s)
			t.accepted()
			d.count(t, s, now)
			return nil
		}
		d.stats.Refusals++
		last = err
		if !d.blame(t, s, err, now) {
			return err
		}
	}
	return fmt.Errorf("given up after %d attempts: %w", maxAttempts, last)
}

func (d *Driver) count(t *table, s *script, now time.Time) {
	d.stats.Restores++
	d.stats.Lines += len(s.lines)
	if t.repairing {
		t.repairing = false
		d.stats.Repairs++
	}
	if after := d.refresh.AfterWrite; after > 0 {
		d.tablesDue = earlier(d.tablesDue, now.Add(after))
	}
}

// blame notes whose fault it is that a script was refused; false if that cannot be said, and
// it makes no sense to try again at once.
func (d *Driver) blame(t *table, s *script, err error, now time.Time) bool {
	var refused *Refused
	if !errors.As(err, &refused) || refused.Line < 1 || refused.Line > len(s.owners) {
		return false
	}
	o := s.owners[refused.Line-1]
	switch {
	case o.chain == "" || t.banned(o.chain):
		return false
	case o.deletion:
		// Somebody else's rule leads to it. It goes when that has gone.
		t.chains.Hold(o.chain, err, now, now.Add(d.retry(1)))
		return true
	}
	t.refuse(o.chain, err, now, d.retry)
	return true
}

// observe reads what has to be read.
func (d *Driver) observe(now time.Time) error {
	if due(d.tablesDue, now) {
		for _, t := range d.tables {
			t.observed = t.observed && !t.used()
		}
		d.tablesDue = time.Time{}
	}
	if due(d.setsDue, now) {
		d.sets.Resync()
		d.setsDue = time.Time{}
	}
	var errs []error
	for _, t := range d.tables {
		if t.observed {
			continue
		}
		if err := d.read(t, now); err != nil {
			errs = append(errs, fmt.Errorf("read the %v table %s: %w", d.family, t.name, err))
		}
	}
	if d.refresh.Tables > 0 && d.tablesDue.IsZero() {
		d.tablesDue = now.Add(d.refresh.Tables)
	}
	if d.refresh.Sets > 0 && d.setsDue.IsZero() {
		d.setsDue = now.Add(d.refresh.Sets)
	}
	// What has stood at the first look and is gone by now has left the node open: what is
	// wanted so far is better than that.
	if err := errors.Join(errs...); err != nil {
		return err
	}
	d.held = d.stands() && (d.held || !d.looked)
	d.looked = true
	return nil
}

func (d *Driver) read(t *table, now time.Time) error {
	text, err := d.kernel.Save(t.name)
	if err != nil {
		return err
	}
	d.stats.Reads++
	first := t.reads == 0
	t.observe(parse(text))
	t.resolve(now, d.sets.Ready)
	t.repairing = !first && !t.doubtful && t.plan(now) != nil
	t.doubtful = false
	return nil
}

// stands says whether packets meet anything of ours: what decides is the filter table.
func (d *Driver) stands() bool { return d.table(Filter).stands() }

// Next is when Apply ought to be called again if nothing else happens: to try what was
// refused, or to read what stands. Zero is never.
func (d *Driver) Next() time.Time {
	next := earlier(d.tablesDue, d.setsDue)
	for _, t := range d.tables {
		for _, f := range t.faults {
			if f.refused {
				next = earlier(next, f.until)
			}
		}
		if at, ok := t.chains.NextRetry(); ok {
			next = earlier(next, at)
		}
	}
	return earlier(next, d.sets.NextRetry())
}

// earlier is the earlier of two times of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }
