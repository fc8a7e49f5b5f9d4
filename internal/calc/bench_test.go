package calc_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/model"
)

// The benchmarks of this file have the shapes of Felix's own (felix/calc, named in
// felix.md 7.4), so that the figures can be held against each other: all events of a
// cluster, in sync, one flush, and in the ThenDelete ones, the local endpoints gone and a
// second flush. "live-MB" is the heap that remains with the graph alone alive: neither
// the events nor the batches.

// 200 local ones of 250,000 endpoints with six labels each, in 100 namespaces; 10,000
// policies `has(L)` with five rules `has(M)`, L and M among 31 labels of which every
// endpoint has one.
func BenchmarkSnapshot200Local250kTotal10000TagPols(b *testing.B) {
	benchmarkSnapshot(b, 250_000, 10_000, 0, false)
}

// 200 local ones of 10,000 endpoints; 1,000 network sets with 1 to 1,000 addresses, 112
// on average, and for each a policy that applies to all and allows from it.
func BenchmarkSnapshot200Local10kTotal1000NetsetPols(b *testing.B) {
	benchmarkSnapshot(b, 10_000, 0, 1_000, false)
}

func BenchmarkSnapshot200Local10kTotal10000NetsetPols(b *testing.B) {
	benchmarkSnapshot(b, 10_000, 0, 10_000, false)
}

func BenchmarkSnapshotThenDeleteLocal200Local250kTotal10000TagPols(b *testing.B) {
	benchmarkSnapshot(b, 250_000, 10_000, 0, true)
}

func BenchmarkSnapshotThenDeleteLocal200Local10kTotal1000NetsetPols(b *testing.B) {
	benchmarkSnapshot(b, 10_000, 0, 1_000, true)
}

func BenchmarkSnapshotThenDeleteLocal200Local10kTotal10000NetsetPols(b *testing.B) {
	benchmarkSnapshot(b, 10_000, 0, 10_000, true)
}

// As many namespaces as customers, with three labels each; in each one pod with fifteen
// labels, five of them its own alone, and one policy that lets the namespace's pods talk
// to each other and to a resolver. 100 of the pods are local.
func BenchmarkIsolatedCustomers1k(b *testing.B)   { benchmarkCustomers(b, 1_000) }
func BenchmarkIsolatedCustomers10k(b *testing.B)  { benchmarkCustomers(b, 10_000) }
func BenchmarkIsolatedCustomers100k(b *testing.B) { benchmarkCustomers(b, 100_000) }

func benchmarkSnapshot(b *testing.B, endpoints, tagPolicies, netsets int, thenDelete bool) {
	const local = 200
	f := &shapes{}
	events := f.tagPolicies(nil, tagPolicies)
	events = f.namespaces(events, 100)
	events = f.endpoints(events, endpoints, "elsewhere")
	events = f.netsets(events, netsets)
	events = f.endpoints(events, local, thisNode)
	var deletes []model.Event
	if thenDelete {
		for _, e := range events[len(events)-local:] {
			deletes = append(deletes, model.Event{Key: e.Key})
		}
	}
	benchmark(b, local, events, deletes)
}

func benchmarkCustomers(b *testing.B, customers int) {
	f := &shapes{}
	benchmark(b, 100, f.customers(customers, 100), nil)
}

// benchmark sends the events, and checks only that the work has been done.
func benchmark(b *testing.B, local int, events, deletes []model.Event) {
	b.ReportAllocs()
	var g *calc.Graph
	for b.Loop() {
		b.StopTimer()
		g = nil
		runtime.GC()
		b.StartTimer()
		g = calc.New(calc.Options{Node: thisNode})
		for _, e := range events {
			g.Update(e)
		}
		g.SetInSync()
		batch := g.Flush()
		if len(batch.Endpoints) != local {
			b.Fatalf("%d endpoints", len(batch.Endpoints))
		}
		b.ReportMetric(float64(len(batch.Sets)), "sets")
		b.ReportMetric(float64(len(batch.Policies)), "policies")
		for _, e := range deletes {
			g.Update(e)
		}
		if batch = g.Flush(); len(batch.EndpointsGone) != len(deletes) {
			b.Fatalf("%d endpoints gone", len(batch.EndpointsGone))
		}
	}
	clear(events)
	clear(deletes)
	reportLiveHeap(b)
	runtime.KeepAlive(g)
}

func reportLiveHeap(b *testing.B) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "live-MB")
}

// shapes makes events; its counters make addresses and labels differ.
type shapes struct{ address, labels uint32 }

// markers are the labels of which every endpoint has one. Two appear twice, as in Felix's.
func marker(n int) string {
	names := []string{"FOO_BAR", "FOO_BAR", "BIFF_BOP", "calico/FizzBuzz", "calico/BoffBip", "calico/Bazzle", "calico/Razzle",
		"calico/DoopDeeDoo", "calico/SOME_LABEL", "calico/BORED_NOW", "MyMarkerLabel"}
	n %= 31
	return strings.Repeat("yx", n/len(names)) + names[n%len(names)]
}

