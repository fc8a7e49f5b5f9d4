package routes

import (
	"net/netip"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/reconcile"
)

// Driver owns the routes of one family. It is not safe for concurrent use.
//
// It is told three things: what is desired (Want, Claim and their opposites), what the
// kernel reports (Handle, with the events of a Subscription made before the first
// Apply), and when to act (Apply). Only Apply touches the kernel.
type Driver struct {
	family   family.Family
	kernel   Kernel
	flusher  Flusher
	feed     *Feed
	settings Settings
	traits   traits
	// switchedOff is why there is no route if the family is off.
	switchedOff string

	wishes map[netip.Prefix]*wish
	// onInterface are the pods' destinations by their interface, remote those that
	// depend on the node's addresses.
	onInterface map[string]map[netip.Prefix]bool
	remote      map[netip.Prefix]bool
	// pins counts, for each pinned gateway, the wishes that need it.
	pins map[Key]*pin
	// claimed are the interfaces that have an endpoint.
	claimed map[string]bool

	view    view
	tracker *reconcile.Tracker[Key, Route]
	// onPods are all routes on pod interfaces, whoever made them, by interface.
	onPods map[int]map[Key]Route
	// strangers are routes that stand where one of ours should.
	strangers map[Key]Route
	// proxied is the key of the route to the proxied gateway while it is desired.
	proxied *Key

	dirty   map[netip.Addr]*dirt
	former  map[netip.Addr]string // see Remember
	fights  fights
	repairs uint64 // of what somebody else has changed
	// stale: what we know of the kernel is not to be relied on.
	stale bool
	// unsettled: nothing has been read yet. What is desired is gone through when it has.
	unsettled bool
	// waiting: a removal waits for the graph to hear of what it would remove.
	waiting bool
	retryAt time.Time // of a full read that has failed
	inSync  bool
	// settledOnce: everything has been written once since the source was in sync.
	settledOnce bool
}

// wish is a desired destination, and what has become of it. There are many: the route itself is
// in the tracker only.
type wish struct {
	route  model.Route
	reason string // why there is no route; see resolution
	idle   bool
	key    Key
	placed bool // the tracker knows it under key
	pin    Key
	pinned bool // it counts among those that need pin
}

// Options for New. Family, Kernel and Flusher are required.
type Options struct {
	Family   family.Family
	Kernel   Kernel
	Flusher  Flusher
	Feed     *Feed // of both families' drivers; nil for none
	Settings Settings
}

// New makes a Driver that desires nothing and knows nothing of the kernel yet.
func New(o Options) *Driver {
	return &Driver{
		family: o.Family, kernel: o.Kernel, flusher: o.Flusher, feed: o.Feed,
		settings: o.Settings, traits: traitsOf(o.Family),
		switchedOff: o.Family.String() + " is switched off",
		wishes:      map[netip.Prefix]*wish{},
		onInterface: map[string]map[netip.Prefix]bool{},
		remote:      map[netip.Prefix]bool{},
		pins:        map[Key]*pin{},
		claimed:     map[string]bool{},
		view:        newView(),
		tracker: reconcile.New[Key](reconcile.Options[Route]{
			Equal: func(a, b Route) bool { return a == b },
			Retry: reconcile.Backoff(firstRetry, lastRetry),
		}),
		onPods:    map[int]map[Key]Route{},
		strangers: map[Key]Route{},
		dirty:     map[netip.Addr]*dirt{},
		fights:    fights{},
		stale:     true,
		unsettled: true,
	}
}

// How long to leave a route alone that the kernel refuses. What makes it possible is
// usually an event, which does not wait for this.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// Want makes a destination desired, or changes what is desired of it. One of the other
// family is ignored.
func (d *Driver) Want(m model.Route) {
	if family.OfPrefix(m.Destination) != d.family {
		return
	}
	w, ok := d.wishes[m.Destination]
	if !ok {
		w = &wish{}
		d.wishes[m.Destination] = w
	} else if w.route == m {
		return
	} else if w.route.Interface != m.Interface {
		d.soil(w)
	}
	d.unlist(w.route)
	w.route = m
	d.list(m)
	d.adopt(m.Interface)
	if d.unsettled { // there is nothing yet to settle it by
		w.reason = "the kernel has not been read yet"
		return
	}
	d.settle(w)
}

