package interfaces

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"syscall"
	"time"
)

// Apply reads the kernel if need be, looks at the interfaces that have changed, and sets
// what differs. It returns when it is due again although nothing happens, zero for
// never; its own error is a failure to read links and addresses.
func (d *Driver) Apply(now time.Time) (next time.Time, err error) {
	if d.stale {
		if now.Before(d.retryAt) {
			return d.retryAt, nil
		}
		if err := d.resync(); err != nil {
			d.retryAt = now.Add(readRetry)
			return d.retryAt, err
		}
	}
	d.audit(now)
	if d.host.isDue(now) {
		d.forward(now)
	}
	for name := range d.fresh {
		d.desire(name)
		delete(d.fresh, name)
	}
	d.write(now)
	d.give(now)
	return d.nextDue(), nil
}

// readRetry is the pause after the kernel could not be read.
const readRetry = time.Second

func (d *Driver) resync() error {
	links, err := d.kernel.Links()
	if err != nil {
		return fmt.Errorf("%s interfaces: %w", d.family, err)
	}
	addresses, err := d.kernel.Addresses(d.family)
	if err != nil {
		return fmt.Errorf("%s interfaces: %w", d.family, err)
	}
	there := map[int]bool{}
	for _, l := range links {
		there[l.Index] = true
	}
	for index := range d.links {
		if !there[index] {
			d.linkGone(index)
		}
	}
	for _, l := range links {
		d.linkThere(l)
	}
	d.refresh()
	d.addresses.ObserveAll(func(yield func(addressKey, bool) bool) {
		for _, a := range addresses {
			if !d.isGateway(a) {
				continue
			}
			if !yield(addressKey{a.Link, a.Prefix}, !a.Tentative) {
				return
			}
		}
	})
	d.stale = false
	return nil
}

// isGateway says whether an address is one of those that pods use.
func (d *Driver) isGateway(a Address) bool {
	return d.settings.isPod(d.links[a.Link].Name) && slices.Contains(Gateways(d.family), a.Prefix)
}

// desiredValues are the sysctls of an interface.
func (d *Driver) desiredValues(name string) []value {
	values := slices.Clone(d.host.each)
	if d.settings.isPod(name) {
		values = slices.Concat(values, podValues(d.family), reversePath(d.family, !d.spoofing[name]))
	}
	for i, v := range values {
		values[i] = v.of(name)
	}
	return values
}

// desire reads an interface's sysctls, and says how they ought to be.
func (d *Driver) desire(name string) {
	if d.settings.Off {
		return
	}
	for _, v := range d.desiredValues(name) {
		k := valueKey{name, v.path}
		d.values.Desire(k, v.value)
		d.values.Retry(k)
		if have, err := d.sysctls.Read(v.path); err == nil {
			d.values.Observe(k, have)
		}
	}
	link := d.links[d.byName[name]]
	if !link.Up || !d.settings.isPod(name) {
		return
	}
	for _, p := range Gateways(d.family) {
		d.addresses.Desire(addressKey{link.Index, p}, true)
		d.addresses.Retry(addressKey{link.Index, p})
	}
}

// write sets the sysctls that differ, those of one interface in their order.
func (d *Driver) write(now time.Time) {
	todo := map[string]map[string]bool{}
	for k := range d.values.Updates(now) {
		if todo[k.link] == nil {
			todo[k.link] = map[string]bool{}
		}
		todo[k.link][k.path] = true
	}
	for _, link := range slices.Sorted(maps.Keys(todo)) {
		for _, v := range d.desiredValues(link) {
			if todo[link][v.path] && !d.set(link, v, now) {
				break
			}
		}
	}
}

// set sets one sysctl of an interface. It returns false if there is no such interface any
// more, which is no error.
func (d *Driver) set(link string, v value, now time.Time) bool {
	k := valueKey{link, v.path}
	err := d.sysctls.Write(v.path, v.value)
	switch {
	case err == nil:
		d.values.Observe(k, v.value)
	case errors.Is(err, fs.ErrNotExist) && d.hasLost(link):
		return false
	default:
		d.values.Fail(k, fmt.Errorf("interface %s: %s = %s: %w", link, v.path, v.value, err), now)
	}
	return true
}

// hasLost says whether an interface has gone, or goes by another name, of which the kernel's
// word is still on its way. It is forgotten then: under its new name, if it has one, that word
// brings it back. An interface may also be there and lack a sysctl, so the kernel is asked.
func (d *Driver) hasLost(name string) bool {
	links, err := d.kernel.Links()
	if err != nil || slices.ContainsFunc(links, func(l Link) bool { return l.Name == name }) {
		return false
	}
	d.linkGone(d.byName[name])
	return true
}

// give gives the interfaces the addresses that they lack. One that is there, but under
// duplicate address detection or refused by it, is replaced by one that is not.
func (d *Driver) give(now time.Time) {
	var add, remove []Address
	for k, c := range d.addresses.Updates(now) {
		a := Address{Link: k.link, Prefix: k.prefix, LinkScope: true, NoDAD: true}
		add = append(add, a)
		if c.Present {
			remove = append(remove, a)
		}
	}
	if len(add) == 0 {
		return
	}
	if len(remove) > 0 {
		d.kernel.RemoveAddresses(remove) // an address still there shows when it is added
	}
	for i, err := range d.kernel.AddAddresses(add) {
		k := addressKey{add[i].Link, add[i].Prefix}
		if err != nil && !errors.Is(err, syscall.EEXIST) {
			d.addresses.Fail(k, fmt.Errorf("interface %s: address %s: %w", d.links[k.link].Name, k.prefix, err), now)
			continue
		}
		d.addresses.Observe(k, true)
	}
}

func (d *Driver) nextDue() time.Time {
	var due []time.Time
	for _, next := range []func() (time.Time, bool){d.values.NextRetry, d.addresses.NextRetry, d.host.next, d.nextAudit} {
		if t, ok := next(); ok {
			due = append(due, t)
		}
	}
	if len(due) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(due, time.Time.Compare)
}
