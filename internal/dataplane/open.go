package dataplane

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/margay-net/margay/internal/conntrack"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/routes"
)

// open opens all that the drivers need of the kernel.
func (d *Dataplane) open() error {
	var err error
	if d.claim, err = claim(); err != nil {
		return err
	}
	if d.nftables, err = nftables.OpenNetlink(tableName); err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	d.table = nftables.New(nftables.Options{Name: tableName, Kernel: d.nftables, Closed: render.Closed(rulesSettings(d.settings))})
	if d.conntrack, err = conntrack.Open(); err != nil {
		return fmt.Errorf("open conntrack: %w", err)
	}
	for _, f := range family.All() {
		if err := d.openFamily(f); err != nil {
			return fmt.Errorf("open %v: %w", f, err)
		}
	}
	if d.tunnels, err = openTunnels(d.settings); err != nil {
		return fmt.Errorf("open tunnels: %w", err)
	}
	d.watcher, err = watch(&d.linux)
	return err
}

func (d *Dataplane) openFamily(f family.Family) error {
	linux, err := routes.OpenLinux()
	if err != nil {
		return err
	}
	*d.linux.At(f) = linux
	*d.routes.At(f) = routes.New(routes.Options{Family: f, Kernel: linux, Flusher: d.conntrack, Feed: d.feed, Settings: routeSettings(d.settings, f)})
	ports, err := interfaces.OpenLinux()
	if err != nil {
		return err
	}
	*d.ports.At(f) = ports
	sysctls := cmp.Or(interfaces.Tree(d.settings.Interfaces.Sysctls), interfaces.ProcSys)
	*d.devices.At(f) = interfaces.New(interfaces.Options{Family: f, Kernel: ports, Sysctls: sysctls, Settings: interfaceSettings(d.settings, f)})
	return nil
}

// tableName is the table that is ours: inet calico.
const tableName = "calico"

// close gives back what open has opened. The kernel keeps what was written.
func (d *Dataplane) close() error {
	var errs []error
	if d.watcher != nil {
		d.watcher.close()
	}
	if d.nftables != nil {
		errs = append(errs, d.nftables.Close())
	}
	if d.conntrack != nil {
		errs = append(errs, d.conntrack.Close())
	}
	if d.claim != nil {
		errs = append(errs, d.claim.Close())
	}
	errs = append(errs, d.tunnels.close())
	for _, f := range family.All() {
		if l := d.linux.Get(f); l != nil {
			errs = append(errs, l.Close())
		}
		if l := d.ports.Get(f); l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}