// Unwant makes a destination undesired.
func (d *Driver) Unwant(destination netip.Prefix) {
	w, ok := d.wishes[destination]
	if !ok {
		return
	}
	d.soil(w)
	d.unlist(w.route)
	delete(d.wishes, destination)
	if w.placed {
		d.undesire(w.key)
	}
	d.unpin(w)
}

// Claim says that an endpoint has the interface: from now on, all routes on it are ours.
func (d *Driver) Claim(name string) {
	if d.claimed[name] {
		return
	}
	d.claimed[name] = true
	d.adopt(name)
	d.settleProxied()
}

// Release says that no endpoint has the interface any more. Routes of ours that still
// stand on it remain ours until they are gone; new ones are left alone.
func (d *Driver) Release(name string) {
	delete(d.claimed, name)
	d.settleProxied()
}

// InSync says that all sources have been read: what is not desired by now may go.
func (d *Driver) InSync() {
	d.inSync = true
	d.tracker.InSync()
}

// Configure puts new settings into force.
func (d *Driver) Configure(s Settings) {
	d.settings = s
	d.stale = true // what counts as a pod interface, or as ours, may be others now
	if !d.unsettled {
		d.settleAll()
	}
}

func (d *Driver) list(m model.Route) {
	switch m.Kind {
	case model.RouteLocalPod:
		if d.onInterface[m.Interface] == nil {
			d.onInterface[m.Interface] = map[netip.Prefix]bool{}
		}
		d.onInterface[m.Interface][m.Destination] = true
	case model.RouteRemote:
		d.remote[m.Destination] = true
	}
}

func (d *Driver) unlist(m model.Route) {
	delete(d.remote, m.Destination)
	delete(d.onInterface[m.Interface], m.Destination)
	if len(d.onInterface[m.Interface]) == 0 {
		delete(d.onInterface, m.Interface)
	}
}

// settle brings the tracker up to date with one wish.
func (d *Driver) settle(w *wish) {
	d.settleBy(d.resolver(), w)
}

func (d *Driver) settleBy(by resolver, w *wish) {
	now := by.resolve(&w.route, d.switchedOff)
	if w.pinned && w.pin != now.pin.Key() {
		d.unpin(w)
	}
	w.reason, w.idle = now.reason, now.idle
	key := now.route.Key()
	wanted := now.reason == ""
	if w.placed && (!wanted || w.key != key) {
		d.undesire(w.key)
	}
	if wanted {
		d.pinGateway(w, now.pin)
		d.tracker.Desire(key, now.route)
	}
	w.key, w.placed = key, wanted
	if wanted {
		d.compareWithFormer(w)
	}
}

func (d *Driver) resolver() resolver {
	return resolver{settings: &d.settings, traits: d.traits, view: &d.view}
}

func (d *Driver) settleAll() {
	d.unsettled = false
	d.tracker.Reserve(len(d.wishes))
	by := d.resolver()
	for _, w := range d.wishes {
		d.settleBy(by, w)
	}
	d.settleProxied()
}

func (d *Driver) settleThese(destinations map[netip.Prefix]bool) {
	by := d.resolver()
	for dst := range destinations {
		d.settleBy(by, d.wishes[dst])
	}
}

// settleProxied wants or unwants the route to the proxied gateway.
func (d *Driver) settleProxied() {
	r, wanted := d.resolver().proxiedGateway(len(d.claimed) > 0)
	if wanted {
		key := r.Key()
		d.tracker.Desire(key, r)
		d.proxied = &key
	} else if d.proxied != nil {
		d.tracker.Undesire(*d.proxied)
		d.proxied = nil
	}
}
