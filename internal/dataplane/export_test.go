package dataplane

import (
	"time"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/wireguard"
)

// RulesSettings are the settings as policy looks at them, for the tests' oracle.
func RulesSettings(s *config.Settings) rules.Settings { return rulesSettings(s) }

// Backends are those that have anything in the calling thread's namespaces, as one looks for
// leftovers.
func Backends() (out []string, err error) {
	found, err := findLeftovers(&iptables.Probe{})
	for _, l := range found {
		out = append(out, l.String())
	}
	return out, err
}

// AuditEncryption has the tunnels' keys and peers read again, as if it were time for it. It returns
// when that is done.
func (d *Dataplane) AuditEncryption() {
	for range 2 { // after the first answer the pass begins, before the second it is over
		d.Ask(func() {
			d.encryption.each(func(_ family.Family, t *encrypted) { t.audit = time.Time{} })
		})
	}
}

// ChangeTunnel changes a device behind the driver's back, as wg(8) could.
func (d *Dataplane) ChangeTunnel(f family.Family, change func(wireguard.Device) wireguard.Change) (err error) {
	d.Ask(func() {
		name, tunnel := d.settings.Wireguard.Interface.Get(f), d.encryption.choice(d.encryption.open.Get(f))
		var device wireguard.Device
		if device, err = tunnel.Read(name); err == nil {
			err = tunnel.Change(name, change(device))
		}
	})
	return err
}

// PublicKey is that of this node's tunnel of a family; zero for none.
func (d *Dataplane) PublicKey(f family.Family) (key wireguard.Key) {
	d.Ask(func() {
		if t := d.encryption.open.Get(f); t != nil {
			key = t.key.Public()
		}
	})
	return key
}

// Silent are the peers that do not answer.
func Silent(before, after map[string]wireguard.Peer, now time.Time) []string {
	return silent(before, after, now)
}
