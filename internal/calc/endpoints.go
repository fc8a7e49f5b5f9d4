package calc

import (
	"encoding/binary"
	"slices"

	"github.com/margay-net/margay/internal/model"
)

// endpoints keeps the pods of this node, and the policies that apply to them. Pods of one
// class have the same policies.
type endpoints struct {
	node     string
	pods     *podTable
	classes  *classStore
	index    *labelIndex
	policies *policies
	locals   map[uint32]*localPod
	byKey    map[model.Key]uint32
	classOf  map[uint32]*localClass
	// byInterface lists the pods that claim an interface; disputed are interfaces whose
	// claimants have changed.
	byInterface map[string][]uint32
	disputed    map[string]struct{}
	ledger      ledger[model.Key, *model.LocalEndpoint]
	addresses   *addresses
	// shown is told of a pod that has become an endpoint, or is one no more.
	shown func(pod uint32)
}

func newEndpoints(node string, g *Graph) *endpoints {
	return &endpoints{
		node: node, pods: g.pods, classes: g.classes, index: g.classes.index, policies: g.policies, addresses: g.addresses,
		locals: map[uint32]*localPod{}, byKey: map[model.Key]uint32{}, classOf: map[uint32]*localClass{},
		byInterface: map[string][]uint32{}, disputed: map[string]struct{}{},
		ledger: newLedger[model.Key](equalEndpoints), shown: g.shown,
	}
}

// interfaceOf is the interface of a pod of this node; empty for other pods.
func (e *endpoints) interfaceOf(pod uint32) string {
	if l := e.locals[pod]; l != nil {
		return l.value.Interface
	}
	return ""
}

// localPod is a pod of this node. It is an endpoint unless another pod has its interface.
type localPod struct {
	key   model.Key
	value *model.Pod
	class uint32
	shown bool
}

// localClass is a class with endpoints on this node.
type localClass struct {
	queries []uint32 // of policies, those that match; sorted
	tiers   []model.TierPolicies
	dirty   bool
}

// update takes in a pod of a class; nil if it is gone. Pods of other nodes are let pass.
func (e *endpoints) update(pod uint32, v *model.Pod, class uint32) {
	old := e.locals[pod]
	here := v != nil && v.Node == e.node
	if old == nil && !here {
		return
	}
	if old != nil && (!here || old.value.Interface != v.Interface) {
		e.forget(pod, old)
		old = nil
	}
	if !here {
		return
	}
	key := e.pods.key(pod)
	e.ledger.mark(key)
	if old == nil {
		e.locals[pod] = &localPod{key: key, value: v, class: class}
		e.byKey[key] = pod
		e.byInterface[v.Interface] = append(e.byInterface[v.Interface], pod)
		e.disputed[v.Interface] = struct{}{}
		return
	}
	if old.value.Claims.Released != v.Claims.Released {
		e.disputed[v.Interface] = struct{}{}
	}
	old.value = v
	if old.class != class && old.shown {
		e.enter(class)
		e.leave(old.class)
	}
	old.class = class
}

func (e *endpoints) forget(pod uint32, l *localPod) {
	name := l.value.Interface
	e.show(pod, l, false)
	delete(e.locals, pod)
	delete(e.byKey, l.key)
	e.ledger.mark(l.key)
	e.shown(pod)
	e.disputed[name] = struct{}{}
	others := e.byInterface[name]
	i := slices.Index(others, pod)
	if others = slices.Delete(others, i, i+1); len(others) == 0 {
		delete(e.byInterface, name)
	} else {
		e.byInterface[name] = others
	}
}

// show makes a pod an endpoint, or no longer one.
func (e *endpoints) show(pod uint32, l *localPod, shown bool) {
	if l.shown == shown {
		return
	}
	l.shown = shown
	if shown {
		e.enter(l.class)
	} else {
		e.leave(l.class)
	}
	e.ledger.mark(l.key)
	e.shown(pod)
}

// holderOf is the pod that has the interface: of several one that is running before one
// that has finished, and then the one with the smallest key. The interface with the empty
// name is nobody's.
func (e *endpoints) holderOf(name string) (holder uint32) {
	if name == "" {
		return 0
	}
	for _, pod := range e.byInterface[name] {
		if holder == 0 || e.before(e.locals[pod], e.locals[holder]) {
			holder = pod
		}
	}
	return holder
}

func (e *endpoints) before(a, b *localPod) bool {
	if a.value.Claims.Released != b.value.Claims.Released {
		return b.value.Claims.Released
	}
	return a.key.Compare(b.key) < 0
}

// resolve decides who has the disputed interfaces.
func (e *endpoints) resolve() {
	for name := range e.disputed {
		holder := e.holderOf(name)
		for _, pod := range e.byInterface[name] {
			if pod != holder {
				e.show(pod, e.locals[pod], false)
			}
			e.shown(pod)
		}
		if holder != 0 {
			e.show(holder, e.locals[holder], true)
		}
	}
	clear(e.disputed)
}

// flush hands over the endpoints that have changed. The policies must be ranked.
func (e *endpoints) flush(b *Batch) {
	e.retier()
	changed, gone := e.ledger.settle(e.present)
	slices.SortFunc(changed, model.Key.Compare)
	slices.SortFunc(gone, model.Key.Compare)
	for _, key := range changed {
		b.Endpoints = append(b.Endpoints, e.ledger.sent[key])
	}
	b.EndpointsGone = gone
}

// retier finds the tiers anew of classes whose policies may have changed. Classes that
// the same queries match share them.
func (e *endpoints) retier() {
	shared := map[string][]model.TierPolicies{}
	var buf []byte
	again := map[uint32]bool{}
	for class, l := range e.classOf {
		if !l.dirty {
			continue
		}
		l.dirty = false
		buf = buf[:0]
		for _, id := range l.queries {
			buf = binary.NativeEndian.AppendUint32(buf, id)
		}
		tiers, known := shared[string(buf)]
		if !known {
			tiers = e.policies.tiersOf(l.queries)
			shared[string(buf)] = tiers
		}
		if !equalTiers(tiers, l.tiers) {
			l.tiers = tiers
			again[class] = true
		}
	}
	if len(again) == 0 {
		return
	}
	for _, l := range e.locals {
		if again[l.class] {
			e.ledger.mark(l.key)
		}
	}
}

// present is the endpoint as it is now.
func (e *endpoints) present(key model.Key) (*model.LocalEndpoint, bool) {
	pod := e.byKey[key]
	l := e.locals[pod]
	if l == nil || !l.shown {
		return nil, false
	}
	return &model.LocalEndpoint{
		ID:             key,
		Interface:      l.value.Interface,
		Addresses:      e.addresses.have(pod),
		AllowedSources: l.value.AllowedSources,
		Tiers:          e.classOf[l.class].tiers,
	}, true
}

func equalEndpoints(a, b *model.LocalEndpoint) bool {
	return a.Interface == b.Interface && a.Addresses == b.Addresses &&
		slices.Equal(a.AllowedSources, b.AllowedSources) && equalTiers(a.Tiers, b.Tiers)
}
