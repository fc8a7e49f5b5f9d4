package calc

import (
	"strings"

	"github.com/margay-net/margay/internal/model"
)

// pod is a row of the table of all pods: those that there are, and those that an IPAM
// block names.
type pod struct {
	name       string
	space      uint32
	node       uint32
	class      uint32
	claims     uint32 // the first of its claims
	next, prev uint32 // of the same class
	flags      podFlags
}

type podFlags uint8

const (
	// podExists says that the Pod object is there.
	podExists podFlags = 1 << iota
	podReleased
	// podQueued says that the pod is on the list of those whose addresses are to be chosen.
	podQueued
	// podHasStatus says that the pod's status shows at least one address.
	podHasStatus
)

// podTable is the table of all pods.
type podTable struct {
	slab[pod]
	byKey    lookup
	heritage *heritage
}

func (t *podTable) hash(space uint32, name string) uint32 {
	return t.heritage.hash(name) + space*0x9e3779b1
}

func (t *podTable) find(space uint32, name string) uint32 {
	return t.byKey.find(t.hash(space, name), func(id uint32) bool {
		p := t.at(id)
		return p.space == space && p.name == name
	})
}

// hold finds or makes the pod's row.
func (t *podTable) hold(namespace, name string) uint32 {
	space := t.heritage.holdSpace(namespace)
	if id := t.find(space, name); id != 0 {
		t.heritage.releaseSpace(space)
		return id
	}
	id := t.alloc()
	p := t.at(id)
	p.name, p.space = strings.Clone(name), space
	t.byKey.insert(t.hash(space, name), id)
	return id
}

// dropIfUnused removes the row of a pod that is not there and that no block names.
func (t *podTable) dropIfUnused(id uint32) {
	p := t.at(id)
	if p.flags&(podExists|podQueued) != 0 || p.claims != 0 {
		return
	}
	space := p.space
	t.byKey.remove(t.hash(space, p.name), id)
	t.release(id)
	t.heritage.releaseSpace(space)
}

func (t *podTable) key(id uint32) model.Key {
	p := t.at(id)
	return model.Key{Kind: model.KindPod, Namespace: t.heritage.spaceName(p.space), Name: p.name}
}

// updatePod takes in a Pod object, or, with nil, that it is gone.
func (g *Graph) updatePod(key model.Key, v *model.Pod) {
	if v == nil {
		if space := g.classes.findSpace(key.Namespace); space != 0 || key.Namespace == "" {
			if id := g.pods.find(space, key.Name); id != 0 {
				g.removePod(id)
			}
		}
		return
	}
	id := g.pods.hold(key.Namespace, key.Name)
	p := g.pods.at(id)
	class := g.classes.join(v.Labels, p.space, v.ServiceAccount, v.Ports)
	g.endpoints.update(id, v, class)
	if p.class == class {
		g.classes.leave(class) // it was in already
	} else {
		g.movePod(id, class)
	}
	if node := g.nodes.hold(v.Node); node != p.node {
		g.nodes.release(p.node)
		p.node = node
		g.addresses.choose(id)
	} else {
		g.nodes.release(node)
	}
	g.addresses.claim(id, &v.Claims)
}

// movePod puts a pod into another class, together with the addresses that it has.
func (g *Graph) movePod(id, class uint32) {
	p := g.pods.at(id)
	g.sets.move(id, p.class, class)
	g.leaveClass(id)
	c := g.classes.classes.at(class)
	p.class, p.prev, p.next = class, 0, c.pods
	if c.pods != 0 {
		g.pods.at(c.pods).prev = id
	}
	c.pods = id
}

// leaveClass takes a pod out of its class's list, and the class away with its last one.
func (g *Graph) leaveClass(id uint32) {
	p := g.pods.at(id)
	if p.class == 0 {
		return
	}
	if p.next != 0 {
		g.pods.at(p.next).prev = p.prev
	}
	if p.prev != 0 {
		g.pods.at(p.prev).next = p.next
	} else {
		g.classes.classes.at(p.class).pods = p.next
	}
	g.classes.leave(p.class)
	p.class, p.next, p.prev = 0, 0, 0
}

func (g *Graph) removePod(id uint32) {
	p := g.pods.at(id)
	if p.flags&podExists == 0 {
		return
	}
	g.endpoints.update(id, nil, 0)
	g.sets.move(id, p.class, 0)
	g.addresses.disclaim(id)
	g.leaveClass(id)
	g.nodes.release(p.node)
	p.node = 0
}
