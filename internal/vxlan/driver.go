package vxlan

import (
	"maps"
	"net/netip"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/reconcile"
)

// Driver owns the device over one underlay family. It is not safe for concurrent use.
//
// It is told what is desired (Own, Want, Unwant), what the kernel reports (Handle, with the
// events of a Subscription made before the first Apply), and when to act (Apply). Only Apply
// touches the kernel.
type Driver struct {
	family   family.Family
	name     string
	kernel   Kernel
	sysctls  interfaces.Sysctls
	settings Settings

	// own is this node's end; of the zero one, no device is wanted.
	own   model.VTEP
	peers map[string]model.VTEP
	// macs and remotes are what the peers say of each tunnel address and each MAC.
	macs    claims[netip.Addr, model.MAC]
	remotes claims[model.MAC, netip.Addr]

	links     map[int]Link
	addresses map[addressKey]Address
	// reason is why the device that is wanted cannot be; empty if it can.
	reason string

	device *reconcile.Tracker[string, Link]
	// values are the sysctls of the device by path, and how checksums are made.
	values *reconcile.Tracker[string, string]
	// held are the addresses on the device; whether they can be used is their value.
	held       *reconcile.Tracker[netip.Prefix, bool]
	neighbours *reconcile.Tracker[netip.Addr, neighbour]
	forwarding *reconcile.Tracker[model.MAC, forward]

	// index is that of the device which the last three are about; zero for none.
	index int
	// stale: all is to be read again; fresh: what is on the device is; look: its values are.
	stale, fresh, look bool
	auditAt            time.Time // zero for never
	retryAt            time.Time
	inSync             bool
	repairs            uint64
}

type addressKey struct {
	link   int
	prefix netip.Prefix
}

// neighbour is the value of a neighbour entry.
type neighbour struct {
	mac model.MAC
	// ours: it is of the kind that we make.
	ours bool
}

// forward is the value of a forwarding entry.
type forward struct {
	remote netip.Addr
	ours   bool
}

// Options for New. All but Settings are required.
type Options struct {
	// Family is that of the underlay.
	Family   family.Family
	Kernel   Kernel
	Sysctls  interfaces.Sysctls
	Settings Settings
}

// How long to leave alone what the kernel refuses.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// New makes a Driver that wants no device and knows nothing of the kernel yet.
func New(o Options) *Driver {
	return &Driver{
		family: o.Family, name: DeviceName(o.Family), kernel: o.Kernel, sysctls: o.Sysctls, settings: o.Settings,
		peers: map[string]model.VTEP{}, macs: claims[netip.Addr, model.MAC]{}, remotes: claims[model.MAC, netip.Addr]{},
		links: map[int]Link{}, addresses: map[addressKey]Address{},
		device:     track[string](sameLink),
		values:     track[string](same[string]),
		held:       track[netip.Prefix](same[bool]),
		neighbours: track[netip.Addr](same[neighbour]),
		forwarding: track[model.MAC](same[forward]),
		stale:      true,
	}
}

func track[K comparable, V any](equal func(a, b V) bool) *reconcile.Tracker[K, V] {
	return reconcile.New[K](reconcile.Options[V]{Equal: equal, Retry: reconcile.Backoff(firstRetry, lastRetry)})
}

func same[V comparable](a, b V) bool { return a == b }

// sameLink says whether two devices differ in nothing but their index.
func sameLink(a, b Link) bool {
	a.Index, b.Index = 0, 0
	return a == b
}

// Configure puts new settings into force.
func (d *Driver) Configure(s Settings) {
	d.look = d.look || d.settings != s
	d.settings = s
}

// Own says what this node's own end is to be. One without an Underlay of the driver's family
// says that no device is wanted.
func (d *Driver) Own(v model.VTEP) {
	if v.Underlay.IsValid() && v.Family() != d.family {
		v = model.VTEP{}
	}
	d.look = d.look || d.own != v
	d.own = v
	d.desireAddresses()
}

// Want makes another node's end known, or changes it. One of the other underlay is ignored.
func (d *Driver) Want(v model.VTEP) {
	if !v.Underlay.IsValid() || v.Family() != d.family || d.peers[v.Node] == v {
		return
	}
	d.Unwant(v.Node)
	d.peers[v.Node] = v
	d.remotes.add(v.MAC, v.Node, v.Underlay)
	d.settleMAC(v.MAC)
	for _, a := range tunnelAddresses(v) {
		d.macs.add(a, v.Node, v.MAC)
		d.settleAddress(a)
	}
}

// Unwant forgets another node's end.
func (d *Driver) Unwant(node string) {
	v, known := d.peers[node]
	if !known {
		return
	}
	delete(d.peers, node)
	d.remotes.remove(v.MAC, node)
	d.settleMAC(v.MAC)
	for _, a := range tunnelAddresses(v) {
		d.macs.remove(a, node)
		d.settleAddress(a)
	}
}

func (d *Driver) settleMAC(mac model.MAC) {
	if _, remote, ok := d.remotes.of(mac); ok {
		d.forwarding.Desire(mac, forward{remote, true})
	} else {
		d.forwarding.Undesire(mac)
	}
}

func (d *Driver) settleAddress(a netip.Addr) {
	if _, mac, ok := d.macs.of(a); ok {
		d.neighbours.Desire(a, neighbour{mac, true})
	} else {
		d.neighbours.Undesire(a)
	}
}

// tunnelAddresses are those that a node has, IPv4 first.
func tunnelAddresses(v model.VTEP) []netip.Addr {
	var out []netip.Addr
	for _, f := range family.All() {
		if a := v.Addresses.Get(f); a.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

func (d *Driver) desireAddresses() {
	want := map[netip.Prefix]bool{}
	for _, a := range tunnelAddresses(d.own) {
		want[family.HostPrefix(a)] = true
	}
	before := maps.Collect(d.held.AllDesired())
	for p := range before {
		if !want[p] {
			d.held.Undesire(p)
		}
	}
	for p := range want {
		d.held.Desire(p, true)
	}
}

// InSync says that everything has been told: what is not desired may go, and what stands
// may be altered.
func (d *Driver) InSync() {
	d.inSync = true
	d.device.InSync()
	d.held.InSync()
	d.neighbours.InSync()
	d.forwarding.InSync()
}
