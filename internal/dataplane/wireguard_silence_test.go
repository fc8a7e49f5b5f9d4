package dataplane_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/dataplane"
	"github.com/margay-net/margay/internal/wireguard"
)

// A peer does not answer if something is sent to it, and there is no session all the same.
func TestSilentPeers(t *testing.T) {
	now := time.Unix(100000, 0)
	peer := func(sent int64, handshake time.Duration) wireguard.Peer {
		p := wireguard.Peer{Sent: sent, Endpoint: netip.MustParseAddrPort("[fd00:16::2]:51821")}
		if handshake != 0 {
			p.Handshake = now.Add(-handshake)
		}
		return p
	}
	for name, c := range map[string]struct {
		before, after wireguard.Peer
		want          bool
	}{
		"attempts and no session":    {peer(148, 0), peer(592, 0), true},
		"the session has ended":      {peer(5000, time.Hour), peer(5148, time.Hour), true},
		"nothing is sent":            {peer(592, 0), peer(592, 0), false},
		"nothing is sent any more":   {peer(5000, time.Hour), peer(5000, time.Hour), false},
		"a session":                  {peer(5000, time.Minute), peer(9000, time.Minute), false},
		"a session since":            {peer(148, 0), peer(5000, time.Second), false},
		"another peer than before":   {peer(5000, 0), peer(148, 0), false},
		"as long as a session holds": {peer(5000, 3*time.Minute), peer(9000, 3*time.Minute), false},
	} {
		got := dataplane.Silent(map[string]wireguard.Peer{"b": c.before}, map[string]wireguard.Peer{"b": c.after}, now)
		if (len(got) > 0) != c.want || c.want && !strings.Contains(got[0], "node b at [fd00:16::2]:51821") {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := dataplane.Silent(nil, map[string]wireguard.Peer{"b": peer(148, 0)}, now); len(got) > 0 {
		t.Errorf("a new peer: %q", got)
	}
}
