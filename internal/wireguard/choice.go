package wireguard

import "errors"

// Choice makes devices as it is set to: the kernel's, those in user space, or the kernel's where
// there are such and else the others. It is the Tunnel of both.
type Choice struct {
	Kernel    *Linux
	Control   *Control
	Userspace *Userspace
	// NoKernel and NoUserspace rule one way out.
	NoKernel    bool
	NoUserspace bool
}

// Takes implements Maker.
func (c Choice) Takes(kind string) bool {
	return !c.NoKernel && c.Kernel.Takes(kind) || !c.NoUserspace && c.Userspace.Takes(kind)
}

// Make implements Maker.
func (c Choice) Make(name string, mtu int) error {
	var err error = ErrUnsupported
	if !c.NoKernel {
		err = c.Kernel.Make(name, mtu)
	}
	if !c.NoUserspace && errors.Is(err, ErrUnsupported) {
		return c.Userspace.Make(name, mtu)
	}
	return err
}

// Attach implements Maker.
func (c Choice) Attach(l Link) error {
	if c.Userspace.Takes(l.Kind) {
		return c.Userspace.Attach(l)
	}
	return nil
}

// Remove implements Maker.
func (c Choice) Remove(name string) error { return c.Userspace.Remove(name) }

// Read implements Tunnel.
func (c Choice) Read(name string) (Device, error) { return c.tunnel(name).Read(name) }

// Change implements Tunnel.
func (c Choice) Change(name string, change Change) error { return c.tunnel(name).Change(name, change) }

func (c Choice) tunnel(name string) Tunnel {
	if c.Userspace.Has(name) {
		return c.Userspace
	}
	return c.Control
}
