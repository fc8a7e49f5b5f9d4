package wireguard

import (
	"errors"
	"net/netip"
	"time"

	"github.com/margay-net/margay/internal/reconcile"
)

// tracker is what ought to be, and what is: peers of the device, its addresses, the routes of the
// table, and the rules that lead there.
type tracker struct {
	peers     *reconcile.Tracker[Key, Peer]
	addresses *reconcile.Tracker[netip.Addr, struct{}]
	routes    *reconcile.Tracker[RouteKey, Route]
	rules     *reconcile.Tracker[Rule, struct{}]
}

func newTracker() tracker {
	retry := reconcile.Backoff(firstRetry, lastRetry)
	return tracker{
		peers:     reconcile.New[Key](reconcile.Options[Peer]{Equal: samePeer, Retry: retry}),
		addresses: reconcile.New[netip.Addr](reconcile.Options[struct{}]{Equal: same[struct{}], Retry: retry}),
		routes:    reconcile.New[RouteKey](reconcile.Options[Route]{Equal: same[Route], Retry: retry}),
		rules:     reconcile.New[Rule](reconcile.Options[struct{}]{Equal: same[struct{}], Retry: retry}),
	}
}

func same[T comparable](a, b T) bool { return a == b }

// InSync lets what is not wanted be removed.
func (t *tracker) InSync() {
	t.peers.InSync()
	t.addresses.InSync()
	t.routes.InSync()
	t.rules.InSync()
}

// nextRetry is when the first of what has failed is due again; zero for never.
func (t *tracker) nextRetry() (next time.Time) {
	for _, due := range []func() (time.Time, bool){t.peers.NextRetry, t.addresses.NextRetry, t.routes.NextRetry, t.rules.NextRetry} {
		if at, ok := due(); ok && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// outcome tells a tracker what became of a row of attempts: done for what went well.
func outcome[K comparable, V any](t *reconcile.Tracker[K, V], keys []K, errs []error, done func(K), now time.Time) error {
	var all []error
	for i, k := range keys {
		if errs[i] != nil {
			t.Fail(k, errs[i], now)
			all = append(all, errs[i])
			continue
		}
		done(k)
	}
	return errors.Join(all...)
}
