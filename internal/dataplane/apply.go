package dataplane

import (
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
)

// component is the name under which a family reports its health.
func component(f family.Family) health.Component {
	return health.Component{Name: "dataplane", Family: f}
}

// apply lets every driver write what differs: policy first, which guards what routes
// then make reachable, both families in one transaction; then each family's routes. One
// driver's failure, or one family's, stops no other.
func (d *Dataplane) apply() {
	start := time.Now()
	d.due = time.Time{}
	policy := d.applyPolicy(start)
	d.applyTunnels(start)
	d.applyEncryption(start)
	for _, f := range family.All() {
		d.applyDevices(f, start)
		d.applyRoutes(f, start)
	}
	d.tell()
	d.report(start, policy)
}

// applyPolicy lets the backends write, and returns what the one in charge has failed with, or
// the one that is to take over.
func (d *Dataplane) applyPolicy(now time.Time) (errs family.Pair[error]) {
	for _, b := range d.backends {
		kind, repairs := b.kind().String(), b.report().repairs
		failed, next := b.apply(now)
		errs = failed
		if n := b.report().repairs - repairs; n > 0 {
			d.metrics.Dataplane.Repaired(kind, 0, n)
			d.log.WithField("backend", kind).Warn("Somebody else had changed our rules; they are as they should be again")
		}
		d.noteFailures(b.kind(), failed)
		if !next.IsZero() {
			d.retryAt(next)
		}
	}
	d.takeOver(errs)
	d.sweep(errs)
	return errs
}

// noteFailures notes the failure of the one table of nftables once, and that of iptables for
// each family.
func (d *Dataplane) noteFailures(k backendKind, errs family.Pair[error]) {
	if k.nftables {
		d.troubles.note(0, k.String(), errs.Get(family.V4))
		return
	}
	for _, f := range family.All() {
		d.troubles.note(f, k.String(), errs.Get(f))
	}
}

// retryAt makes the loop come round again at a time, if nothing else does before.
func (d *Dataplane) retryAt(t time.Time) {
	if d.due.IsZero() || t.Before(d.due) {
		d.due = t
	}
}

func (d *Dataplane) applyDevices(f family.Family, now time.Time) {
	next, err := d.devices.Get(f).Apply(now)
	d.troubles.note(f, "interfaces", err)
	if !next.IsZero() {
		d.retryAt(next)
	}
}

// applyRoutes does nothing where all routes are somebody else's (RouteSyncDisabled).
func (d *Dataplane) applyRoutes(f family.Family, now time.Time) {
	if d.settings.Routes.Off {
		return
	}
	next, err := d.routes.Get(f).Apply(now)
	d.troubles.note(f, "routes", err)
	if !next.IsZero() {
		d.retryAt(next)
	}
}

// tell hands the graph what the kernel shows of the CNI plugin's routes, and takes in
// what follows from it: a route that the graph has not heard of is not removed.
func (d *Dataplane) tell() {
	events := d.feed.Events()
	if len(events) == 0 || d.facts == nil {
		return
	}
	d.facts(events)
	d.gather()
	d.retryAt(time.Now())
}

// report says how the pass went: to health, metrics and, what is new, to the log.
func (d *Dataplane) report(start time.Time, policy family.Pair[error]) {
	now := time.Now()
	kind, backend := d.backends[0].kind().String(), d.backends[0].report()
	problems := backend.problems
	for _, f := range family.All() {
		driver := d.routes.Get(f)
		counts := driver.Counts()
		d.reportRepairs(f, counts.Repairs)
		d.metrics.Dataplane.InError("route", f, counts.Failed)
		d.metrics.Dataplane.InError("interface", f, d.devices.Get(f).Counts().Failed)
		d.metrics.Dataplane.InError(kind, f, countOf(problems, f))
		d.reportHealth(now, f, policy.Get(f))
		d.reportBackend(now, f, backend.conditions)
		d.reportErrors(now, f, counts.Failed+d.devices.Get(f).Counts().Failed+countOf(problems, f))
		d.reportLatency(now, f, policy.Get(f) == nil && (d.settings.Routes.Off || driver.Settled()))
		d.troubles.routes(f, driver)
		d.troubles.interfaces(f, d.devices.Get(f))
	}
	d.troubles.policy(kind, problems)
	d.metrics.Dataplane.Applied(now.Sub(start), len(d.troubles.known) > 0)
	written := policy.Get(family.V4) == nil && policy.Get(family.V6) == nil
	if written {
		d.since = time.Time{}
	}
	if d.inSync && written && !d.settled {
		d.settled = true
		d.metrics.Dataplane.FirstApplied(now.Sub(d.started))
	}
}

