package interfaces

import (
	"math/rand/v2"
	"time"
)

// The kernel tells of some sysctls that somebody has changed them (RTM_NEWNETCONF: forwarding,
// proxy ARP), and of most it does not (rp_filter, route_localnet, accept_ra, proxy_delay). For
// these there is a rare audit: everything is read again, and what differs is set. It costs a
// read of a few small files for each pod.

// audit marks everything to be looked at if the time has come.
func (d *Driver) audit(now time.Time) {
	every := d.settings.Audit
	if every <= 0 || d.settings.Off {
		d.auditAt = time.Time{}
		return
	}
	if !d.auditAt.IsZero() && now.Before(d.auditAt) {
		return
	}
	if !d.auditAt.IsZero() { // else everything is being read for the first time
		d.host.due = true
		d.refresh()
	}
	d.auditAt = now.Add(every - rand.N(every/auditSpread+1)) //nolint:gosec // nobody gains by guessing it
}

// auditSpread: an audit comes up to a tenth of the interval early, so that the nodes of one
// machine, or the pods of one test, do not all wake at once.
const auditSpread = 10

func (d *Driver) nextAudit() (time.Time, bool) { return d.auditAt, !d.auditAt.IsZero() }
