package vxlan

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// read reads what is not known, or not known any more.
func (d *Driver) read() error {
	if d.stale {
		if err := d.readAll(); err != nil {
			return fmt.Errorf("device %s: %w", d.name, err)
		}
	}
	if d.fresh {
		if err := d.readDevice(); err != nil {
			return fmt.Errorf("device %s: %w", d.name, err)
		}
	}
	return nil
}

// readAll reads links and addresses.
func (d *Driver) readAll() error {
	links, err := d.kernel.Links()
	if err != nil {
		return err
	}
	d.links, d.addresses = map[int]Link{}, map[addressKey]Address{}
	for _, l := range links {
		d.links[l.Index] = l
	}
	for _, f := range family.All() {
		addresses, err := d.kernel.Addresses(f)
		if err != nil {
			return err
		}
		for _, a := range addresses {
			if !a.LinkScope {
				d.addresses[addressKey{a.Link, a.Prefix}] = a
			}
		}
	}
	d.observeDevice()
	d.stale, d.fresh, d.look = false, true, true
	return nil
}

// readDevice reads what is on the device. A device that has gone meanwhile has nothing.
func (d *Driver) readDevice() error {
	if d.index == 0 {
		d.fresh = false
		return nil
	}
	neighbours, entries, err := d.kernel.Neighbours(d.index)
	if err != nil && !errors.Is(err, syscall.ENODEV) {
		return err
	}
	d.fresh = false
	d.observeEntries(neighbours, entries)
	d.held.ObserveAll(func(yield func(netip.Prefix, bool) bool) {
		for k, a := range d.addresses {
			if k.link == d.index && !yield(k.prefix, !a.Tentative) {
				return
			}
		}
	})
	return nil
}

func (d *Driver) observeEntries(neighbours []Neighbour, entries []Forwarding) {
	d.neighbours.ObserveAll(func(yield func(netip.Addr, neighbour) bool) {
		for _, n := range neighbours {
			ours := n.Permanent && !n.Odd
			if ours && !yield(n.Address, neighbour{n.MAC, ours}) {
				return
			}
		}
	})
	d.forwarding.ObserveAll(func(yield func(model.MAC, forward) bool) {
		for _, e := range entries {
			if !yield(e.MAC, forward{e.Remote, e.Permanent && !e.Odd}) {
				return
			}
		}
	})
}
