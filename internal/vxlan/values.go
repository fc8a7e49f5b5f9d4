package vxlan

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
)

// offload is the name of checksum offload among the values.
const offload = "checksum offload"

// desiredValues are the sysctls of the device, by path, and how checksums are made.
func (d *Driver) desiredValues() map[string]string {
	path := "net/ipv6/conf/" + d.name + "/"
	out := map[string]string{
		offload:             onOff(!d.settings.BrokenOffload),
		path + "accept_ra":  "0",
		path + "accept_dad": "0",
	}
	if d.own.Addresses.Get(family.V6).IsValid() {
		out[path+"disable_ipv6"] = "0"
	}
	return out
}

func onOff(on bool) string { return map[bool]string{true: "on", false: "off"}[on] }

// writeValues sets what differs. The kernel does not tell of these values: they are looked at
// when something else has happened to the device, and by a rare audit.
func (d *Driver) writeValues(now time.Time) {
	have, there := d.device.Actual(d.name)
	if !there || !d.mayAlter(have) {
		return
	}
	if d.look {
		d.readValues()
	}
	d.values.Update(now, func(name string, c reconcile.Change[string]) error {
		if err := d.writeValue(name, c.Want); err != nil {
			return fmt.Errorf("device %s: %s = %s: %w", d.name, name, c.Want, err)
		}
		return nil
	})
}

// audit has the values looked at if the time has come.
func (d *Driver) audit(now time.Time) {
	if d.settings.Audit == 0 || d.index == 0 {
		d.auditAt = time.Time{}
		return
	}
	if d.auditAt.IsZero() || !now.Before(d.auditAt) {
		d.look, d.auditAt = true, now.Add(d.settings.Audit)
	}
}

// readValues passes over what the kernel does not have, as one without IPv6 has no sysctls
// of it.
func (d *Driver) readValues() {
	d.look = false
	for name, want := range d.desiredValues() {
		have, err := d.readValue(name)
		if errors.Is(err, fs.ErrNotExist) {
			d.values.Undesire(name)
			d.values.ObserveGone(name)
			continue
		}
		d.values.Desire(name, want)
		d.values.Retry(name)
		if err == nil {
			d.values.Observe(name, have)
		}
	}
}

func (d *Driver) readValue(name string) (string, error) {
	if name != offload {
		return d.sysctls.Read(name)
	}
	on, err := d.kernel.Offload(d.name)
	return onOff(on), err
}

func (d *Driver) writeValue(name, want string) error {
	if name != offload {
		return d.sysctls.Write(name, want)
	}
	return d.kernel.SetOffload(d.name, want == "on")
}
