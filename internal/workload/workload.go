// Package workload makes clusters to measure with: nodes, pods, blocks, network sets and
// policies in the proportions of real ones, always the same for the same size and seed.
// Benchmarks feed them to the graph and to whole agents, and so can people, as YAML.
//
// Every object has a random stream of its own, keyed by seed, kind and index: growing
// one number leaves all other objects as they were.
//
// The package owns nothing in the kernel. It is for tests and benchmarks only.
package workload

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// Size says how big a cluster is.
type Size struct {
	Nodes      int // the local one included
	Local      int // pods on the local node
	Remote     int // pods on all others together
	Policies   int // beside the probe policy
	Namespaces int
	NetSets    int
	Families   family.Set
	Seed       uint64
}

// Small is a cluster of ten nodes beside the own, for tries.
func Small() Size {
	return Size{Nodes: 11, Local: 10, Remote: 100, Policies: 20, Namespaces: 5, NetSets: 4, Families: family.Both, Seed: 1}
}

// Medium is a cluster of 101 nodes; docs/performance.md has its figures, and Large's.
func Medium() Size {
	return Size{Nodes: 101, Local: 100, Remote: 5_000, Policies: 500, Namespaces: 25, NetSets: 50, Families: family.Both, Seed: 1}
}

// Large is a cluster of 1,001 nodes.
func Large() Size {
	return Size{Nodes: 1_001, Local: 250, Remote: 50_000, Policies: 2_000, Namespaces: 100, NetSets: 200, Families: family.Both, Seed: 1}
}

// LocalNode is the node whose agent is measured.
const LocalNode = "node-0000"

// blockSize is the number of addresses in a block: /26 and /122.
const blockSize = 64

// applications is the number of applications in each namespace.
const applications = 20

// Cluster is a cluster of some size. Its objects are made as they are asked for.
type Cluster struct {
	size   Size
	homes  []home  // of each pod: local ones first
	blocks []block // in the order of their addresses
	byNode [][]int // indexes of each node's blocks
}

// home is where a pod lives: a place in a block.
type home struct{ block, place int }

// block is one block of each family, the same places taken in both.
type block struct {
	node int
	pods [blockSize]int // index of the pod, or free or tunnel
}

// What else than a pod a place can hold.
const (
	free   = -1
	tunnel = -2
)

// New plans a cluster.
func New(size Size) *Cluster {
	c := &Cluster{size: size, byNode: make([][]int, size.Nodes)}
	for node := range size.Nodes {
		c.blocks[c.addBlock(node)].pods[0] = tunnel
	}
	for pod := range size.Local {
		c.settle(pod, 0)
	}
	c.addBlock(0) // kept free for LocalPod
	for i := range size.Remote {
		c.settle(size.Local+i, 1+i%(size.Nodes-1))
	}
	return c
}

func (c *Cluster) addBlock(node int) int {
	b := block{node: node}
	for i := range b.pods {
		b.pods[i] = free
	}
	c.blocks = append(c.blocks, b)
	c.byNode[node] = append(c.byNode[node], len(c.blocks)-1)
	return len(c.blocks) - 1
}

// settle gives a pod the first free place of its node.
func (c *Cluster) settle(pod, node int) {
	for _, b := range c.byNode[node] {
		for place, taken := range c.blocks[b].pods {
			if taken == free {
				c.blocks[b].pods[place] = pod
				c.homes = append(c.homes, home{b, place})
				return
			}
		}
	}
	c.addBlock(node)
	c.settle(pod, node)
}

// random is the stream of the i-th object of a kind.
func (c *Cluster) random(kind string, i int) *rand.Rand {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%d", c.size.Seed, kind, i))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])))
}

// pools are the cluster's pools, of which block i is the i-th part.
func pool(f family.Family) netip.Prefix {
	return family.PairOf(netip.MustParsePrefix("10.240.0.0/12"), netip.MustParsePrefix("fd00:10:240::/48")).Get(f)
}

// plus is the n-th address after a.
func plus(a netip.Addr, n int) netip.Addr {
	b := a.AsSlice()
	for i := len(b) - 1; i >= 0 && n > 0; i-- {
		n += int(b[i])
		b[i] = byte(n)
		n >>= 8
	}
	sum, _ := netip.AddrFromSlice(b)
	return sum
}

func address(f family.Family, h home) netip.Addr {
	return plus(pool(f).Addr(), h.block*blockSize+h.place)
}

func blockCIDR(f family.Family, b int) netip.Prefix {
	return netip.PrefixFrom(address(f, home{b, 0}), f.Bits()-6)
}

// NodeName is the name of the i-th node.
func NodeName(i int) string { return fmt.Sprintf("node-%04d", i) }

// NodeAddress is the i-th node's address with its subnet.
func NodeAddress(f family.Family, i int) netip.Prefix {
	if f == family.V4 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 20, byte(i / 250), byte(i%250 + 1)}), 16)
	}
	return netip.PrefixFrom(plus(netip.MustParseAddr("fd20::"), i+1), 64)
}

func namespaceName(i int) string { return fmt.Sprintf("ns-%03d", i) }

func applicationName(i int) string { return fmt.Sprintf("app-%02d", i) }
