package wireguard

import (
	"maps"
	"slices"
	"time"
)

// A packet alone may begin no session for a while. The other end takes no notice of an attempt that comes
// before it knows our key; of a session that it has forgotten, nobody takes notice for 15 s; and of two
// attempts that cross each other each ends the other. The next attempt comes after 5 s only
// (REKEY_TIMEOUT, section 6 of the WireGuard paper), and none that is asked for before.
//
// So of two nodes one begins as soon as it knows the other one, whether there is traffic or not; and
// where there is no session a little later, it forgets the attempt with the peer and begins anew. The
// other one does so later still, which is long enough for the two not to meet.

// greetAgain is when a new peer is looked at again, by the end that begins; the other one takes
// twice as long.
const greetAgain = 300 * time.Millisecond

// begins says which of the two ends of a session begins it.
func (d *Driver) begins(peer Key) bool { return compareKeys(d.nodes.own, peer) < 0 }

// expect has new peers looked at again.
func (d *Driver) expect(peers []Key, now time.Time) {
	for _, k := range peers {
		at := now.Add(greetAgain)
		if !d.begins(k) {
			at = at.Add(greetAgain)
		}
		d.fresh[k] = at
		if d.greetAt.IsZero() || at.Before(d.greetAt) {
			d.greetAt = at
		}
	}
}

// expected are the new peers whose time has come.
func (d *Driver) expected(now time.Time) (out []Key) {
	d.greetAt = time.Time{}
	for k, at := range d.fresh {
		switch {
		case !now.Before(at):
			out = append(out, k)
			delete(d.fresh, k)
		case d.greetAt.IsZero() || at.Before(d.greetAt):
			d.greetAt = at
		}
	}
	return out
}

// greet looks at new peers when it is time.
func (d *Driver) greet(now time.Time) error {
	if d.greetAt.IsZero() || now.Before(d.greetAt) {
		return nil
	}
	fresh := d.expected(now)
	device, err := d.tunnel.Read(d.settings.Name)
	if err != nil {
		return err
	}
	again := Change{Peers: map[Key]Peer{}}
	for _, k := range fresh {
		want, wanted := d.tracker.peers.Desired(k)
		if have, there := device.Peers[k]; !there || !wanted || !have.Handshake.IsZero() {
			continue
		}
		again.meet(k, want)
	}
	if len(again.Peers) == 0 {
		return nil
	}
	// A peer in the place of one of the same key would still know of the attempt.
	if err := d.tunnel.Change(d.settings.Name, Change{Gone: slices.Collect(maps.Keys(again.Peers))}); err != nil {
		return err
	}
	return d.tunnel.Change(d.settings.Name, again)
}

// meet puts a peer and greets it. One that is sent keep-alives is sent the first at once.
func (c *Change) meet(k Key, p Peer) {
	c.Peers[k] = p
	if p.KeepAlive == 0 {
		c.Greet = append(c.Greet, k)
	}
}
