package interfaces

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/margay-net/margay/internal/reconcile"
)

// host is the state of what makes the node forward.
type host struct {
	forwarding
	due    bool
	status reconcile.Status
	retry  time.Time
}

func (h *host) isDue(now time.Time) bool {
	return h.due || (h.status.State == reconcile.Failed && !now.Before(h.retry))
}

func (h *host) next() (time.Time, bool) { return h.retry, h.status.State == reconcile.Failed }

// forward makes the node forward. The steps are in an order: after one that fails, the
// later ones are left, since they could do harm without it.
func (d *Driver) forward(now time.Time) {
	h := &d.host
	h.due = false
	if d.settings.Off || d.settings.NoForwarding {
		h.status = reconcile.Status{State: reconcile.Done}
		return
	}
	err := d.tryForward()
	if err == nil {
		h.status = reconcile.Status{State: reconcile.Done}
		d.refresh()
		return
	}
	was := h.status
	h.status = reconcile.Status{State: reconcile.Failed, Err: err, Since: now, At: now, Failures: was.Failures + 1}
	if was.State == reconcile.Failed {
		h.status.Since = was.Since
	}
	h.retry = now.Add(reconcile.Backoff(firstRetry, lastRetry)(h.status.Failures))
}

func (d *Driver) tryForward() error {
	plan, err := planForwarding(d.family, d.sysctls, slices.Sorted(maps.Keys(d.byName)))
	if err != nil {
		return err
	}
	for _, v := range plan.host {
		have, err := d.sysctls.Read(v.path)
		if err == nil && have == v.value {
			continue
		}
		err = d.sysctls.Write(v.path, v.value)
		if errors.Is(err, fs.ErrNotExist) && v.isOfLink() {
			continue // it has gone, or goes by another name, since the plan was made
		}
		if err != nil {
			return fmt.Errorf("forwarding: %s = %s: %w", v.path, v.value, err)
		}
	}
	d.host.forwarding = plan
	return nil
}

// Forwarding tells whether the node has been made to forward.
func (d *Driver) Forwarding() reconcile.Status { return d.host.status }

// Status tells how far an interface has got: done when all of it is as it should be,
// with the first error if any.
func (d *Driver) Status(name string) reconcile.Status {
	index, there := d.byName[name]
	if !there {
		return reconcile.Status{State: reconcile.Pending, Err: fmt.Errorf("interface %s is not there", name)}
	}
	out := reconcile.Status{State: reconcile.Done}
	worse := func(s reconcile.Status) {
		if out.State != reconcile.Failed && s.State != reconcile.Done && s.State != reconcile.Unknown {
			out = s
		}
	}
	for _, v := range d.desiredValues(name) {
		worse(d.values.State(valueKey{name, v.path}))
	}
	for _, p := range Gateways(d.family) {
		worse(d.addresses.State(addressKey{index, p}))
	}
	if d.fresh[name] {
		worse(reconcile.Status{State: reconcile.Pending})
	}
	return out
}

// Errors lists what is in error, by name: a sysctl's path, an address with its interface,
// and "forwarding".
func (d *Driver) Errors() iter.Seq2[string, reconcile.Status] {
	return func(yield func(string, reconcile.Status) bool) {
		if s := d.host.status; s.State == reconcile.Failed && !yield("forwarding", s) {
			return
		}
		for k, s := range d.values.Errors() {
			if !yield(k.path, s) {
				return
			}
		}
		for k, s := range d.addresses.Errors() {
			if !yield(fmt.Sprintf("%s dev %s", k.prefix, d.links[k.link].Name), s) {
				return
			}
		}
	}
}

// Counts are numbers for metrics: of sysctls and addresses together.
func (d *Driver) Counts() reconcile.Counts {
	a, b := d.values.Counts(), d.addresses.Counts()
	return reconcile.Counts{
		Pending: a.Pending + b.Pending, Done: a.Done + b.Done,
		Unwanted: a.Unwanted + b.Unwanted, Failed: a.Failed + b.Failed,
	}
}

// Desired is what ought to be set, a line for each sysctl and address, sorted.
func (d *Driver) Desired() []string {
	var out []string
	for k, v := range d.values.AllDesired() {
		out = append(out, k.path+" = "+v)
	}
	for k := range d.addresses.AllDesired() {
		out = append(out, fmt.Sprintf("%s dev %s", k.prefix, d.links[k.link].Name))
	}
	slices.Sort(out)
	return out
}
