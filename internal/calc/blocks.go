package calc

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// block is what is kept of an IPAM block.
type block struct {
	cidr    netip.Prefix
	node    uint32
	entries []blockEntry // sorted
}

// blockEntry is an address that is in use: by a pod, or by something else of a node.
type blockEntry struct {
	address address
	pod     uint32 // 0 if not a pod
	node    uint32 // 0 if unknown
}

func compareEntries(a, b blockEntry) int {
	if c := bytes.Compare(a.address[:], b.address[:]); c != 0 {
		return c
	}
	if a.pod != b.pod {
		return int(a.pod) - int(b.pod)
	}
	return int(a.node) - int(b.node)
}

// updateBlock takes in an IPAM block, or, with nil, that it is gone. Only entries that
// differ are looked at further: a block changes with every pod that comes or goes.
func (g *Graph) updateBlock(key model.Key, v *model.Block) {
	old := g.blocks[key]
	if old == nil && v == nil {
		return
	}
	var now *block
	if v != nil {
		now = g.readBlock(v)
		g.blocks[key] = now
	} else {
		now = &block{}
		delete(g.blocks, key)
	}
	if old == nil {
		old = &block{}
	}
	g.own.updateBlock(key, now, v != nil && g.nodes.text(now.node) == g.own.node && now.node != 0)
	g.problems.mark(key)
	g.coverBlock(old, now)
	moved := old.cidr != now.cidr || old.node != now.node
	g.diffEntries(now, old, moved, g.addEntry)
	g.diffEntries(old, now, moved, g.removeEntry)
	g.letGo(old)
}

// readBlock keeps the names of the block's nodes and the rows of its pods, until letGo.
func (g *Graph) readBlock(v *model.Block) *block {
	b := &block{cidr: plain(v.CIDR), node: g.nodes.hold(v.Node)}
	for _, a := range v.Allocations {
		if !a.Address.IsValid() {
			continue
		}
		e := blockEntry{address: addressOf(a.Address), node: g.nodes.hold(a.Node)}
		if a.Pod != "" {
			e.pod = g.pods.hold(a.Namespace, a.Pod)
		}
		b.entries = append(b.entries, e)
	}
	slices.SortFunc(b.entries, compareEntries)
	return b
}

func (g *Graph) letGo(b *block) {
	g.nodes.release(b.node)
	for _, e := range b.entries {
		g.nodes.release(e.node)
	}
}

// coverBlock follows the block's range and its node.
func (g *Graph) coverBlock(old, now *block) {
	if old.cidr == now.cidr && old.node == now.node {
		return
	}
	if old.cidr != now.cidr {
		g.ipam.cover(now.cidr, +1)
		g.ipam.cover(old.cidr, -1)
		g.addresses.doubt(now.cidr, old.cidr)
	}
	g.routes.back(now.cidr, backing{ownBlock, g.nodes.text(now.node)})
	g.routes.unback(old.cidr, backing{ownBlock, g.nodes.text(old.node)})
}

// diffEntries yields the entries of b that are not in c, or all of them.
func (g *Graph) diffEntries(b, c *block, all bool, yield func(*block, blockEntry)) {
	rest := c.entries
	for _, e := range b.entries {
		for len(rest) > 0 && compareEntries(rest[0], e) < 0 {
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0] == e {
			rest = rest[1:]
			if !all {
				continue
			}
		}
		yield(b, e)
	}
}

func (g *Graph) addEntry(b *block, e blockEntry) {
	if e.pod != 0 {
		g.addresses.allocate(e.pod, e.address, +1)
	}
	if e.node != b.node {
		g.routes.back(family.HostPrefix(e.address.addr()), backing{borrowed, g.nodes.text(e.node)})
	}
}

func (g *Graph) removeEntry(b *block, e blockEntry) {
	if e.pod != 0 {
		g.addresses.allocate(e.pod, e.address, -1)
	}
	if e.node != b.node {
		g.routes.unback(family.HostPrefix(e.address.addr()), backing{borrowed, g.nodes.text(e.node)})
	}
}
