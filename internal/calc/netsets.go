package calc

import "github.com/margay-net/margay/internal/model"

// netset is a network set. Its class ties it to the selectors that select it.
type netset struct {
	key        model.Key
	space      uint32
	class      uint32
	nets       nets
	next, prev uint32 // of the same class
}

// updateNetworkSet takes in a network set of either kind, or, with nil, that it is gone.
func (g *Graph) updateNetworkSet(key model.Key, v *model.NetworkSet) {
	id := g.netsetIDs[key]
	if v == nil {
		if id != 0 {
			g.sets.moveNetset(id, 0, nets{})
			g.enlist(id, 0)
			g.classes.releaseSpace(g.netsets.at(id).space)
			g.netsets.release(id)
			delete(g.netsetIDs, key)
		}
		return
	}
	if id == 0 {
		id = g.netsets.alloc()
		g.netsetIDs[key] = id
		*g.netsets.at(id) = netset{key: key, space: g.classes.holdSpace(key.Namespace)}
	}
	n := g.netsets.at(id)
	class := g.classes.join(v.Labels, n.space, "", nil)
	content := packNets(v.Nets)
	if class == n.class && content == n.nets {
		g.classes.leave(class)
		return
	}
	g.sets.moveNetset(id, class, content)
	n.nets = content
	g.enlist(id, class)
}

// enlist moves a network set, which has joined the class already, to the class's list.
func (g *Graph) enlist(id, class uint32) {
	n := g.netsets.at(id)
	if n.class != 0 {
		if n.next != 0 {
			g.netsets.at(n.next).prev = n.prev
		}
		if n.prev != 0 {
			g.netsets.at(n.prev).next = n.next
		} else {
			g.classes.classes.at(n.class).netsets = n.next
		}
		g.classes.leave(n.class)
	}
	n.class, n.prev, n.next = class, 0, 0
	if class == 0 {
		return
	}
	c := g.classes.classes.at(class)
	n.next = c.netsets
	if c.netsets != 0 {
		g.netsets.at(c.netsets).prev = id
	}
	c.netsets = id
}