// reportRepairs says how many changes that others made to our routes have been undone.
func (d *Dataplane) reportRepairs(f family.Family, total uint64) {
	before := d.repairs.At(f)
	if n := total - *before; n > 0 {
		*before = total
		d.metrics.Dataplane.Repaired("route", f, int(n))
		d.log.WithFields(logrus.Fields{"family": f.String(), "routes": n}).Warn("Somebody else had changed routes of ours; they are as they should be again")
	}
}

// reportHealth says whether the family is served. Single objects in error are closed and
// named elsewhere; they do not make a node useless.
func (d *Dataplane) reportHealth(now time.Time, f family.Family, policy error) {
	switch c := component(f); {
	case policy != nil:
		d.health.NotReady(now, c, d.backends[0].kind().String()+": "+policy.Error())
	case !d.inSync:
		d.health.NotReady(now, c, "waiting for the source to be read in full")
	default:
		d.health.Ready(now, c)
	}
	conditions := d.routes.Get(f).Conditions()
	if len(conditions) == 0 {
		d.health.ClearCondition(sourceCondition, f)
	}
	for _, text := range conditions {
		d.health.SetCondition(now, health.Condition{Name: sourceCondition, Family: f, Status: health.False, Message: text})
	}
}

// reportBackend says what the node's operator ought to know of the backend.
func (d *Dataplane) reportBackend(now time.Time, f family.Family, conditions []condition) {
	var texts []string
	for _, c := range conditions {
		if c.families.Has(f) {
			texts = append(texts, c.text)
		}
	}
	if len(texts) == 0 {
		d.health.ClearCondition(backendCondition, f)
		return
	}
	d.health.SetCondition(now, health.Condition{
		Name: backendCondition, Family: f, Status: health.True, Message: strings.Join(texts, "; "),
	})
}

// backendCondition is about what our rules share with those of others.
const backendCondition = "PolicyBackendShared"

// reportErrors says how many objects of the family are not as they should be. The node
// serves all others.
func (d *Dataplane) reportErrors(now time.Time, f family.Family, n int) {
	if n == 0 {
		d.health.ClearCondition(errorCondition, f)
		return
	}
	d.health.SetCondition(now, health.Condition{
		Name: errorCondition, Family: f, Status: health.True,
		Message: fmt.Sprintf("%d objects in error; `agent dump status` lists them", n),
	})
}

// errorCondition is about objects that are in error, one by one.
const errorCondition = "ObjectsInError"

// sourceCondition is about the source address that is configured for routes to pods.
const sourceCondition = "RouteSourceAddressPresent"

// reportLatency records how long the oldest event has taken to get into the kernel.
func (d *Dataplane) reportLatency(now time.Time, f family.Family, settled bool) {
	if d.since.IsZero() || !d.settings.Support.Get(f) {
		d.metrics.Dataplane.OldestUnapplied(f, time.Time{})
		return
	}
	if settled {
		d.metrics.Dataplane.EventToKernel(f, now.Sub(d.since))
		d.metrics.Dataplane.OldestUnapplied(f, time.Time{})
		return
	}
	d.metrics.Dataplane.OldestUnapplied(f, d.since)
}
