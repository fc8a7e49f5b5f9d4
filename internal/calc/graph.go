package calc

import (
	"net/netip"

	"github.com/margay-net/margay/internal/model"
)

// Options say which node the graph is for.
type Options struct {
	// Node is the name of this node, as Node objects and pods give it.
	Node string
}

// Graph takes in events and hands over batches. It is not safe for concurrent use. See
// the package's description for its parts and how they hang together.
type Graph struct {
	inSync    bool
	classes   *classStore
	nodes     *names
	pods      *podTable
	ipam      *ipam
	addresses *addresses
	blocks    map[model.Key]*block
	netsets   slab[netset]
	netsetIDs map[model.Key]uint32
	sets      *sets
	policies  *policies
	endpoints *endpoints
	tunnels   *tunnels
	own       *own
	keys      *encryption
	routes    *routes
	pools     *pools
	poolCIDRs map[model.Key]netip.Prefix
	hosts     *hosts
	problems  ledger[model.Key, []model.Problem]
}

// New makes a graph that knows nothing yet.
func New(o Options) *Graph {
	g := &Graph{
		classes:   newClassStore(),
		nodes:     &names{ids: map[string]uint32{}},
		ipam:      newIPAM(),
		blocks:    map[model.Key]*block{},
		netsetIDs: map[model.Key]uint32{},
		pools:     &pools{byCIDR: map[netip.Prefix][]namedPool{}, ledger: newLedger[netip.Prefix](same[model.NATPool])},
		poolCIDRs: map[model.Key]netip.Prefix{},
		hosts:     &hosts{byAddress: map[netip.Addr][]string{}, ledger: newLedger[netip.Addr](same[model.Host])},
		problems:  newLedger[model.Key](sameProblems),
	}
	index := g.classes.index
	g.pods = &podTable{heritage: g.classes.heritage}
	g.addresses = &addresses{
		claimStore: claimStore{pods: g.pods, seed: g.classes.seed},
		ipam:       g.ipam, unsure: map[uint32]struct{}{},
	}
	g.sets = &sets{classes: g.classes, index: index, pods: g.pods, addresses: g.addresses, netsets: &g.netsets}
	g.policies = &policies{
		index: index, sets: g.sets, active: map[uint32]*activePolicy{},
		order: &ordering{tiers: map[string]*model.Tier{}}, problems: g.problems.mark,
	}
	g.endpoints = newEndpoints(o.Node, g)
	g.policies.changed, g.policies.entered, g.policies.left = g.endpoints.changed, g.endpoints.entered, g.endpoints.left
	g.ipam.interfaceOf = g.endpoints.interfaceOf
	g.tunnels = newTunnels(o.Node, g)
	g.own = newOwn(o.Node, g)
	g.keys = newEncryption(o.Node, g)
	g.routes = newRoutes(o.Node, g)
	g.tunnels.changed = g.routes.reachability
	return g
}

// Update takes in an event. A value of a type that does not belong to the key's kind
// counts as none.
func (g *Graph) Update(e model.Event) {
	switch key := e.Key; key.Kind {
	case model.KindPod:
		v, _ := e.Value.(*model.Pod)
		g.updatePod(key, v)
	case model.KindNamespace:
		v, _ := e.Value.(*model.Namespace)
		g.updateNamespace(key, v)
	case model.KindServiceAccount:
		v, _ := e.Value.(*model.ServiceAccount)
		g.updateServiceAccount(key, v)
	case model.KindKubernetesPolicy, model.KindPolicy, model.KindGlobalPolicy:
		v, _ := e.Value.(*model.Policy)
		g.policies.update(key, v)
	case model.KindTier:
		v, _ := e.Value.(*model.Tier)
		g.updateTier(key, v)
	case model.KindNetworkSet, model.KindGlobalNetworkSet:
		v, _ := e.Value.(*model.NetworkSet)
		g.updateNetworkSet(key, v)
	case model.KindPool:
		v, _ := e.Value.(*model.Pool)
		g.updatePool(key, v)
	case model.KindBlock:
		v, _ := e.Value.(*model.Block)
		g.updateBlock(key, v)
	case model.KindNode:
		v, _ := e.Value.(*model.Node)
		g.updateNode(key, v)
	case model.KindService:
		v, _ := e.Value.(*model.Service)
		g.updateService(key, v)
	case model.KindStandingRoute:
		v, _ := e.Value.(*model.StandingRoutes)
		g.updateStandingRoutes(key, v)
	}
}

// Configure puts settings into force. A new graph has the zero Settings.
func (g *Graph) Configure(s Settings) {
	if s == g.tunnels.settings {
		return
	}
	g.tunnels.settings = s
	g.tunnels.refreshAll()
	g.own.mark()
	g.complainOfNode(g.own.node)
	g.routes.markAll()
}

// node is the Node of a name, nil if there is none.
func (g *Graph) node(name string) *model.Node { return g.ipam.nodes[g.nodes.ids[name]] }

// eachNode yields the names of all Nodes.
func (g *Graph) eachNode(yield func(name string)) {
	for id := range g.ipam.nodes {
		yield(g.nodes.text(id))
	}
}

// SetInSync says that every source has been read in full.
func (g *Graph) SetInSync() { g.inSync = true }

// Flush returns what has changed since the last Flush, less what has cancelled out.
func (g *Graph) Flush() *Batch {
	b := &Batch{InSync: g.inSync}
	g.endpoints.resolve()
	g.addresses.settle(g.lost, g.gained, g.looked)
	g.policies.flush(b)
	g.policies.order.settle(&g.policies.rows, g.policies.active)
	g.endpoints.flush(b)
	g.sets.flush(b)
	g.tunnels.flush(b)
	g.own.flush(b)
	g.keys.flush(b)
	g.routes.flush(b)
	g.pools.flush(b)
	g.hosts.flush(b)
	g.flushProblems(b)
	return b
}

// lost follows an address away from a pod to all who care.
func (g *Graph) lost(pod uint32, a address) {
	g.sets.lost(pod, a.addr())
	g.passed(pod, a)
}

// gained follows an address to a pod.
func (g *Graph) gained(pod uint32, a address) {
	g.sets.gained(pod, a.addr())
	g.passed(pod, a)
}

func (g *Graph) passed(pod uint32, a address) {
	if l := g.endpoints.locals[pod]; l != nil {
		g.routes.markPod(a.addr())
		g.endpoints.ledger.mark(l.key)
	}
}

// looked follows a pod whose addresses have been looked at.
func (g *Graph) looked(pod uint32) {
	if l := g.endpoints.locals[pod]; l != nil {
		g.problems.mark(l.key)
	}
}

// shown follows a pod of this node that has come or gone, or has got or lost its interface.
func (g *Graph) shown(pod uint32) {
	g.addresses.choose(pod)
	g.addresses.of(pod, func(_ uint32, c *claim) {
		if c.counted {
			g.routes.markPod(c.address.addr())
		}
	})
	g.problems.mark(g.pods.key(pod))
}
