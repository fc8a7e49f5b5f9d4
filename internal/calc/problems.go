package calc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/model"
)

// problemsOf is what the graph finds wrong with an object. About pods it speaks only if
// they are this node's: every agent tells of its own.
func (g *Graph) problemsOf(key model.Key) ([]model.Problem, bool) {
	var list []model.Problem
	switch key.Kind {
	case model.KindPod:
		list = g.podProblems(key)
	case model.KindPool:
		list = g.poolProblems(key)
	case model.KindBlock:
		list = g.blockProblems(key)
	case model.KindNode:
		list = g.nodeProblems(key)
	default:
		list = g.policies.problemsOf(key)
	}
	slices.SortFunc(list, compareProblems)
	return list, len(list) > 0
}

func (g *Graph) podProblems(key model.Key) []model.Problem {
	pod, known := g.endpoints.byKey[key]
	if !known {
		return nil
	}
	list := g.addresses.problems(pod)
	l := g.endpoints.locals[pod]
	if l.shown {
		return list
	}
	p := model.Problem{
		Severity: model.Failure, Object: key.String(), Field: "interface", Value: l.value.Interface,
		Message: "the pod has no interface, and so no policy and no route",
	}
	if holder := g.endpoints.holderOf(l.value.Interface); holder != 0 {
		p.Message = fmt.Sprintf("the pod has no policy and no route: the interface is that of %v", g.pods.key(holder))
	}
	return append(list, p)
}

// problemsOf is what is wrong with a policy.
func (p *policies) problemsOf(key model.Key) (list []model.Problem) {
	id := p.find(key)
	if id == 0 || !p.rows.at(id).exists {
		return nil
	}
	row := p.rows.at(id)
	if row.query == 0 {
		list = append(list, model.Problem{Severity: model.Failure, Field: "selector", Message: "cannot be read; the policy applies to nothing"})
	}
	if _, exists := p.order.tier(row.tier()); !exists {
		list = append(list, model.Problem{
			Severity: model.Warning, Field: "tier", Value: row.tier(),
			Message: "does not exist; the policy comes after those of all tiers that do, with default Deny",
		})
	}
	if a := p.active[id]; a != nil {
		list = append(list, a.broken...)
	}
	for i := range list {
		list[i].Object = key.String()
	}
	return list
}

// markTier lets the problems be found anew of all policies of a tier.
func (p *policies) markTier(name string) {
	for id := uint32(1); id <= p.rows.last; id++ {
		if row := p.rows.at(id); row.exists && row.tier() == name {
			p.problems(row.key)
		}
	}
}

func compareProblems(a, b model.Problem) int {
	if c := strings.Compare(a.Field, b.Field); c != 0 {
		return c
	}
	if c := strings.Compare(a.Value, b.Value); c != 0 {
		return c
	}
	return strings.Compare(a.Message, b.Message)
}

func sameProblems(a, b []model.Problem) bool { return slices.Equal(a, b) }

func (g *Graph) flushProblems(b *Batch) {
	changed, gone := g.problems.settle(g.problemsOf)
	for _, key := range changed {
		b.Problems = append(b.Problems, ObjectProblems{Key: key, Problems: g.problems.sent[key]})
	}
	for _, key := range gone {
		b.Problems = append(b.Problems, ObjectProblems{Key: key})
	}
	slices.SortFunc(b.Problems, func(x, y ObjectProblems) int { return x.Key.Compare(y.Key) })
}
