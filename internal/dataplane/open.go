package dataplane

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/margay-net/margay/internal/conntrack"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/routes"
)

// open opens all that the drivers need of the kernel.
func (d *Dataplane) open(keys func(family.Pair[model.WireguardKey])) error {
	var err error
	if d.claim, err = claim(); err != nil {
		return err
	}
	if err := d.openFirst(); err != nil {
		return err
	}
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
	d.encryption = newEncryption(d.tunnels, keys, func(f family.Family, text string) {
		d.log.WithField("family", f.String()).Warn("WireGuard in user space: " + text)
	})
	d.encryption.configure(d.settings)
	d.watcher, err = watch(&d.linux)
	return err
}

// openFirst opens the backend that is in charge from the start. Where another one has left
// something, that guards the node until the sources have been read.
func (d *Dataplane) openFirst() error {
	b, err := d.openBackend(d.settings)
	if err != nil {
		return err
	}
	d.backends, d.asked = []backend{b}, askedBy(d.settings)
	b.configure(d.settings)
	found, err := findLeftovers(d.probe, b.kind())
	if err != nil {
		return err
	}
	if len(found) > 0 {
		b.hold()
	}
	return nil
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

// close gives back what open has opened. The kernel keeps what was written.
func (d *Dataplane) close() error {
	var errs []error
	if d.watcher != nil {
		d.watcher.close()
	}
	for _, b := range d.backends {
		errs = append(errs, b.close())
	}
	if d.conntrack != nil {
		errs = append(errs, d.conntrack.Close())
	}
	if d.claim != nil {
		errs = append(errs, d.claim.Close())
	}
	errs = append(errs, d.encryption.close(), d.tunnels.close())
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
