package vxlan

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/margay-net/margay/internal/reconcile"
)

// Apply reads the kernel if need be, and makes the smallest change from what is to what is
// desired: the device, its settings, its addresses, then its entries. It returns when it is
// due again although nothing happens, zero for never; its own error is a failure to read.
func (d *Driver) Apply(now time.Time) (next time.Time, err error) {
	// A device is made in one round, and brought up in the next, once its index is known.
	const rounds = 3
	d.audit(now)
	for range rounds {
		if now.Before(d.retryAt) {
			return d.retryAt, nil
		}
		if err := d.read(); err != nil {
			d.retryAt = now.Add(readRetry)
			return d.retryAt, err
		}
		d.retryAt = time.Time{}
		d.round(now)
		if !d.stale && !d.fresh {
			break
		}
	}
	return d.nextDue(), nil
}

// readRetry is the pause after the kernel could not be read.
const readRetry = time.Second

func (d *Driver) round(now time.Time) {
	if d.desireDevice(); d.reason != "" {
		return
	}
	d.writeValues(now)
	d.device.Update(now, d.putDevice)
	d.device.Delete(now, func(_ string, have Link) error { return d.removeDevice(have) })
	if d.index == 0 || d.stale {
		return
	}
	d.writeAddresses(now)
	d.writeEntries(now)
}

// putDevice makes the device, or changes the one that stands. What it has done shows when
// the kernel is read again: until then it counts as not done.
func (d *Driver) putDevice(_ string, c reconcile.Change[Link]) error {
	if l, there := d.standing(); there && l.Kind != kind {
		return fmt.Errorf("device %s: there is an interface of this name already, of kind %q, which is not ours", d.name, l.Kind)
	}
	c.Have.Index = d.index // the tracker does not tell one index from another
	switch {
	case !c.Present:
		return d.rewrite("create", Write{Link: &c.Want})
	case !d.mayAlter(c.Have):
		return reconcile.Later
	case fixed(c.Have) != fixed(c.Want):
		return d.rewrite("replace", Write{Delete: true, Link: &c.Have}, Write{Link: &c.Want})
	}
	return d.change(c.Have, c.Want)
}

// mayAlter says whether a device that stands may be altered: before the source has been read
// in full, one that may be in use is left as it is.
func (d *Driver) mayAlter(have Link) bool { return d.inSync || !have.Up }

// change alters the device in place. How it makes addresses is set before it comes up.
func (d *Driver) change(have, want Link) error {
	want.Index = have.Index
	prepared := want
	prepared.Up = have.Up
	writes := []Write{{Link: &prepared, Have: have}}
	if prepared != want {
		writes = append(writes, Write{Link: &want, Have: prepared})
	}
	return d.rewrite("change", writes...)
}

// rewrite makes changes of the device and has all of it read again.
func (d *Driver) rewrite(what string, writes ...Write) error {
	d.stale = true
	for _, err := range d.kernel.Write(writes) {
		if err != nil {
			return fmt.Errorf("device %s: %s: %w", d.name, what, missing(err))
		}
	}
	return reconcile.Later
}

// missing says what the kernel's refusal of a kind of device means.
func missing(err error) error {
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return fmt.Errorf("%w (the kernel has no module vxlan)", err)
	}
	return err
}

func (d *Driver) removeDevice(have Link) error {
	d.stale, have.Index = true, d.index
	err := d.kernel.Write([]Write{{Delete: true, Link: &have}})[0]
	if err != nil && !errors.Is(err, syscall.ENODEV) {
		return fmt.Errorf("device %s: remove: %w", d.name, err)
	}
	return nil
}

// writeAddresses adds before it removes: the last IPv4 address takes the routes along.
func (d *Driver) writeAddresses(now time.Time) {
	var writes []Write
	for p, c := range d.held.Updates(now) {
		a := &Address{Link: d.index, Prefix: p, NoDAD: true}
		if c.Present { // tentative, or refused as a duplicate: it does not get better
			writes = append(writes, Write{Delete: true, Address: a})
		}
		writes = append(writes, Write{Address: a})
	}
	for p := range d.held.Deletions(now) {
		writes = append(writes, Write{Delete: true, Address: &Address{Link: d.index, Prefix: p}})
	}
	d.execute(writes, now)
}

func (d *Driver) writeEntries(now time.Time) {
	var writes []Write
	for mac, c := range d.forwarding.Updates(now) {
		writes = append(writes, Write{Forwarding: &Forwarding{Link: d.index, MAC: mac, Remote: c.Want.remote, Permanent: true}})
	}
	for a, c := range d.neighbours.Updates(now) {
		writes = append(writes, Write{Neighbour: &Neighbour{Link: d.index, Address: a, MAC: c.Want.mac, Permanent: true}})
	}
	for a := range d.neighbours.Deletions(now) {
		writes = append(writes, Write{Delete: true, Neighbour: &Neighbour{Link: d.index, Address: a}})
	}
	for mac := range d.forwarding.Deletions(now) {
		writes = append(writes, Write{Delete: true, Forwarding: &Forwarding{Link: d.index, MAC: mac}})
	}
	d.execute(writes, now)
}

// execute makes changes of what is on the device, and tells the trackers what has become
// of each.
func (d *Driver) execute(writes []Write, now time.Time) {
	if len(writes) == 0 {
		return
	}
	for i, err := range d.kernel.Write(writes) {
		w := writes[i]
		switch {
		case w.Address != nil:
			settle(d.held, w.Address.Prefix, true, w.Delete, err, "address", now)
			d.note(*w.Address)
		case w.Neighbour != nil:
			settle(d.neighbours, w.Neighbour.Address, neighbour{w.Neighbour.MAC, true}, w.Delete, err, "neighbour", now)
		case w.Forwarding != nil:
			settle(d.forwarding, w.Forwarding.MAC, forward{w.Forwarding.Remote, true}, w.Delete, err, "forwarding entry", now)
		}
	}
}

// settle tells a tracker what has become of a write. What was to go and is not there, or was
// to come and is, is as it should be.
func settle[K comparable, V any](t *reconcile.Tracker[K, V], k K, v V, gone bool, err error, what string, now time.Time) {
	if gone && isAbsent(err) || !gone && errors.Is(err, syscall.EEXIST) {
		err = nil
	}
	switch {
	case err != nil:
		t.Fail(k, fmt.Errorf("%s %v: %w", what, k, err), now)
	case gone:
		t.ObserveGone(k)
	default:
		t.Observe(k, v)
	}
}

func isAbsent(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.ENODEV)
}

// note keeps what is known of all addresses in line with what the device holds.
func (d *Driver) note(a Address) {
	k := addressKey{a.Link, a.Prefix}
	if _, there := d.held.Actual(a.Prefix); there {
		d.addresses[k] = a
	} else {
		delete(d.addresses, k)
	}
}

func (d *Driver) nextDue() time.Time {
	due := d.retryAt
	if due.IsZero() {
		due = d.auditAt
	}
	for _, next := range []func() (time.Time, bool){
		d.device.NextRetry, d.values.NextRetry, d.held.NextRetry, d.neighbours.NextRetry, d.forwarding.NextRetry,
	} {
		if t, ok := next(); ok && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	return due
}
