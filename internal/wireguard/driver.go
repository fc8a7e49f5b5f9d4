package wireguard

import (
	"errors"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
)

// Driver keeps one family's tunnel. It is not safe for concurrent use.
//
// It is told who the other nodes are and what lies behind them, what the kernel reports
// (Handle), and when to act (Apply). Only Apply touches the kernel.
type Driver struct {
	family   family.Family
	tunnel   Tunnel
	kernel   Kernel
	maker    Maker
	settings Settings
	key      PrivateKey

	nodes nodes
	// touched are the nodes whose peers and routes are to be worked out again.
	touched map[string]bool
	// peers are the keys that nodes have as peers now.
	peers map[string]Key
	// routed are the destinations that have routes because of a node.
	routed map[string]map[netip.Prefix]bool

	tracker tracker
	// link is the device as it was last seen; its index is zero while there is none.
	link Link
	// fresh are new peers, with the time to look at them again; greetAt is the first of these.
	fresh   map[Key]time.Time
	greetAt time.Time
	// former are settings that were in force before, whose traces in the kernel are to go.
	former []Settings
	// stale: what we know of the kernel is not to be relied on.
	stale   bool
	inSync  bool
	retryAt time.Time // of what has failed as a whole
	trouble error
}

// Options for New. All but Settings are required.
type Options struct {
	Family   family.Family
	Tunnel   Tunnel
	Kernel   Kernel
	Maker    Maker
	Key      PrivateKey
	Settings Settings
}

// How long to leave alone what the kernel refuses, and the pause after it could not be read.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
	readRetry  = time.Second
)

// New makes a Driver that desires nothing and knows nothing of the kernel yet.
func New(o Options) *Driver {
	d := &Driver{
		family: o.Family, tunnel: o.Tunnel, kernel: o.Kernel, maker: o.Maker, key: o.Key,
		nodes: newNodes(), touched: map[string]bool{}, peers: map[string]Key{}, routed: map[string]map[netip.Prefix]bool{},
		fresh: map[Key]time.Time{},
	}
	d.nodes.own = o.Key.Public()
	d.begin(o.Settings)
	return d
}

// Configure puts settings into force; the same again change nothing. With new ones all is compared
// anew with what the kernel has, and what is right stays as it is, sessions included.
func (d *Driver) Configure(s Settings) {
	if !reflect.DeepEqual(s, d.settings) {
		d.begin(s)
	}
}

// begin begins with settings of which nothing is in the kernel yet, as far as is known.
func (d *Driver) begin(s Settings) {
	if old := d.settings; !old.Off() && (old.Name != s.Name || old.Table != s.Table || old.Priority != s.Priority || s.Off()) {
		d.former = append(d.former, old)
	}
	d.settings = s
	d.tracker = newTracker()
	if d.inSync {
		d.tracker.InSync()
	}
	clear(d.peers)
	clear(d.routed)
	d.link = Link{}
	d.touchAll()
	d.wantRules()
	for _, a := range s.Addresses {
		d.tracker.addresses.Desire(a, struct{}{})
	}
	d.stale, d.retryAt = true, time.Time{}
}

// touchAll has everything worked out anew.
func (d *Driver) touchAll() {
	for name := range d.nodes.byName {
		d.touched[name] = true
	}
	for name := range d.nodes.behind {
		d.touched[name] = true
	}
}

// Use makes devices from now on by another Maker; one that this does not take is replaced.
func (d *Driver) Use(m Maker) {
	if m != d.maker {
		d.maker, d.stale = m, true
	}
}

// Handle takes events in. What is written by us and by nobody else must not be among them.
func (d *Driver) Handle(events []rtnetlink.Event) {
	s := d.settings
	for _, e := range events {
		switch {
		case e.Overrun,
			e.Link != nil && e.Link.Name == s.Name && (e.Gone || linkOf(*e.Link) != d.link),
			e.Address != nil && e.Address.Link == d.link.Index && !e.Address.Prefix.Addr().IsLinkLocalUnicast(),
			e.Route != nil && e.Route.Table == s.Table,
			e.Rule != nil && e.Rule.Priority == s.Priority:
			d.stale = true
		}
	}
}

// Running is the kind of the device that there is: "kernel" or "user space"; empty for none.
func (d *Driver) Running() string {
	return map[string]string{kindKernel: "kernel", kindTun: "user space"}[d.link.Kind]
}

// Peers are the peers as the device has them now, by their nodes: with their last handshake, and
// what has passed.
func (d *Driver) Peers() (map[string]Peer, error) {
	if d.link.Index == 0 {
		return nil, nil
	}
	device, err := d.tunnel.Read(d.settings.Name)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Peer, len(d.peers))
	for node, k := range d.peers {
		if p, there := device.Peers[k]; there {
			out[node] = p
		}
	}
	return out, nil
}

// SetKey changes the node's own key. Sessions end: the others do not know the new key yet.
func (d *Driver) SetKey(k PrivateKey) {
	if k == d.key {
		return
	}
	d.key = k
	d.nodes.own = k.Public()
	d.touchAll()
	d.stale = true
}

// Resync has all compared with what the kernel has: somebody else has changed something of ours,
// or news of it may have been lost.
func (d *Driver) Resync() { d.stale = true }

// PutNode says what there is to know of another node.
func (d *Driver) PutNode(n Node) { d.touch(d.nodes.put(n)) }

// RemoveNode says that a node is gone.
func (d *Driver) RemoveNode(name string) { d.touch(d.nodes.remove(name)) }

// Route says that a destination lies behind a node.
func (d *Driver) Route(to netip.Prefix, node string) { d.touch(d.nodes.place(to, node)) }

// Unroute says that a destination lies behind no other node.
func (d *Driver) Unroute(to netip.Prefix) { d.touch(d.nodes.place(to, "")) }

func (d *Driver) touch(names []string) {
	for _, n := range names {
		d.touched[n] = true
	}
}

// InSync lets what is not wanted be removed: the source has been read in full.
func (d *Driver) InSync() {
	d.inSync = true
	d.tracker.InSync()
}

// samePeer compares what is written of a peer. The endpoint that is read is where the peer was last
// heard from; one that has wandered off is put back when all is compared anew.
func samePeer(a, b Peer) bool {
	return a.Endpoint == b.Endpoint && a.KeepAlive == b.KeepAlive && slices.Equal(a.Allowed, b.Allowed)
}

// Errors are the nodes that have a key and cannot be peers, with the reason.
func (d *Driver) Errors() map[string]error {
	out := map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(d.nodes.byName)) {
		if err := d.nodes.check(name); err != nil && !errors.Is(err, noKey{}) {
			out[name] = err
		}
	}
	return out
}
