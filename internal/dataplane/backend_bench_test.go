package dataplane

import (
	"testing"
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/workload"
)

// BenchmarkBackends is policy of a medium cluster, in the kernel by each backend: all of it at
// the start, and then a policy that comes to apply to every pod of the node, and goes.
func BenchmarkBackends(b *testing.B) {
	for name, open := range map[string]func(*config.Settings) (backend, error){
		"nftables": func(s *config.Settings) (backend, error) { return openNFTables(s) },
		"iptables-nft": func(s *config.Settings) (backend, error) {
			return openIptables(iptables.Choice{Variant: iptables.NFT}, s), nil
		},
		"iptables-legacy": func(s *config.Settings) (backend, error) {
			return openIptables(iptables.Choice{Variant: iptables.Legacy}, s), nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			var start, change time.Duration
			events := workload.New(workload.Medium()).BaseEvents()
			policy := workload.Event(workload.PolicyOnAllLocal(0))
			for b.Loop() {
				n := newBackendNode(b, open)
				n.graph.SetInSync()
				at := time.Now()
				n.apply(b, events...)
				start += time.Since(at)
				at = time.Now()
				n.apply(b, policy)
				n.apply(b, model.Event{Key: policy.Key})
				change += time.Since(at) / 2
				n.lab.Close()
			}
			b.ReportMetric(float64((start/time.Duration(b.N)).Microseconds())/1000, "start-ms")
			b.ReportMetric(float64((change/time.Duration(b.N)).Microseconds())/1000, "change-ms")
		})
	}
}

// backendNode is the managers with a backend, on the kernel of a lab's node.
type backendNode struct {
	lab      *netlab.Lab
	node     *netlab.Node
	graph    *calc.Graph
	backend  backend
	managers []*manager
}

func newBackendNode(b *testing.B, open func(*config.Settings) (backend, error)) *backendNode {
	b.Helper()
	n := &backendNode{lab: netlab.Test(b, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node"}}})}
	n.node, n.graph = n.lab.Node("node"), calc.New(calc.Options{Node: workload.LocalNode})
	settings := config.NewTable().Defaults()
	err := n.node.Do(func() (err error) {
		n.backend, err = open(&settings)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	n.backend.configure(&settings)
	n.backend.inSync()
	for _, f := range family.All() {
		n.managers = append(n.managers, newManager(f, workload.LocalNode, &settings, n.backend.view(f), nowhere{}, nowhere{}))
	}
	return n
}

// apply takes events the whole way into the kernel.
func (n *backendNode) apply(b *testing.B, events ...model.Event) {
	for _, e := range events {
		n.graph.Update(e)
	}
	batch := n.graph.Flush()
	for _, m := range n.managers {
		m.update(batch)
	}
	err := n.node.Do(func() error {
		errs, _ := n.backend.apply(time.Now())
		return errs.Get(family.V4)
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range n.backend.report().problems {
		b.Fatalf("%s: %v", p.object, p.err)
	}
}
