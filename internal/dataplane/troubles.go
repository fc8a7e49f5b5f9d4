package dataplane

import (
	"iter"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/reconcile"
	"github.com/margay-net/margay/internal/routes"
)

// troubles logs what goes wrong when it begins and when it is over, and counts failures.
type troubles struct {
	log     *logrus.Entry
	metrics *metrics.Metrics
	// known are the troubles there were after the last pass.
	known map[trouble]string
}

// trouble names an object that is not as it should be. The zero Family is both.
type trouble struct {
	family family.Family
	kind   string
	object string
}

func newTroubles(log *logrus.Entry, m *metrics.Metrics) *troubles {
	return &troubles{log: log, metrics: m, known: map[trouble]string{}}
}

// note notes how a whole driver fares.
func (t *troubles) note(f family.Family, kind string, err error) {
	now := map[trouble]string{}
	if err != nil {
		now[trouble{f, kind, ""}] = err.Error()
		t.metrics.Dataplane.Failed(kind, f)
	}
	t.replace(func(k trouble) bool { return k.family == f && k.kind == kind && k.object == "" }, now)
}

// policy notes the objects of a kind of backend that are in error.
func (t *troubles) policy(kind string, problems []problem) {
	now := make(map[trouble]string, len(problems))
	for _, p := range problems {
		k := trouble{kind: kind, object: p.object}
		if fs := p.families.Families(); len(fs) == 1 {
			k.family = fs[0]
		}
		now[k] = p.err.Error()
	}
	t.replace(func(k trouble) bool { return k.kind == kind && k.object != "" }, now)
}

// routes notes the routes of a family that are in error.
func (t *troubles) routes(f family.Family, d *routes.Driver) {
	now := map[trouble]string{}
	for destination, status := range d.Errors() {
		now[trouble{f, "route", destination.String()}] = status.Err.Error()
	}
	t.replace(func(k trouble) bool { return k.family == f && k.kind == "route" }, now)
}

// interfaces notes what is in error about the interfaces of a family.
func (t *troubles) interfaces(f family.Family, d *interfaces.Driver) {
	now := map[trouble]string{}
	for name, status := range d.Errors() {
		now[trouble{f, "interface", name}] = status.Err.Error()
	}
	t.replace(func(k trouble) bool { return k.family == f && k.kind == "interface" }, now)
}

// objects notes the objects of one kind and family that are in error.
func (t *troubles) objects(f family.Family, kind string, failed iter.Seq2[string, reconcile.Status]) {
	now := map[trouble]string{}
	for name, status := range failed {
		now[trouble{f, kind, name}] = status.Err.Error()
	}
	t.replace(func(k trouble) bool { return k.family == f && k.kind == kind }, now)
}

// peers notes the nodes that cannot be WireGuard peers, and why.
func (t *troubles) peers(f family.Family, refused map[string]error) {
	now := map[trouble]string{}
	for node, err := range refused {
		now[trouble{f, "wireguard peer", node}] = err.Error()
	}
	t.replace(func(k trouble) bool { return k.family == f && k.kind == "wireguard peer" }, now)
}

// replace puts now in the place of the known troubles that mine picks.
func (t *troubles) replace(mine func(trouble) bool, now map[trouble]string) {
	for k := range t.known {
		if _, still := now[k]; mine(k) && !still {
			t.entry(k).Info("In order again")
			delete(t.known, k)
		}
	}
	for k, text := range now {
		if t.known[k] != text {
			t.entry(k).Error(text)
			t.known[k] = text
		}
	}
}

// lines are the troubles there are, one each, sorted.
func (t *troubles) lines() []string {
	var out []string
	for k, text := range t.known {
		who := "both families"
		if k.family != 0 {
			who = k.family.String()
		}
		out = append(out, strings.Join(strings.Fields(who+": "+k.kind+" "+k.object), " ")+": "+text)
	}
	slices.Sort(out)
	return out
}

func (t *troubles) entry(k trouble) *logrus.Entry {
	fields := logrus.Fields{"kind": k.kind}
	if k.family != 0 {
		fields["family"] = k.family.String()
	}
	if k.object != "" {
		fields["object"] = k.object
	}
	return t.log.WithFields(fields)
}