func (f *shapes) next() netip.Addr {
	f.address++
	n := 0x0a000000 + f.address
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func (f *shapes) tagPolicies(events []model.Event, n int) []model.Event {
	for i := range n {
		p := &model.Policy{Tier: "default", Order: model.Unordered(), Selector: "has(" + marker(i) + ")", Types: 1 << model.Ingress}
		for j := range 5 {
			p.Ingress = append(p.Ingress, model.Rule{Action: model.Allow, Source: model.Peer{Selector: "has(" + marker(i+j) + ")"}})
		}
		events = append(events, model.Event{Key: model.Key{Kind: model.KindGlobalPolicy, Name: fmt.Sprintf("tag-pol-%d", i)}, Value: p})
	}
	return events
}

func (f *shapes) namespaces(events []model.Event, n int) []model.Event {
	for i := range n {
		events = append(events, model.Event{Key: model.Key{Kind: model.KindNamespace, Name: fmt.Sprintf("namespace-%d", i)}, Value: &model.Namespace{}})
	}
	return events
}

func (f *shapes) endpoints(events []model.Event, n int, node string) []model.Event {
	for i := range n {
		f.labels++
		labels := map[string]string{}
		for _, n := range []uint32{10, 11, 20, 30, 40} {
			labels[fmt.Sprintf("one-in-%d", n)] = fmt.Sprintf("value-%d", f.labels%n)
		}
		labels[strings.Clone(marker(int(f.labels)))] = strings.Clone("true")
		name := fmt.Sprintf("wep-%s-%d", node[:1], i)
		events = append(events, model.Event{
			Key: model.Key{Kind: model.KindPod, Namespace: fmt.Sprintf("namespace-%d", i%100), Name: name},
			Value: &model.Pod{
				Node: strings.Clone(node), Interface: "cali" + name, Labels: labels,
				Claims: model.AddressClaims{Status: []netip.Addr{f.next()}},
			},
		})
	}
	return events
}

func (f *shapes) netsets(events []model.Event, n int) []model.Event {
	sizes := []int{1, 1, 1, 1, 2, 3, 4, 5, 100, 1000}
	for i := range n {
		name := fmt.Sprintf("network-set-%d", i)
		set := &model.NetworkSet{Labels: map[string]string{"network-set-name": name}}
		for range sizes[i%len(sizes)] {
			set.Nets = append(set.Nets, netip.PrefixFrom(f.next(), 32))
		}
		policy := &model.Policy{Tier: "default", Order: model.Unordered(), Selector: "all()", Types: 1 << model.Ingress, Ingress: []model.Rule{
			{Action: model.Allow, Source: model.Peer{Selector: fmt.Sprintf("network-set-name == %q", name)}},
		}}
		events = append(events,
			model.Event{Key: model.Key{Kind: model.KindGlobalNetworkSet, Name: name}, Value: set},
			model.Event{Key: model.Key{Kind: model.KindGlobalPolicy, Name: fmt.Sprintf("network-set-pol-%d", i)}, Value: policy})
	}
	return events
}

func (f *shapes) customers(n, local int) []model.Event {
	var policies, namespaces, remote, here []model.Event
	for i := range n {
		name := fmt.Sprintf("customer-%d", i)
		policies = append(policies, model.Event{Key: model.Key{Kind: model.KindPolicy, Namespace: name, Name: name + "-isolation"}, Value: isolation(name)})
		namespaces = append(namespaces, model.Event{
			Key:   model.Key{Kind: model.KindNamespace, Name: strings.Clone(name)},
			Value: &model.Namespace{Labels: map[string]string{"namespace-id": unique(i, 20), "production": fmt.Sprint(i%2 == 0)}},
		})
		e := model.Event{
			Key:   model.Key{Kind: model.KindPod, Namespace: strings.Clone(name), Name: fmt.Sprintf("app-%09x-%05x", i*7+3, uint16(i*17+5))},
			Value: &model.Pod{Node: "elsewhere", Labels: customerLabels(i), Claims: model.AddressClaims{Status: []netip.Addr{f.next()}}},
		}
		if len(here) < local && i%(n/local) == 0 {
			e.Value.(*model.Pod).Node, e.Value.(*model.Pod).Interface = thisNode, fmt.Sprintf("cali%d", i)
			here = append(here, e)
		} else {
			remote = append(remote, e)
		}
	}
	return append(append(append(policies, namespaces...), remote...), here...)
}

func isolation(namespace string) *model.Policy {
	selector := fmt.Sprintf("pcns.projectcalico.org/name == %q", namespace)
	within := model.Peer{Selector: strings.Clone(selector)}
	return &model.Policy{
		Tier: "default", Order: model.Unordered(), Selector: selector, Types: 3,
		Ingress: []model.Rule{{Action: model.Allow, Source: within}},
		Egress: []model.Rule{
			{Action: model.Allow, Destination: within},
			{Action: model.Allow, Protocol: model.UDP, Destination: model.Peer{
				Nets: prefixes("10.96.0.10/32"), Ports: []model.PortRange{{First: 53, Last: 53}},
			}},
		},
	}
}

func customerLabels(i int) map[string]string {
	labels := map[string]string{
		"pod-id": unique(i*5, 20), "instance-id": unique(i*5+1, 20), "short-id": unique(i*5+2, 10),
		"config-hash": unique(i*5+3, 20), "version-tag": unique(i*5+4, 8), "managed-by": "saas-controller", "tenant-id": unique(i%5000, 10),
	}
	for bit, name := range []string{"enabled", "debug", "canary", "managed"} {
		labels[name] = fmt.Sprint(i >> bit & 1)
	}
	for _, l := range []struct {
		name   string
		values int
	}{{"environment", 3}, {"tier", 4}, {"region", 4}, {"team", 5}} {
		labels[l.name] = fmt.Sprintf("%s-%d", l.name, i%l.values)
	}
	return labels
}

// unique is a text of n characters that tells i.
func unique(i, n int) string {
	text := make([]byte, n)
	for v, k := uint64(i)*2654435761+1, 0; k < n; k++ {
		text[k] = "abcdef0123456789"[v>>32%16]
		v = v*6364136223846793005 + 1442695040888963407
	}
	return string(text)
}
