package dataplane

import (
	"net/netip"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/iptables/render"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/reconcile"
	"github.com/margay-net/margay/internal/rules"
)

// iptablesBackend is policy in iptables and ip6tables, of one variant.
type iptablesBackend struct {
	choice  iptables.Choice
	drivers family.Pair[*iptables.Driver]
	views   family.Pair[policyView]
	starter *iptables.Starter
	failed  family.Pair[failure]
	clash   string
}

// failure is a family that could not be written: why, how often in a row, and until when it
// is left alone.
type failure struct {
	err   error
	times int
	until time.Time
}

func openIptables(c iptables.Choice, s *config.Settings) *iptablesBackend {
	b := &iptablesBackend{choice: c, starter: iptables.NewStarter()}
	for _, f := range family.All() {
		d := iptables.New(iptables.Options{
			Family:  f,
			Kernel:  &iptables.Programs{Family: f, Variant: c.Variant, Patience: patience, Start: b.starter.Start},
			Sets:    &ipset.Programs{Patience: patience, Start: b.starter.Start},
			SetSize: s.Iptables.MaxIPSetMembers,
			Refresh: refreshOf(s),
		})
		*b.drivers.At(f) = d
		tables := render.In(d)
		*b.views.At(f) = newView(
			func(s *config.Settings) renderer[render.Part] { return render.New(f, rulesSettings(s), b.idiom(s)) },
			func(changes []change[render.Part]) {
				all := make([]render.Change, len(changes))
				for i, c := range changes {
					all[i] = render.Change(c)
				}
				tables.Put(all...)
			}, func(p render.Part) reconcile.Status { return stateOf(d, p) })
	}
	return b
}

// patience is how long one program may take. The loop waits for it.
const patience = 20 * time.Second

// idiom is what the settings ask of iptables in particular.
func (b *iptablesBackend) idiom(s *config.Settings) render.Idiom {
	marks, err := rules.AllocateMarks(s.Iptables.MarkMask)
	if err != nil { // the settings' own check allows no such mask
		marks, _ = rules.AllocateMarks(0xffff0000)
	}
	return render.Idiom{
		Marks:            marks,
		Last:             s.Iptables.Insert == config.Append,
		LeaveAllowed:     s.Iptables.Allow == config.Return,
		Reject:           s.Iptables.Deny == config.Reject,
		PredictablePorts: b.choice.PredictablePorts,
	}
}

func refreshOf(s *config.Settings) iptables.Refresh {
	return iptables.Refresh{Tables: s.Iptables.Refresh, Sets: s.Iptables.IPSetsRefresh, AfterWrite: s.Iptables.PostWriteCheck}
}

// stateOf is the state of the first of a part's chains that is not done.
func stateOf(d *iptables.Driver, p render.Part) reconcile.Status {
	for _, c := range p.Chains {
		if s := d.ChainStatus(c.Table, c.Name); s.State != reconcile.Done {
			return s
		}
	}
	return reconcile.Status{State: reconcile.Done}
}

func (b *iptablesBackend) kind() backendKind { return backendKind{variant: b.choice.Variant} }

func (b *iptablesBackend) view(f family.Family) policyView { return b.views.Get(f) }

func (b *iptablesBackend) configure(s *config.Settings) {
	b.clash = ""
	if marks, err := rules.AllocateMarks(s.Iptables.MarkMask); err == nil {
		b.clash = marks.Clash()
	}
	for _, f := range family.All() {
		b.drivers.Get(f).Configure(refreshOf(s), s.Iptables.MaxIPSetMembers)
	}
}

func (b *iptablesBackend) inSync() {
	for _, f := range family.All() {
		b.drivers.Get(f).InSync()
	}
}

func (b *iptablesBackend) hold() {
	for _, f := range family.All() {
		b.drivers.Get(f).Hold()
	}
}

// apply lets both drivers work at the same time: programs take their time, and one that hangs
// is not to keep the other family waiting for longer than that. A family that has failed is
// left alone for a while, each time longer.
func (b *iptablesBackend) apply(now time.Time) (errs family.Pair[error], next time.Time) {
	var runs []func()
	var outcomes family.Pair[func() error]
	for _, f := range family.All() {
		if now.Before(b.failed.Get(f).until) {
			continue
		}
		var err error
		*outcomes.At(f) = func() error { return err }
		runs = append(runs, func() { err = b.drivers.Get(f).Apply(now) })
	}
	b.starter.Together(runs...)
	for _, f := range family.All() {
		if outcome := outcomes.Get(f); outcome != nil {
			b.note(f, outcome(), time.Now())
		}
	}
	for _, f := range family.All() {
		failed := b.failed.Get(f)
		*errs.At(f) = failed.err
		if next = soonest(next, failed.until); failed.err == nil {
			next = soonest(next, b.drivers.Get(f).Next())
		}
	}
	return errs, next
}

// note notes how a family has fared.
func (b *iptablesBackend) note(f family.Family, err error, now time.Time) {
	if err == nil {
		*b.failed.At(f) = failure{}
		return
	}
	times := b.failed.Get(f).times + 1
	*b.failed.At(f) = failure{err, times, now.Add(reconcile.Backoff(retryTable, time.Minute)(times))}
}

// soonest is the earlier of two times of which zero is never.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (b *iptablesBackend) owners(f family.Family) map[netip.Addr]string {
	return render.Owners(f, b.drivers.Get(f).Standing)
}

func (b *iptablesBackend) report() (out backendReport) {
	for _, f := range family.All() {
		d := b.drivers.Get(f)
		out.repairs += d.Stats().Repairs
		for _, p := range d.Problems() {
			out.problems = append(out.problems, problem{family.NewSet(f), f.String() + " " + p.Object, p.Err})
		}
	}
	if b.clash != "" {
		out.conditions = append(out.conditions, condition{family.Both, b.clash})
	}
	return out
}

func (b *iptablesBackend) text(desired bool) string {
	var out strings.Builder
	for _, f := range family.All() {
		out.WriteString("# " + f.String() + ", iptables variant " + string(b.choice.Variant) + "\n")
		out.WriteString(b.drivers.Get(f).Text(desired))
	}
	return out.String()
}

func (b *iptablesBackend) size(f family.Family) metrics.TableSize {
	s := b.drivers.Get(f).Size()
	return metrics.TableSize{Chains: s.Chains, Rules: s.Rules, Sets: s.Sets, Members: s.Members}
}

func (b *iptablesBackend) close() error { return nil }
