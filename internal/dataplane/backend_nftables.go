package dataplane

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/reconcile"
)

// tableName is the table that is ours: inet calico.
const tableName = "calico"

// nftablesBackend is policy in nftables.
type nftablesBackend struct {
	table  *nftables.Table
	kernel *nftables.Netlink
	views  family.Pair[policyView]
	others []condition
}

func openNFTables(s *config.Settings) (*nftablesBackend, error) {
	kernel, err := nftables.OpenNetlink(tableName)
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	b := &nftablesBackend{kernel: kernel}
	b.table = nftables.New(nftables.Options{Name: tableName, Kernel: kernel, Closed: render.Closed(rulesSettings(s))})
	for _, f := range family.All() {
		*b.views.At(f) = nftablesView(b.table, f)
	}
	return b, nil
}

// nftablesView is one family's view of a table.
func nftablesView(t *nftables.Table, f family.Family) policyView {
	v := t.View(f)
	return newView(
		func(s *config.Settings) renderer[render.Part] { return render.New(f, rulesSettings(s)) },
		func(changes []change[render.Part]) {
			all := make([]render.Change, len(changes))
			for i, c := range changes {
				all[i] = render.Change(c)
			}
			render.Put(v, all...)
		},
		func(p render.Part) reconcile.Status {
			for _, c := range p.Chains {
				if s := t.ChainStatus(c.Name); s.State != reconcile.Done {
					return s
				}
			}
			return reconcile.Status{State: reconcile.Done}
		})
}

func (b *nftablesBackend) kind() backendKind { return backendKind{nftables: true} }

func (b *nftablesBackend) view(f family.Family) policyView { return b.views.Get(f) }

func (b *nftablesBackend) configure(*config.Settings) { b.lookRound() }

func (b *nftablesBackend) inSync() {
	b.table.InSync()
	b.lookRound()
}

// lookRound finds out what others do to packets that policy allows. Nobody tells when that
// changes; it is looked at when the agent has read everything, and with new settings.
func (b *nftablesBackend) lookRound() {
	if others, err := othersThatDrop(); err == nil { // else what was found before still counts
		b.others = others
	}
}

func (b *nftablesBackend) hold() { b.table.Hold() }

// retryTable is the pause after the kernel could not be talked to about nftables.
const retryTable = time.Second

// apply writes both families in one transaction: they fail together.
func (b *nftablesBackend) apply(now time.Time) (family.Pair[error], time.Time) {
	err := b.table.Apply(now)
	next, _ := b.table.NextRetry()
	if err != nil {
		next = now.Add(retryTable)
	}
	return family.PairOf(err, err), next
}

func (b *nftablesBackend) report() backendReport {
	out := backendReport{repairs: b.table.Stats().Repairs, conditions: b.others}
	for _, p := range b.table.Problems() {
		out.problems = append(out.problems, problem{p.Families, p.Object, p.Err})
	}
	return out
}

func (b *nftablesBackend) text(desired bool) string {
	if desired {
		return b.table.Desired().String()
	}
	return b.table.Actual().String()
}

func (b *nftablesBackend) size(f family.Family) metrics.TableSize {
	s := b.table.Size(f)
	return metrics.TableSize{Chains: s.Chains, Rules: s.Rules, Maps: s.Maps, Sets: s.Sets, Members: s.Members}
}

func (b *nftablesBackend) close() error { return b.kernel.Close() }

func (b *nftablesBackend) owners(f family.Family) map[netip.Addr]string {
	return render.Owners(f, b.table.Standing)
}

// foreign yields a value when another program has changed the table; nil for a backend that
// is not told.
func foreign(backends []backend) <-chan struct{} {
	i := slices.IndexFunc(backends, func(b backend) bool { return b.kind().nftables })
	if i < 0 {
		return nil
	}
	return backends[i].(*nftablesBackend).table.Foreign()
}

// resync has the table read before it is compared: another program has changed it.
func resync(backends []backend) {
	for _, b := range backends {
		if n, ok := b.(*nftablesBackend); ok {
			n.table.Resync()
		}
	}
}
