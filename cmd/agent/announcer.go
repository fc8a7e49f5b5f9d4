package main

import (
	"context"
	"net/netip"
	"reflect"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// announcer publishes what this agent tells of its node: its own address of each family
// with the length of the subnet, which only the kernel knows, its tunnel addresses where nobody
// else gives it any, and how well it is served.
//
// It looks when something has happened, and once more a little later, as what happened
// may take a while to show. What it finds is published only if it differs.
type announcer struct {
	node      string
	publisher source.Publisher
	board     *health.Board
	log       *logrus.Entry
	// list lists the addresses of one family that the node's links have.
	list func(family.Family) ([]netip.Prefix, error)
	look chan struct{} // holds a token when there may be something to publish

	mu      sync.Mutex
	known   bool                      // what the Node object has, or that there is none
	own     family.Pair[netip.Prefix] // as the Node object has it
	tunnels ownTunnels
	reread  bool // addresses may have changed
	again   bool // something else stands where we publish

	// What follows is run's own.

	here      family.Pair[[]netip.Prefix] // the node's addresses as last listed
	published *source.NodePatch           // nil if the last attempt failed
	failing   bool
}

// Pauses of the announcer: before it looks once more, and before it looks without a
// reason, because not all that it publishes gives an event.
const (
	lookAgain = time.Second
	lookMost  = 5 * time.Minute
)

func newAnnouncer(node string, publisher source.Publisher, board *health.Board, log *logrus.Entry) *announcer {
	return &announcer{
		node: node, publisher: publisher, board: board, log: log,
		list: linkAddresses, look: make(chan struct{}, 1), reread: true,
	}
}

// wake says that there may be something to publish.
func (a *announcer) wake() {
	select {
	case a.look <- struct{}{}:
	default:
	}
}

// note changes what is known, and wakes.
func (a *announcer) note(change func()) {
	a.mu.Lock()
	change()
	a.mu.Unlock()
	a.wake()
}

// see takes note of the node's own object.
func (a *announcer) see(e model.Event) {
	if e.Key.Kind != model.KindNode || e.Key.Name != a.node {
		return
	}
	var own family.Pair[netip.Prefix]
	n, ok := e.Value.(*model.Node)
	if ok {
		own = n.Addresses
	}
	a.note(func() { a.known, a.own, a.tunnels.shown = true, own, n })
}

// follow takes note of what the calculation says of the node.
func (a *announcer) follow(b *calc.Batch) { a.note(func() { a.tunnels.follow(b) }) }

// hold takes note of the node's own public keys.
func (a *announcer) hold(keys family.Pair[model.WireguardKey]) {
	a.note(func() { a.tunnels.keys = &keys })
}

// seenAll says that all objects have come, the node's own too if there is one. What an
// earlier run of the agent has published stands until then.
func (a *announcer) seenAll() { a.note(func() { a.known = true }) }

// addressesChanged says that the node's addresses may have.
func (a *announcer) addressesChanged() { a.note(func() { a.reread = true }) }

// overwritten says that something else is published of a node than before, or nothing any
// more. Our own word comes back so as well, and is found to stand.
func (a *announcer) overwritten(node string) {
	if node == a.node {
		a.note(func() { a.again = true })
	}
}

// run publishes what there is, and what changes, until the context ends.
func (a *announcer) run(ctx context.Context) error {
	for {
		a.publish(ctx)
		if !pause(ctx, nil, lookAgain) {
			return nil
		}
		a.publish(ctx)
		if !pause(ctx, a.look, lookMost) {
			return nil
		}
	}
}

// publish publishes what there is, if it is news. That it cannot be published is a
// condition of the node, and stops nothing.
func (a *announcer) publish(ctx context.Context) {
	patch, ok := a.patch()
	if !ok || a.published != nil && reflect.DeepEqual(*a.published, patch) {
		return
	}
	if err := a.publisher.Publish(ctx, patch); err != nil {
		if !a.failing {
			a.log.WithError(err).Warn("What this agent tells of its node cannot be published; others do without")
		}
		a.failing, a.published = true, nil
		a.board.SetCondition(time.Now(), health.Condition{Name: notPublished, Status: health.True, Message: err.Error()})
		return
	}
	a.failing, a.published = false, &patch
	a.board.ClearCondition(notPublished, 0)
}

// patch is what is to be published now; false if that is not known.
func (a *announcer) patch() (source.NodePatch, bool) {
	a.mu.Lock()
	own, known, reread := a.own, a.known, a.reread
	annotations := a.tunnels.annotations()
	if a.again {
		a.published = nil
	}
	a.reread, a.again = false, false
	a.mu.Unlock()
	if reread && !a.readAddresses() {
		return source.NodePatch{}, false
	}
	patch := source.NodePatch{Annotations: annotations, Conditions: conditions(a.board.Detail(time.Now()))}
	for _, f := range family.All() {
		if subnet := subnetOf(own.Get(f).Addr(), a.here.Get(f)); subnet.IsValid() {
			patch.Annotations[model.AddressAnnotation(f)] = subnet.String()
		}
	}
	return patch, known
}

// readAddresses lists the node's addresses; false if that fails, and is to be tried again.
func (a *announcer) readAddresses() bool {
	for _, f := range family.All() {
		here, err := a.list(f)
		if err != nil {
			a.log.WithError(err).WithField("family", f).Warn("The node's addresses cannot be read")
			a.mu.Lock()
			a.reread = true
			a.mu.Unlock()
			return false
		}
		*a.here.At(f) = here
	}
	return true
}

// subnetOf is an address as a link has it. Of several the one with the smallest subnet
// counts that is more than the address alone. It is invalid if no link has the address:
// what is published must not hide what the Node object says.
func subnetOf(own netip.Addr, here []netip.Prefix) netip.Prefix {
	var best netip.Prefix
	for _, p := range here {
		better := !best.IsValid() || family.IsHost(best) || !family.IsHost(p) && p.Bits() > best.Bits()
		if own.IsValid() && p.Addr() == own && better {
			best = p
		}
	}
	return best
}
