package main

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/source/convert"
)

// announcer publishes what this agent tells of its node: its own address of each family
// with the length of the subnet, which only the kernel knows, and how well it is served.
type announcer struct {
	node      string
	publisher source.Publisher
	board     *health.Board
	log       *logrus.Entry
	// addresses lists the addresses of one family that the node's links have.
	addresses func(family.Family) ([]netip.Prefix, error)
	look      chan struct{} // holds a token when there may be something to publish

	mu    sync.Mutex
	known bool                      // what the Node object has, or that there is none
	own   family.Pair[netip.Prefix] // as the Node object has it
}

// Pauses of the announcer: the least between two looks, so that what changes often is
// published less often; and the most, as not all that it publishes gives an event.
const (
	lookLeast = time.Second
	lookMost  = time.Minute
)

func newAnnouncer(node string, board *health.Board, log *logrus.Entry) *announcer {
	return &announcer{
		node: node, board: board, log: log.WithField("component", "announcer"),
		addresses: linkAddresses, look: make(chan struct{}, 1),
	}
}

func (a *announcer) wake() {
	select {
	case a.look <- struct{}{}:
	default:
	}
}

// see takes note of the node's own object.
func (a *announcer) see(e model.Event) {
	if e.Key.Kind != model.KindNode || e.Key.Name != a.node {
		return
	}
	var own family.Pair[netip.Prefix]
	if n, ok := e.Value.(*model.Node); ok {
		own = n.Addresses
	}
	a.mu.Lock()
	a.known, a.own = true, own
	a.mu.Unlock()
	a.wake()
}

// seenAll says that all objects have come, the node's own too if there is one. What an
// earlier run of the agent has published stands until then.
func (a *announcer) seenAll() {
	a.mu.Lock()
	a.known = true
	a.mu.Unlock()
	a.wake()
}

// run publishes what there is, and what changes, until the context ends. That it cannot
// be published is a condition of the node, and stops nothing.
func (a *announcer) run(ctx context.Context) error {
	var published *source.NodePatch
	for {
		if patch, ok := a.patch(); ok && (published == nil || !reflect.DeepEqual(*published, patch)) {
			err := a.publisher.Publish(ctx, patch)
			a.note(err)
			if published = &patch; err != nil {
				published = nil
			}
		}
		if !pause(ctx, nil, lookLeast) || !pause(ctx, a.look, lookMost) {
			return nil
		}
	}
}

// pause waits for a token or for the time to pass; false if the context ends.
func pause(ctx context.Context, token <-chan struct{}, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-token:
	case <-timer.C:
	}
	return true
}

// notPublished is the condition that says that others cannot be told of the node.
const notPublished = "NodeNotPublished"

// note makes a condition of a failure to publish, and logs it when it comes up.
func (a *announcer) note(err error) {
	now := time.Now()
	if err == nil {
		a.board.ClearCondition(notPublished, 0)
		return
	}
	known := false
	for _, c := range a.board.Detail(now).Conditions {
		known = known || c.Name == notPublished
	}
	if !known {
		a.log.WithError(err).Warn("What this agent tells of its node cannot be published; others do without")
	}
	a.board.SetCondition(now, health.Condition{Name: notPublished, Status: health.True, Message: err.Error()})
}

// patch is what is to be published now; false if that is not known.
func (a *announcer) patch() (source.NodePatch, bool) {
	a.mu.Lock()
	own, known := a.own, a.known
	a.mu.Unlock()
	patch := source.NodePatch{Annotations: map[string]string{}}
	for _, f := range family.All() {
		here, err := a.addresses(f)
		if err != nil {
			a.log.WithError(err).WithField("family", f).Warn("The node's addresses cannot be read")
			return patch, false
		}
		if subnet := subnetOf(own.Get(f).Addr(), here); subnet.IsValid() {
			patch.Annotations[convert.AddressAnnotation(f)] = subnet.String()
		}
	}
	patch.Conditions = conditions(a.board.Detail(time.Now()))
	return patch, known
}

// subnetOf is the address as a link has it. Of several the one with the smallest subnet
// counts that is more than the address alone. It is invalid if no link has the address:
// what is published then must not hide what the Node object says.
func subnetOf(own netip.Addr, here []netip.Prefix) netip.Prefix {
	var best netip.Prefix
	for _, p := range here {
		better := !best.IsValid() || family.IsHost(best) || !family.IsHost(p) && p.Bits() > best.Bits()
		if p.IsValid() && p.Addr() == own && better {
			best = p
		}
	}
	return best
}

// conditions are what the board says, in the form of a Node's conditions.
func conditions(d health.Detail) []source.Condition {
	var general []string
	for _, c := range d.Components {
		if c.Family == "" && !(c.Ready && c.Live) {
			general = append(general, c.Name+": "+c.Reason)
		}
	}
	var out []source.Condition
	for _, f := range d.Families {
		c := source.Condition{Type: "Margay" + f.Family + "Ready", Reason: "Off"}
		if f.State != health.FamilyOff {
			reasons := append(general[:len(general):len(general)], f.Reasons...)
			c.Status, c.Reason = len(reasons) == 0, "Ready"
			if !c.Status {
				c.Reason, c.Message = "NotReady", strings.Join(reasons, "; ")
			}
		}
		out = append(out, c)
	}
	for _, c := range d.Conditions {
		if c.Status != health.Unknown && c.Name != notPublished {
			out = append(out, source.Condition{
				Type: fmt.Sprintf("Margay%s%s", c.Family, c.Name), Status: c.Status == health.True,
				Reason: c.Name, Message: c.Message,
			})
		}
	}
	return out
}
