package nftables_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/fake"
	"github.com/margay-net/margay/internal/nftables/nft"
	"pgregory.net/rapid"
)

// start is when the tests' clock starts.
func start() time.Time { return time.Unix(1_800_000_000, 0) }

func newTable(k nftables.Kernel) *nftables.Table {
	return nftables.New(nftables.Options{Kernel: k, Name: tableName, Closed: closedRules()})
}

// closedRules are what a base chain gets that cannot be written as wanted.
func closedRules() []nft.Rule {
	return []nft.Rule{rule(nft.IIfName.Is(nft.Iface("cali*")), nft.Drop())}
}

// TestIncrementalIsFresh: whatever the changes and in whatever portions they are applied,
// the table is the one that a fresh driver makes of the last state at once.
func TestIncrementalIsFresh(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { incremental(t, rt, fake.New()) })
}

// TestIncrementalIsFreshInTheKernel is the same in a real kernel.
func TestIncrementalIsFreshInTheKernel(t *testing.T) {
	k := openKernel(t)
	rapid.Check(t, func(rt *rapid.T) {
		nftTool(t, "", "flush", "ruleset")
		incremental(t, rt, k)
	})
}

func incremental(t *testing.T, rt *rapid.T, k nftables.Kernel) {
	w := &walk{wish: newWish(), rt: rt, t: newTable(k)}
	for _, f := range family.All() {
		w.t.View(f).AddSet(dispatchMap())
	}
	now := start()
	restarts := rapid.Bool().Draw(rt, "restarts")
	for range rapid.IntRange(1, 12).Draw(rt, "applications") {
		for range rapid.IntRange(0, 6).Draw(rt, "steps") {
			w.step()
		}
		if restarts && rapid.IntRange(0, 3).Draw(rt, "restart") == 0 {
			w.t = newTable(k)
			w.t.InSync()
			w.fill(w.t)
		}
		if err := w.t.Apply(now); err != nil {
			rt.Fatal(err)
		}
		now = now.Add(time.Hour)
		other := fake.New()
		fresh := newTable(other)
		w.fill(fresh)
		if err := fresh.Apply(now); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(listingOf(t, other), listingOf(t, k)); diff != "" {
			rt.Fatalf("fresh (-) and incremental (+) differ:\n%s\n%s", diff, w.t.Desired())
		}
		if w.t.Stats().Refusals != 0 {
			rt.Fatal("the kernel has refused something")
		}
		before := w.t.Stats().Transactions
		if err := w.t.Apply(now); err != nil || w.t.Stats().Transactions != before {
			rt.Fatalf("an application without a change wrote something: %v", err)
		}
	}
}
