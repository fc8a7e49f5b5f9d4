package ipip

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
)

// Apply reads the kernel if need be, and makes the smallest change from what is to what is
// desired. It returns when it is due again although nothing happens, zero for never; its own
// error is a failure to read.
func (d *Driver) Apply(now time.Time) (next time.Time, err error) {
	// A device is made in one round, and brought up in the next, once its index is known.
	const rounds = 3
	for range rounds {
		if now.Before(d.retryAt) {
			return d.retryAt, nil
		}
		if d.stale {
			if err := d.read(); err != nil {
				d.retryAt = now.Add(readRetry)
				return d.retryAt, fmt.Errorf("device %s: %w", Device, err)
			}
			d.retryAt = time.Time{}
		}
		d.round(now)
		if !d.stale {
			break
		}
	}
	return d.nextDue(), nil
}

// readRetry is the pause after the kernel could not be read.
const readRetry = time.Second

// read reads links and addresses.
func (d *Driver) read() error {
	links, err := d.kernel.Links()
	if err != nil {
		return err
	}
	addresses, err := d.kernel.Addresses(family.V4)
	if err != nil {
		return err
	}
	d.links, d.addresses = map[int]Link{}, map[addressKey]bool{}
	for _, l := range links {
		d.links[l.Index] = l
	}
	for _, a := range addresses {
		d.addresses[addressKey{a.Link, a.Prefix}] = true
	}
	d.stale = false
	d.observe()
	return nil
}

func (d *Driver) round(now time.Time) {
	d.observe() // which addresses are ours depends on what is wanted
	d.desire()
	if d.reason == "" {
		d.device.Update(now, d.putDevice)
	}
	if l, there := d.standing(); there && l.Kind == kind && !d.stale {
		d.writeAddresses(l.Index, now)
		d.putDown(l)
	}
}

// desire says what device and what address ought to be there. A device that cannot be, for
// want of the node's address, is left as it stands.
func (d *Driver) desire() {
	for p := range d.held.AllDesired() {
		if p.Addr() != d.own.Tunnel || !d.wanted() {
			d.held.Undesire(p)
			break // there is one at most
		}
	}
	d.reason = ""
	if !d.wanted() {
		d.device.Undesire(Device)
		return
	}
	mtu, ok := d.mtu()
	if !ok {
		d.reason = fmt.Sprintf("no interface has the node's address %s", d.own.Node)
		return
	}
	d.device.Desire(Device, Link{Name: Device, Kind: kind, Up: true, MTU: mtu})
	if d.own.Tunnel.IsValid() {
		d.given = family.HostPrefix(d.own.Tunnel)
		d.held.Desire(d.given, struct{}{})
	}
}

// mtu is that of the device; false if no link has the node's address.
func (d *Driver) mtu() (int, bool) {
	for k := range d.addresses {
		l, there := d.links[k.link]
		if !there || k.prefix.Addr() != d.own.Node || l.Name == Device {
			continue
		}
		switch {
		case d.settings.MTU != 0:
			return d.settings.MTU, true
		case !l.Loopback:
			return l.MTU - Overhead, true
		case d.settings.FallbackMTU != 0:
			return d.settings.FallbackMTU - Overhead, true
		}
		return 1500 - Overhead, true
	}
	return 0, false
}

// putDevice makes the device, or changes the one that stands. What it has done shows when the
// kernel is read again: until then it counts as not done.
func (d *Driver) putDevice(_ string, c reconcile.Change[Link]) error {
	l, there := d.standing()
	var err error
	switch {
	case there && l.Kind != kind:
		return fmt.Errorf("device %s: there is an interface of this name already, of kind %q, which is not ours", Device, l.Kind)
	case !there:
		d.stale = true
		if err = d.kernel.CreateLink(c.Want); errors.Is(err, syscall.EEXIST) {
			err = nil // the module, just loaded, has made it
		}
	case !d.inSync && l.Up:
		return reconcile.Later // the settings may not have been read
	default:
		d.stale = true
		want := l
		want.Up, want.MTU = c.Want.Up, c.Want.MTU
		err = d.kernel.ChangeLink(l, want)
	}
	switch {
	case errors.Is(err, syscall.EOPNOTSUPP):
		return fmt.Errorf("device %s: %w: the kernel has no module ipip", Device, err)
	case err != nil:
		return fmt.Errorf("device %s: %w", Device, err)
	}
	return reconcile.Later
}

// writeAddresses adds before it removes: the last address takes the routes along.
func (d *Driver) writeAddresses(link int, now time.Time) {
	d.held.Update(now, func(p netip.Prefix, _ reconcile.Change[struct{}]) error {
		err := d.kernel.AddAddresses([]Address{{Link: link, Prefix: p}})[0]
		if err != nil && !errors.Is(err, syscall.EEXIST) {
			return fmt.Errorf("device %s: address %s: %w", Device, p, err)
		}
		d.addresses[addressKey{link, p}] = true
		return nil
	})
	d.held.Delete(now, func(p netip.Prefix, _ struct{}) error {
		err := d.kernel.RemoveAddresses([]Address{{Link: link, Prefix: p}})[0]
		if err != nil && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return fmt.Errorf("device %s: remove address %s: %w", Device, p, err)
		}
		delete(d.addresses, addressKey{link, p})
		return nil
	})
}

// putDown puts down a device that we had up, once it is not wanted and nothing is left on it.
func (d *Driver) putDown(l Link) {
	if d.wanted() || !d.inSync || !d.given.IsValid() {
		return
	}
	for k := range d.addresses {
		if k.link == l.Index {
			return
		}
	}
	down := l
	down.Up = false
	if l.Up && d.kernel.ChangeLink(l, down) == nil {
		d.stale = true
	}
	d.given = netip.Prefix{}
}

func (d *Driver) nextDue() time.Time {
	due := d.retryAt
	for _, next := range []func() (time.Time, bool){d.device.NextRetry, d.held.NextRetry} {
		if t, ok := next(); ok && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	return due
}
