package dataplane

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/wireguard"
)

// sessionEnds is how long after its handshake a session ends (REJECT_AFTER_TIME, section 6.1 of the
// WireGuard paper): with traffic there is a new one before.
const sessionEnds = 180 * time.Second

// silent are the peers that do not answer, from two looks at a device: without a session, although something
// has been sent in between. Attempts at a handshake count as sent, and there are none without traffic.
func silent(before, after map[string]wireguard.Peer, now time.Time) (out []string) {
	for _, node := range slices.Sorted(maps.Keys(after)) {
		p, known := before[node]
		if a := after[node]; known && a.Sent > p.Sent && now.Sub(a.Handshake) > sessionEnds {
			out = append(out, fmt.Sprintf("node %s at %v does not answer: is the UDP port open between the nodes?", node, a.Endpoint))
		}
	}
	return out
}

// listen finds out which peers do not answer; it is time for that as often as for an audit.
func (t *encrypted) listen(now time.Time) {
	peers, err := t.driver.Peers()
	if err != nil {
		return // the next audit says so
	}
	t.silent, t.seen = silent(t.seen, peers, now), peers
}

// answerCondition is about peers of a family that do not answer.
const answerCondition = "WireguardPeersAnswer"

// unanswered are the peers that do not answer.
func (e *encryption) unanswered(f family.Family) []string {
	if t := e.open.Get(f); t != nil && e.wanted(f) {
		return t.silent
	}
	return nil
}
