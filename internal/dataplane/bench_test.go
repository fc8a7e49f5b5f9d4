package dataplane

import (
	"net/netip"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/workload"
)

// BenchmarkPolicyOnAllLocal is the way of a policy that applies to every pod of the node,
// and of its deletion, from the batch to the transaction: both managers and the table's
// driver, but no kernel.
func BenchmarkPolicyOnAllLocal(b *testing.B) {
	for _, size := range []struct {
		name string
		size workload.Size
	}{{"medium", workload.Medium()}, {"large", workload.Large()}} {
		b.Run(size.name, func(b *testing.B) {
			n := newWordlessNode(b, size.size)
			policy := workload.Event(workload.PolicyOnAllLocal(0))
			gone := model.Event{Key: policy.Key}
			b.ReportAllocs()
			for b.Loop() {
				n.apply(b, policy)
				n.apply(b, gone)
			}
		})
	}
}

// wordlessNode is the managers and the driver of the table, with a kernel that takes
// everything and says nothing.
type wordlessNode struct {
	graph    *calc.Graph
	table    *nftables.Table
	managers []*manager
}

func newWordlessNode(b *testing.B, size workload.Size) *wordlessNode {
	n := &wordlessNode{graph: calc.New(calc.Options{Node: workload.LocalNode})}
	n.table = nftables.New(nftables.Options{Kernel: &wordless{}})
	n.table.InSync()
	settings := config.NewTable().Defaults()
	for _, f := range family.All() {
		n.managers = append(n.managers, newManager(f, workload.LocalNode, &settings, nftablesView(n.table, f), nowhere{}, nowhere{}))
	}
	n.graph.SetInSync()
	n.apply(b, workload.New(size).BaseEvents()...)
	return n
}

// apply takes events the whole way.
func (n *wordlessNode) apply(b *testing.B, events ...model.Event) {
	for _, e := range events {
		n.graph.Update(e)
	}
	batch := n.graph.Flush()
	for _, m := range n.managers {
		m.update(batch)
	}
	if err := n.table.Apply(time.Now()); err != nil {
		b.Fatal(err)
	}
}

// wordless is a kernel that takes everything.
type wordless struct{ last uint64 }

func (k *wordless) Dump() (nftables.Listing, error) { return nftables.Listing{}, nil }

func (k *wordless) Commit(ops []nft.Op) ([]uint64, error) {
	handles := make([]uint64, len(ops))
	for i := range handles {
		k.last++
		handles[i] = k.last
	}
	return handles, nil
}

func (k *wordless) Foreign() <-chan struct{} { return nil }
func (k *wordless) Close() error             { return nil }

// nowhere takes routes and settings of interfaces, and forgets them.
type nowhere struct{}

func (nowhere) Want(model.Route)           {}
func (nowhere) Unwant(netip.Prefix)        {}
func (nowhere) Claim(string)               {}
func (nowhere) Release(string)             {}
func (nowhere) AllowSpoofing(string, bool) {}
