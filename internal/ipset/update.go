package ipset

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// never is a time for trackers whose objects are always due.
var never time.Time

// maxAttempts bounds how often Update tries again after a refusal, each time without one
// more set.
const maxAttempts = 20

// Update makes the sets that ought to be there, with all their members, by one run of ipset
// restore, or none if nothing differs. A set that is refused is noted in Problems, is not
// Ready, and is tried again later; the rest is written without it. An error means that
// ipset could not be run, or the sets not be read: Update is to be called again.
func (d *Driver) Update(now time.Time) error {
	var last error
	for range maxAttempts {
		if !d.observed {
			if err := d.Observe(); err != nil {
				return err
			}
		}
		s := d.plan(now)
		if len(s.lines) == 0 {
			d.done(s)
			return nil
		}
		err := d.restore(s.lines)
		if err == nil {
			d.done(s)
			return nil
		}
		last = err
		d.observed = false
		var refused *Refused
		if !errors.As(err, &refused) || refused.Line < 1 || refused.Line > len(s.owners) {
			return err
		}
		d.blame(s.owners[refused.Line-1], err, now)
	}
	return fmt.Errorf("%v IP sets: given up after %d attempts: %w", d.family, maxAttempts, last)
}

func (d *Driver) restore(lines []string) error {
	d.stats.Restores++
	d.stats.Lines += len(lines)
	return d.kernel.Restore([]byte(strings.Join(lines, "\n") + "\n"))
}

// script is what one run is to do: its lines, and the set that each is about.
type script struct {
	lines, owners []string
	// sets are those that will stand as they ought to afterwards.
	sets []string
}

func (s *script) do(owner string, words ...string) {
	s.lines = append(s.lines, strings.Join(words, " "))
	s.owners = append(s.owners, owner)
}

// plan compares what ought to be with what stands. It changes neither.
func (d *Driver) plan(now time.Time) *script {
	s := &script{}
	for _, name := range d.leftovers {
		s.do(name, "destroy", name)
	}
	exchanged := map[string]bool{}
	updates := map[string]Set{}
	for name, c := range d.sets.Updates(now) {
		if d.held(name, now) {
			continue
		}
		if c.Present && c.Have.Type != c.Want.Type {
			continue // no swap for these: Sweep makes room first
		}
		updates[name] = c.Want
		exchanged[name] = c.Present
	}
	for i, name := range slices.Sorted(maps.Keys(updates)) {
		target := name
		if exchanged[name] {
			target = fmt.Sprintf("%s%d", temporary(d.family), i)
		}
		want := updates[name]
		s.do(name, "create", target, string(want.Type), "family", protocol(d.family), "maxelem", fmt.Sprint(want.Size))
		for m := range d.contents[name].members.AllDesired() {
			s.do(name, "add", target, string(m))
		}
		if exchanged[name] {
			s.do(name, "swap", target, name)
			s.do(name, "destroy", target)
		}
		s.sets = append(s.sets, name)
	}
	for _, name := range slices.Sorted(maps.Keys(d.touched)) {
		if _, fresh := updates[name]; !fresh && !d.held(name, now) {
			d.planMembers(s, name)
		}
	}
	return s
}

// planMembers is the difference of the members of a set that stands.
func (d *Driver) planMembers(s *script, name string) {
	want, wanted := d.sets.Desired(name)
	have, stands := d.sets.Actual(name)
	if !wanted || !stands || want != have {
		return
	}
	c := d.contents[name]
	for m := range c.members.Deletions(never) {
		member, _, _ := strings.Cut(string(m), " ") // what follows are options that others have given it
		s.do(name, "del", name, member)
	}
	for m, change := range c.members.Updates(never) {
		if !change.Present {
			s.do(name, "add", name, string(m))
		}
	}
	s.sets = append(s.sets, name)
}

// done takes note of what has been written.
func (d *Driver) done(s *script) {
	d.leftovers = nil
	for _, name := range s.sets {
		want, _ := d.sets.Desired(name)
		d.sets.Observe(name, want)
		d.contents[name].settled()
		delete(d.touched, name)
		delete(d.faults, name)
	}
}

// Sweep destroys the sets that nobody wants, and those that must make way for another type.
// Rules that looked into them must be gone by now. It says whether Update has anything to do
// because of it. A set that is still referred to, by a rule of somebody else's, is tried
// again with the next Sweep after a read.
func (d *Driver) Sweep(now time.Time) (again bool, err error) {
	if !d.observed {
		return false, nil
	}
	var doomed []string
	for name := range d.sets.Deletions(now) {
		doomed = append(doomed, name)
	}
	for name, c := range d.sets.Updates(now) {
		if c.Present && c.Have.Type != c.Want.Type && !d.held(name, now) {
			doomed = append(doomed, name)
			again = true
		}
	}
	if len(doomed) == 0 {
		return false, nil
	}
	slices.Sort(doomed)
	s := &script{}
	for _, name := range doomed {
		s.do(name, "destroy", name)
	}
	gone, err := d.destroy(s, now)
	for _, name := range gone {
		d.forget(name)
	}
	return again && len(gone) > 0, err
}

// destroy destroys as many sets as go, and lists them.
func (d *Driver) destroy(s *script, now time.Time) (gone []string, err error) {
	for len(s.lines) > 0 {
		err := d.restore(s.lines)
		if err == nil {
			return append(gone, s.owners...), nil
		}
		var refused *Refused
		if !errors.As(err, &refused) || refused.Line < 1 || refused.Line > len(s.owners) {
			d.observed = false
			return gone, err
		}
		n := refused.Line
		gone = append(gone, s.owners[:n-1]...)
		if _, wanted := d.sets.Desired(s.owners[n-1]); wanted {
			d.blame(s.owners[n-1], err, now)
		} else {
			d.sets.Hold(s.owners[n-1], err, now, now.Add(d.retry(1)))
		}
		s.lines, s.owners = s.lines[n:], s.owners[n:]
	}
	return gone, nil
}

// forget takes note that a set does not stand any more.
func (d *Driver) forget(name string) {
	d.sets.ObserveGone(name)
	if _, wanted := d.sets.Desired(name); !wanted {
		delete(d.contents, name)
		delete(d.touched, name)
		return
	}
	d.contents[name].observe(func(func(Member) bool) {})
	d.touched[name] = struct{}{}
}

// RemoveAll destroys all sets of the family that are ours, as far as nobody else's rule looks
// into them. No set must have been declared.
func (d *Driver) RemoveAll() error {
	if err := d.Update(never); err != nil {
		return err
	}
	_, err := d.Sweep(never)
	return err
}
