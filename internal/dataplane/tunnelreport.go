package dataplane

import (
	"fmt"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/reconcile"
)

// applyTunnels makes devices and what leads through them, before the routes that do.
func (d *Dataplane) applyTunnels(now time.Time) {
	due, errs := d.tunnels.apply(now)
	for _, f := range family.All() {
		d.troubles.note(f, "tunnels", errs.Get(f))
	}
	if !due.IsZero() {
		d.retryAt(due)
	}
	if d.inSync {
		d.tunnels.measure()
	}
	d.reportTunnels(now)
}

// reportTunnels says how the tunnels fare: to health, metrics and, what is new, to the log.
func (d *Dataplane) reportTunnels(now time.Time) {
	t := d.tunnels
	for _, f := range family.All() {
		driver := t.vxlan.Get(f)
		counts := driver.Counts()
		failed, repairs := counts.Failed, counts.Repairs
		missing := t.missing(f)
		d.troubles.objects(f, "tunnel", driver.Errors())
		if f == family.V4 {
			failed += t.ipip.Counts().Failed
			repairs += t.ipip.Counts().Repairs
			d.troubles.objects(f, "ipip", t.ipip.Errors())
		}
		d.metrics.Dataplane.InError("tunnel", f, failed)
		if n := repairs - t.repairs.Get(f); n > 0 {
			*t.repairs.At(f) = repairs
			d.metrics.Dataplane.Repaired("tunnel", f, int(n))
		}
		d.condition(now, tunnelCondition, f, missing)
	}
	d.reportMTU(now)
}

// tunnelCondition is about tunnels over a family that are not as they should be.
const tunnelCondition = "TunnelsUsable"

// missing is why tunnels over a family are not as wanted, in words for the operator.
func (t *tunnels) missing(f family.Family) []string {
	var out []string
	own := forced(t.settings, t.own.Get(f))
	driver := t.vxlan.Get(f)
	if own.VXLAN && own.VTEP.Node == "" && t.settings.Support.Get(f) {
		out = append(out, fmt.Sprintf("device %s: the node has no tunnel address of %v yet", driver.Name(), f))
	}
	if s := driver.Device(); s.State == reconcile.Failed {
		out = append(out, s.Err.Error())
	}
	out = append(out, driver.Conditions()...)
	if f == family.V4 {
		if s := t.ipip.Status(); s.Err != nil {
			out = append(out, s.Err.Error())
		}
	}
	return out
}

// condition sets a condition of what does not hold, or clears it if nothing is to be said.
func (d *Dataplane) condition(now time.Time, name string, f family.Family, texts []string) {
	if len(texts) == 0 {
		d.health.ClearCondition(name, f)
		return
	}
	d.health.SetCondition(now, health.Condition{Name: name, Family: f, Status: health.False, Message: strings.Join(texts, "; ")})
}

// status is a line for each tunnel that is wanted, and one for the pods' MTU.
func (t *tunnels) status() string {
	var out strings.Builder
	for _, f := range family.All() {
		driver := t.vxlan.Get(f)
		if forced(t.settings, t.own.Get(f)).VXLAN {
			c := driver.Counts()
			fmt.Fprintf(&out, "%s: %v, carries %v, MTU %d, done=%d pending=%d failed=%d, checksum offload %s\n",
				driver.Name(), driver.Device(), driver.Carries(), driver.MTU(), c.Done, c.Pending, c.Failed, driver.Offload())
		}
	}
	if forced(t.settings, t.own.Get(family.V4)).IPIP {
		fmt.Fprintf(&out, "tunl0: %v, MTU %d\n", t.ipip.Status(), t.ipip.MTU())
	}
	if t.pods > 0 {
		fmt.Fprintf(&out, "pods: MTU %d\n", t.pods)
	}
	return out.String()
}

// lines are what the drivers want, or have, as ip(8) and bridge(8) print it.
func (t *tunnels) lines(desired bool) string {
	var out strings.Builder
	print := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&out, "# %s\n%s\n", title, strings.Join(lines, "\n"))
		}
	}
	for _, f := range family.All() {
		lines := t.vxlan.Get(f).Actual
		if desired {
			lines = t.vxlan.Get(f).Desired
		}
		print("VXLAN over "+f.String(), lines())
	}
	lines := t.ipip.Actual
	if desired {
		lines = t.ipip.Desired
	}
	print("IPIP", lines())
	return out.String()
}
