package calc_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/workload"
)

// The benchmarks of this file are the graph's share of the figures in
// docs/performance.md: changes to clusters of the sizes in package workload.

func sizes() map[string]workload.Size {
	return map[string]workload.Size{"medium": workload.Medium(), "large": workload.Large()}
}

func eachSize(b *testing.B, run func(b *testing.B, c *workload.Cluster)) {
	for _, name := range []string{"medium", "large"} {
		b.Run(name, func(b *testing.B) { run(b, workload.New(sizes()[name])) })
	}
}

// loaded is a graph that has handed over a whole cluster.
func loaded(c *workload.Cluster) *calc.Graph {
	g := calc.New(calc.Options{Node: workload.LocalNode})
	for _, e := range c.BaseEvents() {
		g.Update(e)
	}
	g.SetInSync()
	g.Flush()
	return g
}

// BenchmarkCold is everything, from nothing.
func BenchmarkCold(b *testing.B) {
	eachSize(b, func(b *testing.B, c *workload.Cluster) {
		events := c.BaseEvents()
		b.ReportAllocs()
		var g *calc.Graph
		for b.Loop() {
			g = calc.New(calc.Options{Node: workload.LocalNode})
			for _, e := range events {
				g.Update(e)
			}
			g.SetInSync()
			g.Flush()
		}
		clear(events)
		reportLiveHeap(b)
		runtime.KeepAlive(g)
	})
}

// BenchmarkRelabelRemote moves a remote pod into a set that is in use, and out.
func BenchmarkRelabelRemote(b *testing.B) {
	eachSize(b, func(b *testing.B, c *workload.Cluster) {
		in, out := workload.Event(c.RemotePod(7, true)), workload.Event(c.RemotePod(7, false))
		alternate(b, loaded(c), []model.Event{in, out})
	})
}

// BenchmarkLocalPod adds a local pod, and takes it away.
func BenchmarkLocalPod(b *testing.B) {
	eachSize(b, func(b *testing.B, c *workload.Cluster) {
		add := workload.Event(c.LocalPod(0))
		alternate(b, loaded(c), []model.Event{add, {Key: add.Key}})
	})
}

// BenchmarkPolicyOnAllLocal adds a policy that applies to every pod, and takes it away.
func BenchmarkPolicyOnAllLocal(b *testing.B) {
	eachSize(b, func(b *testing.B, c *workload.Cluster) {
		add := workload.Event(workload.PolicyOnAllLocal(0))
		alternate(b, loaded(c), []model.Event{add, {Key: add.Key}})
	})
}

// BenchmarkPolicySelectingAll adds a policy with a selector that selects every pod, and
// takes it away.
func BenchmarkPolicySelectingAll(b *testing.B) {
	eachSize(b, func(b *testing.B, c *workload.Cluster) {
		add := workload.Event(workload.PolicySelectingAll(0))
		alternate(b, loaded(c), []model.Event{add, {Key: add.Key}})
	})
}

// alternate sends one event after the other, each with a flush.
func alternate(b *testing.B, g *calc.Graph, events []model.Event) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		g.Update(events[i%len(events)])
		if g.Flush().Empty() {
			b.Fatalf("nothing came of %v", events[i%len(events)])
		}
		i++
	}
}

// BenchmarkRelabelAmongSelectors relabels a pod while n selectors are in use, each of
// which could select it.
func BenchmarkRelabelAmongSelectors(b *testing.B) {
	for _, n := range []int{10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := &shapes{}
			g := calc.New(calc.Options{Node: thisNode})
			for _, e := range f.namespaces(f.endpoints(f.endpoints(nil, 10_000, "elsewhere"), 1, thisNode), 100) {
				g.Update(e)
			}
			for i := range n {
				p := &model.Policy{Tier: "default", Selector: "all()", Types: 1, Ingress: []model.Rule{
					{Action: model.Allow, Source: model.Peer{Selector: fmt.Sprintf("app == \"app-%d\"", i)}},
				}}
				g.Update(model.Event{Key: model.Key{Kind: model.KindGlobalPolicy, Name: fmt.Sprint(i)}, Value: p})
			}
			g.Flush()
			var events []model.Event
			for i := range 2 * n {
				e := f.endpoints(nil, 1, "elsewhere")[0]
				pod := e.Value.(*model.Pod)
				pod.Labels = map[string]string{"app": fmt.Sprintf("app-%d", i%n), "turn": fmt.Sprint(i)}
				e.Value = pod
				events = append(events, e)
			}
			alternate(b, g, events)
		})
	}
}
