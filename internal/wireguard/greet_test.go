package wireguard_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/wireguard"
)

// keyThat makes keys until one is before or after another one.
func (b *bench) keyThat(letter string, before bool) wireguard.Key {
	for {
		k, own := b.key(letter), b.own.Public()
		if (slices.Compare(k[:], own[:]) < 0) == before {
			return k
		}
	}
}

// Of two nodes the one with the smaller key begins.
func TestOneEndGreetsTheOther(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		small, great := b.keyThat("S", true), b.keyThat("G", false)
		b.driver.PutNode(b.node(2, small))
		b.driver.PutNode(b.node(3, great))
		b.mustApply()
		if !slices.Equal(b.greeted, []wireguard.Key{great}) {
			t.Errorf("greeted %d, want the greater alone", len(b.greeted))
		}
		b.asked()
		b.greeted = nil
		b.mustApply()
		if did := b.asked(); len(did) != 0 || len(b.greeted) != 0 {
			t.Errorf("with sessions: %v", did)
		}
	})
}

// Where there is no session after a while, the one end begins anew, and a while later the other one.
// Once each: who is out of reach is left to the protocol.
func TestWithoutASessionItIsTriedAgain(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		small, great := b.keyThat("S", true), b.keyThat("G", false)
		b.deaf = map[wireguard.Key]bool{small: true, great: true}
		b.driver.PutNode(b.node(2, small))
		b.driver.PutNode(b.node(3, great))
		next, err := b.driver.Apply(b.now)
		for _, again := range []wireguard.Key{great, small} {
			if err != nil || next.Sub(b.now) > time.Second || !next.After(b.now) {
				t.Fatalf("due after %v, %v", next.Sub(b.now), err)
			}
			b.driver.Configure(b.settings) // other news are no reason not to
			b.asked()
			b.greeted = nil
			b.now = next
			next, err = b.driver.Apply(b.now)
			if did := strings.Join(b.asked(), "\n"); did != "wg set peers +0 -1\nwg set peers +1 -0" || !slices.Equal(b.greeted, []wireguard.Key{again}) {
				t.Errorf("did\n%s\nand greeted %d", did, len(b.greeted))
			}
		}
		b.mustApply()
		if did := b.asked(); len(did) != 0 || !next.IsZero() {
			t.Errorf("and then: %v, due at %v", did, next)
		}
	})
}

func TestPeersWithKeepAlivesNeedNoGreeting(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.settings.KeepAlive = 25 * time.Second
		b.driver.Configure(b.settings)
		b.driver.PutNode(b.node(2, b.keyThat("G", false)))
		b.mustApply()
		if len(b.greeted) != 0 {
			t.Errorf("greeted %d", len(b.greeted))
		}
	})
}

// With no packet to send there is a session all the same, whichever end knows the other one first.
func TestSessionsBeginByThemselves(t *testing.T) {
	for _, f := range family.All() {
		for _, first := range []int{0, 1} {
			l := lab(t)
			a, b := newTunnel(t, l, f, 1), newTunnel(t, l, f, 2)
			a.learn(f, 2, b.key.Public(), family.NewSet(f))
			b.learn(f, 1, a.key.Public(), family.NewSet(f))
			ends := []*tunnel{a, b}
			ends[first].apply()
			ends[1-first].apply()
			for end := time.Now().Add(netlab.Patience / 2); !a.hasSession() || !b.hasSession(); {
				if time.Now().After(end) {
					t.Fatalf("%v, %d first: no session", f, first)
				}
				a.apply()
				b.apply()
			}
		}
	}
}

func (w *tunnel) hasSession() bool {
	w.t.Helper()
	peers, err := w.driver.Peers()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range peers {
		return !p.Handshake.IsZero()
	}
	return false
}
