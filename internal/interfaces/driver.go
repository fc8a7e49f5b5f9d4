package interfaces

import (
	"net/netip"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/reconcile"
)

// Driver keeps the interfaces of one family. It is not safe for concurrent use. Only
// Apply touches the kernel.
type Driver struct {
	family   family.Family
	kernel   Kernel
	sysctls  Sysctls
	settings Settings

	links  map[int]Link
	byName map[string]int
	// spoofing are the interfaces whose pods may send from other addresses.
	spoofing map[string]bool
	// fresh are the interfaces whose sysctls are to be read again.
	fresh map[string]bool

	values    *reconcile.Tracker[valueKey, string]
	addresses *reconcile.Tracker[addressKey, bool]

	host host
	// stale: links and addresses are to be read again.
	stale   bool
	retryAt time.Time
	// auditAt is when everything is read again; zero for never.
	auditAt time.Time
}

// valueKey names a sysctl of an interface.
type valueKey struct{ link, path string }

// addressKey names an address of a link; its value says whether it can be used, which
// an address under duplicate address detection cannot.
type addressKey struct {
	link   int
	prefix netip.Prefix
}

// Options for New. All but Settings are required.
type Options struct {
	Family   family.Family
	Kernel   Kernel
	Sysctls  Sysctls
	Settings Settings
}

// How long to leave alone what the kernel refuses.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// New makes a Driver that knows nothing of the kernel yet.
func New(o Options) *Driver {
	d := &Driver{family: o.Family, kernel: o.Kernel, sysctls: o.Sysctls, spoofing: map[string]bool{}}
	d.Configure(o.Settings)
	return d
}

// Configure puts new settings into force. Everything is looked at once more: the settings
// decide what there is to look at.
func (d *Driver) Configure(s Settings) {
	retry := reconcile.Backoff(firstRetry, lastRetry)
	d.settings = s
	d.links, d.byName, d.fresh = map[int]Link{}, map[string]int{}, map[string]bool{}
	d.values = reconcile.New[valueKey](reconcile.Options[string]{
		Equal: func(a, b string) bool { return a == b }, Retry: retry,
	})
	d.addresses = reconcile.New[addressKey](reconcile.Options[bool]{
		Equal: func(a, b bool) bool { return a == b }, Retry: retry,
	})
	d.host = host{due: true}
	d.stale, d.auditAt = true, time.Time{}
}

// AllowSpoofing says whether the pod behind an interface may send from addresses that
// are not its own.
func (d *Driver) AllowSpoofing(name string, allowed bool) {
	if d.spoofing[name] == allowed {
		return
	}
	delete(d.spoofing, name)
	if allowed {
		d.spoofing[name] = true
	}
	d.look(name)
}

// Handle takes events in. Nothing is written before the next Apply.
func (d *Driver) Handle(events []Event) {
	for _, e := range events {
		switch {
		case e.Overrun:
			d.stale = true
		case e.Link != nil && e.Gone:
			d.linkGone(e.Link.Index)
		case e.Link != nil:
			d.linkThere(*e.Link)
		case e.Address != nil:
			d.address(*e.Address, e.Gone)
		case e.Setting != nil:
			d.setting(e.Setting.Link)
		}
	}
}

// setting looks again at what somebody has set, or we have: what is right is not written
// again, so our own writes end it.
func (d *Driver) setting(link int) {
	if link == rtnetlink.AllLinks {
		d.host.due = true
	} else if l, there := d.links[link]; there {
		d.look(l.Name)
	}
}

func (d *Driver) linkThere(l Link) {
	old, had := d.links[l.Index]
	if had && old == l {
		return
	}
	if had && old.Name != l.Name {
		d.linkGone(l.Index)
	}
	d.links[l.Index] = l
	d.byName[l.Name] = l.Index
	if !l.Up {
		d.dropAddresses(l.Index) // IPv6 addresses go when a link goes down
	}
	d.look(l.Name)
}

func (d *Driver) linkGone(index int) {
	l, had := d.links[index]
	if !had {
		return
	}
	for _, v := range d.desiredValues(l.Name) {
		d.values.Undesire(valueKey{l.Name, v.path})
		d.values.ObserveGone(valueKey{l.Name, v.path})
	}
	d.dropAddresses(index)
	delete(d.links, index)
	delete(d.fresh, l.Name)
	if d.byName[l.Name] == index {
		delete(d.byName, l.Name)
	}
}

// dropAddresses forgets the addresses of a link that has gone, or is down.
func (d *Driver) dropAddresses(link int) {
	for _, p := range Gateways(d.family) {
		d.addresses.Undesire(addressKey{link, p})
		d.addresses.ObserveGone(addressKey{link, p})
	}
}

// look marks an interface to be looked at by the next Apply.
func (d *Driver) look(name string) {
	if _, there := d.byName[name]; there {
		d.fresh[name] = true
	}
}

func (d *Driver) refresh() {
	for name := range d.byName {
		d.fresh[name] = true
	}
}

func (d *Driver) address(a Address, gone bool) {
	k := addressKey{a.Link, a.Prefix}
	if !d.isGateway(a) {
		return
	}
	if gone {
		d.addresses.ObserveGone(k)
	} else {
		d.addresses.Observe(k, !a.Tentative)
	}
}
