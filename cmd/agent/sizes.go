package main

import (
	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/model"
)

// sizes counts what the graph has handed over and still holds.
type sizes struct {
	endpoints map[model.Key]struct{}
	policies  map[model.PolicyID]struct{}
	sets      map[model.SetID]struct{}
}

func newSizes() *sizes {
	return &sizes{
		endpoints: map[model.Key]struct{}{},
		policies:  map[model.PolicyID]struct{}{},
		sets:      map[model.SetID]struct{}{},
	}
}

// apply follows a batch. A batch that repeats everything changes nothing.
func (s *sizes) apply(b *calc.Batch) {
	for _, u := range b.Sets {
		s.sets[u.Set.ID] = struct{}{}
	}
	for _, p := range b.Policies {
		s.policies[p.ID] = struct{}{}
	}
	for _, e := range b.Endpoints {
		s.endpoints[e.ID] = struct{}{}
	}
	for _, key := range b.EndpointsGone {
		delete(s.endpoints, key)
	}
	for _, id := range b.PoliciesGone {
		delete(s.policies, id)
	}
	for _, id := range b.SetsGone {
		delete(s.sets, id)
	}
}

// with are the sizes as metrics show them, of a cluster with so many objects of each kind.
func (s *sizes) with(cluster map[model.Kind]int, selectors calc.Stats) metrics.Sizes {
	return metrics.Sizes{
		LocalEndpoints:    len(s.endpoints),
		LocalPolicies:     len(s.policies),
		LocalSelectors:    len(s.sets),
		Hosts:             cluster[model.KindNode],
		WorkloadEndpoints: cluster[model.KindPod],
		Policies:          cluster[model.KindKubernetesPolicy] + cluster[model.KindPolicy] + cluster[model.KindGlobalPolicy],
		Profiles:          cluster[model.KindNamespace] + cluster[model.KindServiceAccount],
		Tiers:             cluster[model.KindTier],
		IndexedEndpoints:  cluster[model.KindPod] + cluster[model.KindNetworkSet] + cluster[model.KindGlobalNetworkSet],
		IndexedSelectors:  selectors.Indexed,
		ScannedSelectors:  selectors.Scanned,
	}
}
