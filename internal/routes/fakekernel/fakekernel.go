// Package fakekernel is a routes.Kernel in memory, with the kernel's semantics as far as
// drivers can notice them: what is refused and with which errno, what vanishes when a
// link or an address goes, and which of it is announced. The contract suite of package
// routes runs against it and against a real network namespace.
package fakekernel

import (
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/routes"
)

// Kernel is the kernel. Its methods may be called from several goroutines.
type Kernel struct {
	mu        sync.Mutex
	links     []rtnetlink.Link
	addresses []rtnetlink.Address
	routes    []routes.Route
	listeners []*listener
	// failures are the errors of the next writes, first come first served.
	failures []error
	// readFailure is the error of every list until it is cleared.
	readFailure error
	nextIndex   int
	// writes are those that Write has been given, for tests to look at.
	writes []routes.Write
}

// New makes a kernel with a loopback interface that is up, and nothing else.
func New() *Kernel {
	return &Kernel{links: []rtnetlink.Link{{Index: 1, Name: "lo", Up: true}}}
}

// FailWrites lets the next writes fail, one for each error; nil lets one through. It
// replaces what an earlier call has said.
func (k *Kernel) FailWrites(errs ...error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failures = errs
}

// FailReads lets every list fail; nil ends it.
func (k *Kernel) FailReads(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.readFailure = err
}

// Writes are the writes since the last call.
func (k *Kernel) Writes() []routes.Write {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := k.writes
	k.writes = nil
	return out
}

// Links implements routes.Kernel.
func (k *Kernel) Links() ([]rtnetlink.Link, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.links), k.readFailure
}

// Addresses implements routes.Kernel.
func (k *Kernel) Addresses(f family.Family) ([]rtnetlink.Address, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []rtnetlink.Address
	for _, a := range k.addresses {
		if family.OfPrefix(a.Prefix) == f {
			out = append(out, a)
		}
	}
	return out, k.readFailure
}

// Routes implements routes.Kernel.
func (k *Kernel) Routes(f family.Family) ([]routes.Route, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []routes.Route
	for _, r := range k.routes {
		if r.Family() == f {
			out = append(out, r)
		}
	}
	return out, k.readFailure
}

// Write implements routes.Kernel.
func (k *Kernel) Write(writes []routes.Write) []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.writes = append(k.writes, writes...)
	out := make([]error, len(writes))
	for i, w := range writes {
		if len(k.failures) > 0 {
			out[i], k.failures = k.failures[0], k.failures[1:]
			if out[i] != nil {
				continue
			}
		}
		_, out[i] = k.write(w)
	}
	return out
}

// Stranger makes a change as another program would: it is announced.
func (k *Kernel) Stranger(w routes.Write) error {
	const port = 4711
	k.mu.Lock()
	defer k.mu.Unlock()
	replaced, err := k.write(w)
	if err != nil {
		return err
	}
	r := normal(w.Route)
	k.announce(rtnetlink.Event{Gone: w.Verb == routes.Delete, Replaced: replaced, Port: port, Route: &r})
	return nil
}

// write makes one change, and says whether another route has been replaced.
func (k *Kernel) write(w routes.Write) (replaced bool, err error) {
	r := normal(w.Route)
	at := slices.IndexFunc(k.routes, func(o routes.Route) bool { return o.Key() == r.Key() })
	if w.Verb == routes.Delete {
		if at < 0 || !matches(k.routes[at], r) {
			return false, refuse(syscall.ESRCH)
		}
		k.routes = slices.Delete(k.routes, at, at+1)
		return false, nil
	}
	if err := k.check(r); err != nil {
		return false, err
	}
	switch {
	case at < 0:
		k.routes = append(k.routes, r)
	case w.Verb == routes.Create:
		return false, refuse(syscall.EEXIST)
	default:
		k.routes[at] = r
	}
	return at >= 0, nil
}

// normal is a route as it is read back: IPv6 has no metric zero.
func normal(r routes.Route) routes.Route {
	if r.Metric == 0 && r.Family() == family.V6 {
		r.Metric = 1024
	}
	return r
}

