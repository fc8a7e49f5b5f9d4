package wireguard

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"
)

// writePeers adds peers and changes those that differ, all in one request. If that fails as a
// whole each is tried by itself, so that one bad peer spoils no other.
func (d *Driver) writePeers(now time.Time) error {
	put := Change{Peers: map[Key]Peer{}}
	var fresh []Key
	for k, c := range d.tracker.peers.Updates(now) {
		if !c.Present {
			fresh = append(fresh, k)
		}
		if !c.Present && d.begins(k) {
			put.meet(k, c.Want)
		} else {
			put.Peers[k] = c.Want
		}
	}
	if len(put.Peers) == 0 {
		return nil
	}
	d.expect(fresh, now)
	if d.tunnel.Change(d.settings.Name, put) == nil {
		for k, p := range put.Peers {
			d.tracker.peers.Observe(k, p)
		}
		return nil
	}
	var keys []Key
	var errs []error
	for k, p := range put.Peers { // those that are new are greeted a little later
		err := d.tunnel.Change(d.settings.Name, Change{Peers: map[Key]Peer{k: p}})
		if err != nil {
			err = fmt.Errorf("%v WireGuard peer %v: %w", d.family, k, err)
		}
		keys, errs = append(keys, k), append(errs, err)
	}
	return outcome(d.tracker.peers, keys, errs, func(k Key) { d.tracker.peers.Observe(k, put.Peers[k]) }, now)
}

// removePeers removes the peers that nobody is any more.
func (d *Driver) removePeers(now time.Time) error {
	var gone []Key
	for k := range d.tracker.peers.Deletions(now) {
		gone = append(gone, k)
	}
	if len(gone) == 0 {
		return nil
	}
	err := d.tunnel.Change(d.settings.Name, Change{Gone: gone})
	if err != nil {
		err = fmt.Errorf("%v WireGuard: removing %d peers: %w", d.family, len(gone), err)
	}
	return outcome(d.tracker.peers, gone, slices.Repeat([]error{err}, len(gone)), d.tracker.peers.ObserveGone, now)
}

func (d *Driver) writeAddresses(now time.Time) error {
	t := d.tracker.addresses
	give, take := slices.Collect(firsts(t.Updates(now))), slices.Collect(firsts(t.Deletions(now)))
	if len(give)+len(take) == 0 {
		return nil
	}
	errs := d.kernel.ChangeAddresses(d.link.Index, give, take)
	return outcome(t, slices.Concat(give, take), errs, func(a netip.Addr) {
		if slices.Contains(give, a) {
			t.Observe(a, struct{}{})
		} else {
			t.ObserveGone(a)
		}
	}, now)
}

// writeRoutes puts what drops before what leads somewhere, and removes at last: at no time does a
// packet find nothing where it found a drop, or will.
func (d *Driver) writeRoutes(now time.Time) error {
	t := d.tracker.routes
	var put, gone []KeyedRoute
	for k, c := range t.Updates(now) {
		put = append(put, KeyedRoute{k, c.Want})
	}
	for k, r := range t.Deletions(now) {
		gone = append(gone, KeyedRoute{k, r})
	}
	if len(put)+len(gone) == 0 {
		return nil
	}
	slices.SortFunc(put, func(a, b KeyedRoute) int { return int(b.Key.Metric) - int(a.Key.Metric) })
	errs := d.kernel.ChangeRoutes(d.settings.Table, put, gone)
	var keys []RouteKey
	wanted := map[RouteKey]Route{}
	for _, r := range put {
		keys, wanted[r.Key] = append(keys, r.Key), r.Route
	}
	for _, r := range gone {
		keys = append(keys, r.Key)
	}
	return outcome(t, keys, errs, func(k RouteKey) {
		if r, ok := wanted[k]; ok {
			t.Observe(k, r)
		} else {
			t.ObserveGone(k)
		}
	}, now)
}

func (d *Driver) writeRules(now time.Time) error {
	t := d.tracker.rules
	add, remove := slices.Collect(firsts(t.Updates(now))), slices.Collect(firsts(t.Deletions(now)))
	if len(add)+len(remove) == 0 {
		return nil
	}
	errs := d.kernel.ChangeRules(add, remove)
	return outcome(t, slices.Concat(add, remove), errs, func(r Rule) {
		if slices.Contains(add, r) {
			t.Observe(r, struct{}{})
		} else {
			t.ObserveGone(r)
		}
	}, now)
}

func firsts[K, V any](seq iter.Seq2[K, V]) iter.Seq[K] {
	return func(yield func(K) bool) {
		for k := range seq {
			if !yield(k) {
				return
			}
		}
	}
}

func keySeq[K any](keys []K) iter.Seq2[K, struct{}] {
	return func(yield func(K, struct{}) bool) {
		for _, k := range keys {
			if !yield(k, struct{}{}) {
				return
			}
		}
	}
}
