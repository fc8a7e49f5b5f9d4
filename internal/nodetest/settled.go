package nodetest

import (
	"context"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/health"
)

// Settled waits until everything that the manifests say by now is in the kernel, as far as
// the agent means to put it there.
func (n *Node) Settled() {
	n.t.Helper()
	ctx, cancel := n.context()
	defer cancel()
	n.Pass() // the dataplane has begun, and the engine is about to hear of it
	n.read(ctx)
	if n.missed(ctx) {
		n.read(ctx)
	}
	n.concluded(ctx)
	n.applied(ctx)
}

// read waits until the source has read the directory as it is now and has told of it. The
// first marker shows that it has read, the second that it has finished with that round: its
// word on how complete it is comes at the end of one.
func (n *Node) read(ctx context.Context) {
	n.t.Helper()
	for range 2 {
		number := n.nextMarker()
		n.Write(markerFile, markerManifest(number))
		if !n.running().follower.read.waitFor(ctx, number) {
			n.t.Fatalf("the source does not read the directory")
		}
	}
}

// missed waits until the source has missed the files that have been removed, and says
// whether there were any. It takes a file for gone only if it has listed the directory
// twice without a change between, which the markers are.
func (n *Node) missed(ctx context.Context) bool {
	n.t.Helper()
	f, removed := n.running().follower, n.removed
	n.removed = nil
	for _, path := range removed {
		if !f.reported.until(ctx, func() bool { return f.hasReported(path) }) {
			n.t.Fatalf("the source does not miss %s", path)
		}
	}
	return len(removed) > 0
}

// AwaitSync waits until the source says that it has read everything, or that it has not and
// why, and until the kernel has what follows from that. Unlike Settled it does without the
// directory, which need not be there.
func (n *Node) AwaitSync(inSync bool) (reasons []string) {
	n.t.Helper()
	ctx, cancel := n.context()
	defer cancel()
	f := n.running().follower
	if !f.synced.until(ctx, func() bool { return f.hasTold() && f.sync().InSync == inSync }) {
		n.t.Fatalf("the source does not say that in sync is %v; it says: %v", inSync, f.sync())
	}
	n.Pass()
	n.concluded(ctx)
	n.applied(ctx)
	return f.sync().Reasons
}

// nextMarker is a number greater than all before.
func (n *Node) nextMarker() int {
	n.markers++
	return n.markers
}

// concluded waits until the graph has everything that the source has told.
func (n *Node) concluded(ctx context.Context) {
	n.t.Helper()
	a, number := n.running(), n.nextMarker()
	if err := a.follower.mark(number); err != nil {
		n.t.Fatal(err)
	}
	if !a.follower.observer.concluded.waitFor(ctx, number) {
		n.t.Fatalf("the engine does not take in what the source tells")
	}
}

// applied waits until the dataplane has applied everything that the graph has. While a
// piece of work waits to be taken, there may be more behind it; when none does at the start
// of one of the engine's turns, that turn hands over what is left.
func (n *Node) applied(ctx context.Context) {
	n.t.Helper()
	a := n.running()
	for waiting := true; waiting; {
		asked := a.engine.Ask(ctx, func(*config.Resolved) { waiting = len(a.engine.Work()) > 0 }) &&
			a.engine.Ask(ctx, func(*config.Resolved) {}) // a later turn: the one before is over
		if !asked {
			n.t.Fatalf("the engine does not answer")
		}
		n.Pass()
	}
	// What a pass finds in the kernel may be news to the graph, of which the next one hears.
	n.Pass()
	n.Pass()
}

// Pass waits for the dataplane to go through a whole pass that begins after the call.
func (n *Node) Pass() {
	n.t.Helper()
	for range 2 { // after the first answer the pass begins, before the second it is over
		if !n.running().dataplane.Ask(func() {}) {
			n.t.Fatalf("the dataplane has stopped")
		}
	}
}

// Ask runs f in the engine's goroutine with the graph and the present settings.
func (n *Node) Ask(f func(*calc.Graph, *config.Settings)) {
	n.t.Helper()
	ctx, cancel := n.context()
	defer cancel()
	a := n.running()
	if !a.engine.Ask(ctx, func(r *config.Resolved) { f(a.graph, &r.Settings) }) {
		n.t.Fatalf("the engine does not answer")
	}
}

// Dump is one of the dataplane's stages as text.
func (n *Node) Dump(stage string) string {
	n.t.Helper()
	var text strings.Builder
	if err := n.running().dataplane.Dump(stage, &text); err != nil {
		n.t.Fatal(err)
	}
	return text.String()
}

// Problems are the problems of the input, a line each.
func (n *Node) Problems() string {
	n.t.Helper()
	var text strings.Builder
	if _, err := n.running().engine.Problems().WriteTo(&text); err != nil {
		n.t.Fatal(err)
	}
	return text.String()
}

// Readiness is what the agent would tell Kubernetes of itself.
func (n *Node) Readiness() health.Detail {
	n.t.Helper()
	return n.running().board.Detail(time.Now())
}

// running is the agent, which must be there.
func (n *Node) running() *agent {
	n.t.Helper()
	if n.agent == nil {
		n.t.Fatal("the agent is not running")
	}
	return n.agent
}
