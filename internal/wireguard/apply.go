package wireguard

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Apply reads the kernel if need be, and changes what differs. It returns when it is due again
// although nothing happens, zero for never. Its own error is about the tunnel as a whole, which
// is then closed: destinations behind peers are dropped by the routes that do not need the device.
func (d *Driver) Apply(now time.Time) (next time.Time, err error) {
	if now.Before(d.retryAt) {
		return d.retryAt, d.trouble
	}
	d.retryAt, d.trouble = time.Time{}, nil
	d.cleanUp(now)
	if d.settings.Off() {
		d.stale = false
		return d.due(), d.trouble
	}
	if d.stale {
		if err := d.resync(now); err != nil {
			d.fail(now, err)
		}
	}
	d.plan()
	// What a packet meets first comes last: a peer before the routes to it, these before the rule
	// that leads there; and the other way round for what goes.
	if d.link.Index != 0 {
		d.note(d.writePeers(now), d.writeAddresses(now))
		if err := d.greet(now); err != nil {
			d.fail(now, err)
		}
	}
	d.note(d.writeRoutes(now), d.writeRules(now))
	if d.link.Index != 0 {
		d.note(d.removePeers(now))
	}
	return d.due(), d.trouble
}

// note keeps the first of some errors; what has failed is due again by its own tracker.
func (d *Driver) note(errs ...error) {
	if d.trouble == nil {
		d.trouble = errors.Join(errs...)
	}
}

// fail has everything tried again after a while.
func (d *Driver) fail(now time.Time, err error) {
	d.trouble = fmt.Errorf("%v WireGuard device %s: %w", d.family, d.settings.Name, err)
	d.stale, d.retryAt = true, now.Add(readRetry)
}

func (d *Driver) due() time.Time {
	next := d.tracker.nextRetry()
	if d.link.Index != 0 && !d.greetAt.IsZero() && (next.IsZero() || d.greetAt.Before(next)) {
		next = d.greetAt
	}
	if !d.retryAt.IsZero() && (next.IsZero() || d.retryAt.Before(next)) {
		next = d.retryAt
	}
	return next
}

// resync finds out what there is, and makes the device if there is none. Routes and rules are
// read also if there can be no device: what they close is then closed.
func (d *Driver) resync(now time.Time) error {
	routes, err := d.kernel.Routes(d.settings.Table)
	if err != nil {
		return err
	}
	d.tracker.routes.ObserveAll(maps.All(routes))
	rules, err := d.kernel.Rules(d.settings.Priority)
	if err != nil {
		return err
	}
	// The other family's tunnel has the same priority, and a table of its own.
	rules = slices.DeleteFunc(rules, func(r Rule) bool { return r.Table != d.settings.Table })
	d.tracker.rules.ObserveAll(keySeq(rules))
	before := d.link.Index
	d.stale = false
	err = d.findDevice()
	if d.link.Index != before {
		d.touchAll() // routes name the device by its index
	}
	return err
}

// findDevice finds the device or makes it, and reads what it has.
func (d *Driver) findDevice() error {
	s := d.settings
	link, there, err := d.kernel.Link(s.Name)
	if err != nil {
		return err
	}
	d.link = Link{}
	switch {
	case !there:
		err = d.maker.Make(s.Name, s.MTU)
	case d.maker.Takes(link.Kind):
		err = d.maker.Attach(link)
	case link.Kind == kindKernel || link.Kind == kindTun && d.inSync: // the other way of having one
		err = errors.Join(d.maker.Remove(s.Name), d.maker.Make(s.Name, s.MTU))
	default:
		return fmt.Errorf("is taken by a device of another kind (%s), which is left alone", link.Kind)
	}
	if err != nil {
		return err
	}
	if link, there, err = d.kernel.Link(s.Name); err != nil || !there {
		return errors.Join(err, d.absent(there))
	}
	if err := d.configureDevice(link); err != nil {
		return err
	}
	link.Up, link.MTU = true, s.MTU
	d.link = link
	addresses, err := d.kernel.Addresses(link.Index)
	if err != nil {
		return err
	}
	d.tracker.addresses.ObserveAll(keySeq(addresses))
	return nil
}

func (d *Driver) absent(there bool) error {
	if there {
		return nil
	}
	return errors.New("is gone as soon as it was made")
}

// configureDevice sets what the device itself has, where it differs, and takes in its peers. Each
// field by itself: a new port, which may be taken, must not keep the key from being set.
func (d *Driver) configureDevice(link Link) error {
	s := d.settings
	have, err := d.tunnel.Read(s.Name)
	if err != nil {
		return err
	}
	var errs []error
	if have.Key != d.key {
		errs = append(errs, d.tunnel.Change(s.Name, Change{Key: &d.key}))
	}
	if have.Mark != s.Mark {
		errs = append(errs, d.tunnel.Change(s.Name, Change{Mark: &s.Mark}))
	}
	if !link.Up || link.MTU != s.MTU {
		errs = append(errs, d.kernel.SetLink(s.Name, s.MTU))
	}
	if have.Port != s.Port {
		if err := d.tunnel.Change(s.Name, Change{Port: &s.Port}); err != nil {
			errs = append(errs, fmt.Errorf("port %d: %w", s.Port, err))
		}
	}
	d.tracker.peers.ObserveAll(maps.All(have.Peers))
	return errors.Join(errs...)
}

// cleanUp takes away what is left of former settings, and of the tunnel when it is off, once the
// source is in sync.
func (d *Driver) cleanUp(now time.Time) {
	if !d.inSync {
		return
	}
	for len(d.former) > 0 {
		if err := d.removeTraces(d.former[0]); err != nil {
			d.fail(now, err)
			return
		}
		d.former = d.former[1:]
	}
}

// removeTraces removes the rules first: from then on the main table decides.
func (d *Driver) removeTraces(old Settings) error {
	rules, err := d.kernel.Rules(old.Priority)
	if err != nil {
		return err
	}
	var gone []Rule
	for _, r := range rules {
		if r.Table == old.Table && (d.settings.Off() || r.Priority != d.settings.Priority || r.Table != d.settings.Table) {
			gone = append(gone, r)
		}
	}
	if err := errors.Join(d.kernel.ChangeRules(nil, gone)...); err != nil {
		return err
	}
	if d.settings.Off() || old.Table != d.settings.Table {
		if err := d.emptyTable(old.Table); err != nil {
			return err
		}
	}
	if d.settings.Off() || old.Name != d.settings.Name {
		return d.maker.Remove(old.Name)
	}
	return nil
}

func (d *Driver) emptyTable(table uint32) error {
	routes, err := d.kernel.Routes(table)
	if err != nil {
		return err
	}
	var gone []KeyedRoute
	for k, r := range routes {
		gone = append(gone, KeyedRoute{k, r})
	}
	return errors.Join(d.kernel.ChangeRoutes(table, nil, gone)...)
}
