package dataplane

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/reconcile"
)

// status says how far everything has got: a line for each family, one for each endpoint
// and family that it has an address of, and one for each object that is not in order.
func (d *Dataplane) status() string {
	var out strings.Builder
	for _, f := range family.All() {
		counts := d.routes.Get(f).Counts()
		fmt.Fprintf(&out, "%v: on=%v in-sync=%v routes done=%d pending=%d failed=%d waiting=%d\n",
			f, d.settings.Support.Get(f), d.inSync, counts.Done, counts.Pending, counts.Failed, d.routes.Get(f).Waiting())
		for _, text := range d.routes.Get(f).Conditions() {
			fmt.Fprintf(&out, "%v: %s\n", f, text)
		}
	}
	out.WriteString(d.tunnels.status())
	out.WriteString(d.encryption.status(time.Now()))
	endpoints := d.managers.Get(family.V4).endpoints // both managers have the same
	for _, id := range slices.SortedFunc(maps.Keys(endpoints), model.Key.Compare) {
		d.endpointStatus(&out, endpoints[id])
	}
	for _, line := range d.troubles.lines() {
		fmt.Fprintln(&out, line)
	}
	return out.String()
}

// endpointStatus is a line for each family that the endpoint has an address of, or one
// that says that it has none.
func (d *Dataplane) endpointStatus(out *strings.Builder, ep *model.LocalEndpoint) {
	none := true
	for _, f := range family.All() {
		a := ep.Addresses.Get(f)
		if !a.IsValid() || !d.settings.Support.Get(f) {
			continue
		}
		none = false
		fmt.Fprintf(out, "%v %s %v: policy %v, route %v, interface %v\n", ep.ID, ep.Interface, a,
			d.policyStatus(f, ep), d.routes.Get(f).Status(family.HostPrefix(a)), d.devices.Get(f).Status(ep.Interface))
	}
	if none {
		fmt.Fprintf(out, "%v %s: no address of a family that is on\n", ep.ID, ep.Interface)
	}
}

// policyStatus is that of the endpoint's own chains and of those of its policies: the
// first that is not done.
func (d *Dataplane) policyStatus(f family.Family, ep *model.LocalEndpoint) reconcile.Status {
	m := d.managers.Get(f)
	keys := []part{endpointPart(ep.ID), directionPart(ep.ID, model.Ingress), directionPart(ep.ID, model.Egress)}
	for i := range ep.Tiers {
		for _, id := range slices.Concat(ep.Tiers[i].Ingress, ep.Tiers[i].Egress) {
			keys = append(keys, policyPart(id))
		}
	}
	for _, v := range m.policyIn {
		for _, key := range keys {
			if s := v.status(key); s.State != reconcile.Done {
				return s
			}
		}
	}
	return reconcile.Status{State: reconcile.Done}
}
