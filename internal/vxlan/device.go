package vxlan

import (
	"fmt"

	"github.com/margay-net/margay/internal/family"
)

// kind is what the kernel calls the driver of VXLAN devices.
const kind = "vxlan"

// wanted is the device that ought to be there. reason is why it cannot be, although it is
// wanted; neither device nor reason means that none is wanted.
func (d *Driver) wanted() (want Link, reason string) {
	if d.settings.Off || !d.own.Underlay.IsValid() {
		return Link{}, ""
	}
	parent, ok := d.Carrier(d.own.Underlay)
	if !ok {
		return Link{}, fmt.Sprintf("no interface has the node's address %s", d.own.Underlay)
	}
	want = Link{
		Name: d.name, Kind: kind, Up: true, NoLinkLocal: true, MTU: d.mtu(parent), MAC: d.own.MAC,
		VXLAN: VXLAN{
			VNI: d.settings.vni(), Port: d.settings.port(), Local: d.own.Underlay, Parent: parent.Index,
		},
	}
	if parent.Loopback {
		want.VXLAN.Parent = 0 // the routes decide which link is taken
	}
	return want, ""
}

// most is the MTU that the parent leaves to the device.
func (d *Driver) most(parent Link) int {
	mtu := parent.MTU
	if parent.Loopback {
		mtu = d.settings.FallbackMTU
		if mtu == 0 {
			mtu = 1500
		}
	}
	return mtu - Overhead(d.family)
}

func (d *Driver) mtu(parent Link) int {
	if d.settings.MTU == 0 {
		return d.most(parent)
	}
	return min(d.settings.MTU, d.most(parent))
}

// fixed are the parts of a device that only a new one can have otherwise.
func fixed(l Link) VXLAN { return l.VXLAN }

// desireDevice says what device ought to be there. One that cannot be, for want of the
// node's address, is left as it stands.
func (d *Driver) desireDevice() {
	want, reason := d.wanted()
	d.reason = reason
	switch {
	case reason != "":
		return
	case want.Name == "":
		d.device.Undesire(d.name)
	default:
		d.device.Desire(d.name, want)
	}
}

// Conditions are what is not as configured or as it should be, although nothing is in error
// for it.
func (d *Driver) Conditions() []string {
	want, reason := d.wanted()
	if reason != "" {
		return []string{fmt.Sprintf("device %s: %s", d.name, reason)}
	}
	if want.Name == "" {
		return nil
	}
	var out []string
	if d.settings.MTU > want.MTU {
		out = append(out, fmt.Sprintf("device %s: an MTU of %d does not fit into the underlay, which leaves %d", d.name, d.settings.MTU, want.MTU))
	}
	if want.MTU < MinimumIPv6MTU && d.own.Addresses.Get(family.V6).IsValid() {
		out = append(out, fmt.Sprintf("device %s: an MTU of %d is too small for IPv6, which needs %d: pods' IPv6 will not cross it", d.name, want.MTU, MinimumIPv6MTU))
	}
	return out
}