func matches(have, named routes.Route) bool {
	return have.Type == named.Type && have.Protocol == named.Protocol &&
		(named.Link == 0 || have.Link == named.Link) &&
		(!named.Gateway.IsValid() || have.Gateway == named.Gateway)
}

func refuse(errno syscall.Errno) error { return &rtnetlink.Error{Errno: errno} }

// check is whether the kernel would have the route.
func (k *Kernel) check(r routes.Route) error {
	if r.Type == rtnetlink.Blackhole {
		return nil
	}
	link, ok := k.link(r.Link)
	if !ok {
		return refuse(syscall.ENODEV)
	}
	if !link.Up {
		return refuse(syscall.ENETDOWN)
	}
	if r.Source.IsValid() && !k.owns(r.Source) {
		return refuse(syscall.EINVAL)
	}
	if !r.Gateway.IsValid() {
		return nil
	}
	via, reachable := k.lookup(r.Gateway)
	unreachable := family.PairOf(syscall.ENETUNREACH, syscall.EHOSTUNREACH)
	switch {
	case r.OnLink && r.Family() == family.V6 && reachable && via.Link != r.Link:
		return refuse(syscall.EINVAL) // the onlink trap
	case r.OnLink:
		return nil
	case !reachable || via.Link != r.Link || via.Gateway.IsValid():
		return refuse(unreachable.Get(r.Family()))
	}
	return nil
}

// lookup is the longest match among unicast routes, but for the default.
func (k *Kernel) lookup(a netip.Addr) (best routes.Route, ok bool) {
	for _, r := range k.routes {
		if r.Type != rtnetlink.Unicast || r.Destination.Bits() == 0 || !r.Destination.Contains(a) {
			continue
		}
		if !ok || r.Destination.Bits() > best.Destination.Bits() {
			best, ok = r, true
		}
	}
	return best, ok
}

func (k *Kernel) owns(a netip.Addr) bool {
	return slices.ContainsFunc(k.addresses, func(h rtnetlink.Address) bool {
		return h.Prefix.Addr() == a && !h.Tentative
	})
}

func (k *Kernel) link(index int) (rtnetlink.Link, bool) {
	for _, l := range k.links {
		if l.Index == index {
			return l, true
		}
	}
	return rtnetlink.Link{}, false
}

// protocolKernel is that of the routes that come with an address.
const protocolKernel = unix.RTPROT_KERNEL

// listener is a routes.Subscription.
type listener struct {
	family family.Family
	mu     sync.Mutex
	queue  []rtnetlink.Event
	wake   chan struct{}
	closed bool
}

// Subscribe implements routes.Kernel.
func (k *Kernel) Subscribe(f family.Family) (routes.Subscription, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := &listener{family: f, wake: make(chan struct{}, 1)}
	k.listeners = append(k.listeners, l)
	return l, nil
}

// Overrun makes every subscription lose what it has not read yet.
func (k *Kernel) Overrun() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.listeners {
		l.mu.Lock()
		l.queue = nil
		l.mu.Unlock()
	}
	k.announce(rtnetlink.Event{Overrun: true})
}

func (k *Kernel) announce(e rtnetlink.Event) {
	for _, l := range k.listeners {
		switch {
		case e.Route != nil && e.Route.Family() != l.family:
		case e.Address != nil && family.OfPrefix(e.Address.Prefix) != l.family:
		default:
			l.put(e)
		}
	}
}

func (l *listener) put(e rtnetlink.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, e)
	l.signal()
}

func (l *listener) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Next implements routes.Subscription.
func (l *listener) Next() ([]rtnetlink.Event, error) {
	for {
		l.mu.Lock()
		out, closed := l.queue, l.closed
		l.queue = nil
		l.mu.Unlock()
		switch {
		case closed:
			return nil, os.ErrClosed
		case len(out) > 0:
			return out, nil
		}
		<-l.wake
	}
}

// Close implements routes.Subscription.
func (l *listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.signal()
	return nil
}
