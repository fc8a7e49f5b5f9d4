package ipip

import (
	"net/netip"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
)

// Device is the name of the device.
const Device = "tunl0"

// Overhead is what the outer header takes of the underlay's MTU, in bytes.
const Overhead = 20

// kind is what the kernel calls the driver of IPIP devices.
const kind = "ipip"

// Settings are what may change while a Driver runs. The zero value is the default.
type Settings struct {
	// Off: there is to be no tunnel.
	Off bool
	// MTU is the device's, in bytes (IpInIpMtu); 0 means what the node's link leaves over.
	MTU int
	// FallbackMTU is taken for the link's where the node's address is on a loopback interface,
	// which says nothing of what leaves the node; 0 means 1500.
	FallbackMTU int
}

// Own is this node's end of the tunnels. The zero one says that none is wanted.
type Own struct {
	// Node is the node's own IPv4 address: the outer packets'.
	Node netip.Addr
	// Tunnel is the address on the device; invalid for none (yet).
	Tunnel netip.Addr
}

// Driver owns the device. It is not safe for concurrent use.
//
// It is told what is desired (Own), what the kernel reports (Handle, with events of links and
// of IPv4 addresses), and when to act (Apply). Only Apply touches the kernel.
type Driver struct {
	kernel   Kernel
	settings Settings
	own      Own

	links     map[int]Link
	addresses map[addressKey]bool
	// reason is why the device that is wanted cannot be; empty if it can.
	reason string
	device *reconcile.Tracker[string, Link]
	// held are the addresses on the device that are ours to keep or to remove.
	held *reconcile.Tracker[netip.Prefix, struct{}]
	// given is the address that we gave to the device, or found there while it was wanted.
	given netip.Prefix

	stale   bool
	retryAt time.Time
	inSync  bool
	repairs uint64
}

type addressKey struct {
	link   int
	prefix netip.Prefix
}

// Options for New. Kernel is required.
type Options struct {
	Kernel   Kernel
	Settings Settings
}

// How long to leave alone what the kernel refuses.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// New makes a Driver that wants no tunnel and knows nothing of the kernel yet.
func New(o Options) *Driver {
	retry := reconcile.Backoff(firstRetry, lastRetry)
	return &Driver{
		kernel: o.Kernel, settings: o.Settings,
		links: map[int]Link{}, addresses: map[addressKey]bool{},
		device: reconcile.New[string](reconcile.Options[Link]{Equal: sameLink, Retry: retry}),
		held: reconcile.New[netip.Prefix](reconcile.Options[struct{}]{
			Equal: func(_, _ struct{}) bool { return true }, Retry: retry,
		}),
		stale: true,
	}
}

// sameLink says whether two devices agree in what is ours to set.
func sameLink(a, b Link) bool { return a.Up == b.Up && a.MTU == b.MTU }

// Configure puts new settings into force.
func (d *Driver) Configure(s Settings) { d.settings = s }

// Own says what this node's own end is to be.
func (d *Driver) Own(o Own) { d.own = o }

// InSync says that everything has been told: what is not desired may go, and what stands may
// be altered.
func (d *Driver) InSync() {
	d.inSync = true
	d.held.InSync()
}

// Handle takes events in. Nothing is written before the next Apply.
func (d *Driver) Handle(events []Event) {
	for _, e := range events {
		settled := d.device.Settled() && d.held.Settled()
		switch {
		case e.Overrun:
			d.stale = true
		case e.Link != nil && e.Gone:
			d.linkGone(e.Link.Index)
		case e.Link != nil:
			d.links[e.Link.Index] = *e.Link
			d.observe()
		case e.Address != nil && family.OfPrefix(e.Address.Prefix) == family.V4:
			d.address(addressKey{e.Address.Link, e.Address.Prefix}, e.Gone)
			d.observe()
		}
		if settled && !(d.device.Settled() && d.held.Settled()) {
			d.repairs++
		}
	}
}

func (d *Driver) linkGone(index int) {
	delete(d.links, index)
	for k := range d.addresses {
		if k.link == index {
			delete(d.addresses, k)
		}
	}
	d.observe()
}

func (d *Driver) address(k addressKey, gone bool) {
	if gone {
		delete(d.addresses, k)
	} else {
		d.addresses[k] = true
	}
}

// standing is the link that has our name.
func (d *Driver) standing() (Link, bool) {
	for _, l := range d.links {
		if l.Name == Device {
			return l, true
		}
	}
	return Link{}, false
}

// observe tells the trackers what stands. A device that is not wanted is nobody's, but for
// the address that we gave it.
func (d *Driver) observe() {
	l, there := d.standing()
	if there && l.Kind == kind {
		d.device.Observe(Device, l)
	} else {
		d.device.ObserveGone(Device)
		d.device.Retry(Device)
	}
	d.held.ObserveAll(func(yield func(netip.Prefix, struct{}) bool) {
		for k := range d.addresses {
			mine := d.wanted() || k.prefix == d.given
			if there && k.link == l.Index && mine && !yield(k.prefix, struct{}{}) {
				return
			}
		}
	})
}

// wanted says whether there is to be a tunnel.
func (d *Driver) wanted() bool { return !d.settings.Off && d.own.Node.IsValid() }
