package dataplane

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/wireguard"
)

// apply lets the drivers write what differs. It returns when to come again.
func (e *encryption) apply(now time.Time) (due time.Time, errs family.Pair[error]) {
	for _, f := range family.All() {
		*e.tunnels.encrypted.At(f) = e.carriedMTU(f) // the link below may have another
		t := e.open.Get(f)
		if t == nil && e.wanted(f) {
			e.configureFamily(f)
			t = e.open.Get(f)
		}
		next, err := now.Add(openRetry), e.failed.Get(f)
		if t != nil {
			next, err = e.applyFamily(f, t, now)
		}
		*errs.At(f) = err
		if (t != nil || err != nil) && !next.IsZero() && (due.IsZero() || next.Before(due)) {
			due = next
		}
	}
	return due, errs
}

// openRetry is the pause after the kernel could not be opened, or the key not be read.
const openRetry = 5 * time.Second

func (e *encryption) applyFamily(f family.Family, t *encrypted, now time.Time) (time.Time, error) {
	t.driver.Configure(e.driverSettings(f)) // the link below may have another MTU
	if !e.wanted(f) {
		return t.driver.Apply(now)
	}
	if !t.audit.After(now) {
		t.audit = now.Add(auditEvery)
		t.driver.Resync()
		t.listen(now)
	}
	next, err := t.driver.Apply(now)
	if next.IsZero() || t.audit.Before(next) {
		next = t.audit
	}
	return next, err
}

// handle takes in the kernel's word.
func (e *encryption) handle(ev familyEvents) {
	if t := e.open.Get(ev.family); t != nil {
		t.driver.Handle(ev.events)
	}
}

func (e *encryption) becomeInSync() {
	e.inSync = true
	e.each(func(_ family.Family, t *encrypted) { t.driver.InSync() })
}

// applyEncryption writes the tunnels before the routes that they take pods' traffic from.
func (d *Dataplane) applyEncryption(now time.Time) {
	due, errs := d.encryption.apply(now)
	for _, f := range family.All() {
		err := errs.Get(f)
		d.troubles.note(f, "wireguard", err)
		var texts []string
		if err != nil {
			texts = []string{err.Error()}
		}
		if text := d.encryption.tight(f); text != "" {
			texts = append(texts, text)
		}
		d.condition(now, encryptionCondition, f, texts)
		d.condition(now, answerCondition, f, d.encryption.unanswered(f))
		d.troubles.peers(f, d.encryption.refused(f))
	}
	if !due.IsZero() {
		d.retryAt(due)
	}
}

// encryptionCondition is about the encrypted tunnel of a family.
const encryptionCondition = "WireguardUsable"

// refused are the nodes that have a key and cannot be peers.
func (e *encryption) refused(f family.Family) map[string]error {
	if t := e.open.Get(f); t != nil && e.wanted(f) {
		return t.driver.Errors()
	}
	return nil
}

// status is a line for each tunnel, and one for each peer.
func (e *encryption) status(now time.Time) string {
	var out strings.Builder
	for _, f := range family.All() {
		t := e.open.Get(f)
		if t == nil || !e.wanted(f) {
			continue
		}
		fmt.Fprintf(&out, "%s: %s, MTU %d, public key %v\n", e.settings.Wireguard.Interface.Get(f), running(t), e.mtu(f), t.key.Public())
		peers, err := t.driver.Peers()
		if err != nil {
			fmt.Fprintf(&out, "%v: %v\n", f, err)
		}
		for _, node := range slices.Sorted(maps.Keys(peers)) {
			fmt.Fprintf(&out, "%v peer %s: %v\n", f, node, handshake(peers[node], now))
		}
	}
	return out.String()
}

func running(t *encrypted) string {
	if where := t.driver.Running(); where != "" {
		return "in " + where
	}
	return "no device"
}

func handshake(p wireguard.Peer, now time.Time) string {
	if p.Handshake.IsZero() {
		return "no handshake"
	}
	return fmt.Sprintf("last handshake %v ago, received %d B, sent %d B", now.Sub(p.Handshake).Round(time.Second), p.Received, p.Sent)
}

// measureEncryption brings the metrics of peers up to date.
func (d *Dataplane) measureEncryption() {
	d.encryption.each(func(f family.Family, t *encrypted) {
		if !d.encryption.wanted(f) || !d.settings.Metrics.Wireguard {
			d.metrics.Wireguard.Clear(f)
			return
		}
		peers, err := t.driver.Peers()
		if err != nil {
			return // the next pass says so
		}
		of := make(map[string]metrics.WireguardPeer, len(peers))
		for node, p := range peers {
			of[node] = metrics.WireguardPeer{Handshake: p.Handshake, Received: p.Received, Sent: p.Sent, Endpoint: p.Endpoint.String()}
		}
		d.metrics.Wireguard.Set(f, d.settings.Wireguard.Interface.Get(f), t.key.Public().String(), of)
	})
}
