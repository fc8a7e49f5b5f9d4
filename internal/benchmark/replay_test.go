package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// stand is a node with a listener and no agent.
func stand(t *testing.T) (*world, *listener) {
	t.Helper()
	netlab.Require(t)
	w, err := newWorld(tiny().size, 0)
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(w.node.Space, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.close()
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	return w, l
}

func nft(t *testing.T, w *world, script string, args ...string) string {
	t.Helper()
	c := w.node.Command("nft", args...)
	c.Stdin = strings.NewReader(script)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("nft %v: %v\n%s", args, err, out)
	}
	return string(out)
}

const ruleset = `table inet calico {
	set members { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
	set nets { type ipv6_addr; flags interval; elements = { 2001:db8::/64, fd00::/8 } }
	chain pod { ip saddr @members tcp dport { 80, 443 } accept comment "members"; ip6 saddr @nets drop; drop; }
	map pods { type ifname : verdict; elements = { "cali1" : goto pod } }
	chain forward {
		type filter hook forward priority 0; policy accept;
		ct state vmap { established : accept, invalid : drop }
		iifname vmap @pods
		iifname "cali*" drop
	}
}
`

func TestAReplayMakesTheSameTable(t *testing.T) {
	w, l := stand(t)
	nft(t, w, ruleset, "-f", "-")
	want := nft(t, w, "", "list", "ruleset")
	seen, err := l.await(settle, func(o *observation) bool { return o.rules == 6 })
	if err != nil {
		t.Fatal(err)
	}
	r, err := newReplayer(w.node.Space)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for range 3 {
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		if d, err := replay(r, l, seen, settle); err != nil || d <= 0 {
			t.Fatal(d, err)
		}
		if got := nft(t, w, "", "list", "ruleset"); !slices.Equal(words(got), words(want)) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAReplayedDeletionDeletes(t *testing.T) {
	w, l := stand(t)
	nft(t, w, ruleset, "-f", "-")
	before := nft(t, w, "", "list", "ruleset")
	record := func(script string) *observation {
		t.Helper()
		if _, err := l.await(settle, func(*observation) bool { return true }); err != nil {
			t.Fatal(err)
		}
		l.reset()
		nft(t, w, script, "-f", "-")
		o, err := l.await(settle, func(o *observation) bool { return len(o.seen) > 0 })
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	done := record(`
		add chain inet calico other
		add rule inet calico other tcp dport { 1, 2 } accept
		add rule inet calico other goto pod
		add element inet calico pods { "cali2" : goto other }`)
	after := nft(t, w, "", "list", "ruleset")
	undone := record(`
		delete element inet calico pods { "cali2" }
		flush chain inet calico other
		delete chain inet calico other`)
	r, err := newReplayer(w.node.Space)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for _, step := range []struct {
		o    *observation
		want string
	}{{done, after}, {undone, before}, {done, after}, {undone, before}} {
		if _, err := replay(r, l, step.o, settle); err != nil {
			t.Fatal(err)
		}
		if got := nft(t, w, "", "list", "ruleset"); !slices.Equal(words(got), words(step.want)) {
			t.Fatalf("got  %s\nwant %s", got, step.want)
		}
	}
}

func TestWhatIsClearedCanBeReplayedAgain(t *testing.T) {
	w, l := stand(t)
	nft(t, w, ruleset, "-f", "-")
	if _, err := l.await(settle, func(o *observation) bool { return o.rules == 6 }); err != nil {
		t.Fatal(err)
	}
	l.reset()
	nft(t, w, `table inet calico {
		set more { type ipv4_addr; elements = { 10.0.0.9 } }
		chain policies { ip saddr @more accept; }
		chain pod { jump policies; }
	}`, "-f", "-")
	done, err := l.await(settle, func(o *observation) bool { return o.rules == 2 })
	if err != nil {
		t.Fatal(err)
	}
	l.reset()
	nft(t, w, "flush chain inet calico pod; delete chain inet calico policies; delete set inet calico more", "-f", "-")
	undone, err := l.await(settle, func(o *observation) bool { return o.setsGone > 0 })
	if err != nil {
		t.Fatal(err)
	}
	r, err := newReplayer(w.node.Space)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	r.keepChains = true
	for range 3 {
		if _, err := replay(r, l, done, settle); err != nil {
			t.Fatal(err)
		}
		if listing := nft(t, w, "", "list", "ruleset"); !strings.Contains(listing, "10.0.0.9") || !strings.Contains(listing, "jump policies") {
			t.Fatal(listing)
		}
		if _, err := replay(r, l, cleared(undone), settle); err != nil {
			t.Fatal(err)
		}
		if listing := nft(t, w, "", "list", "ruleset"); strings.Contains(listing, "set more") || !strings.Contains(listing, "chain policies") {
			t.Fatal(listing)
		}
	}
}

func TestRoutesAreHeardAndReplayed(t *testing.T) {
	for _, to := range netlab.Prefixes("10.9.0.0/26", "fd00:9::/122") {
		t.Run(family.OfPrefix(to).String(), func(t *testing.T) {
			w, l := stand(t)
			if err := w.node.AddRoute(to, netip.Addr{}, netlab.Uplink); err != nil {
				t.Fatal(err)
			}
			seen, err := l.await(settle, func(o *observation) bool { return o.routed(to, true) })
			if err != nil {
				t.Fatal(err)
			}
			l.reset()
			if err := w.wipe(); err != nil {
				t.Fatal(err)
			}
			if _, err := l.await(settle, func(o *observation) bool { return o.routed(to, false) }); err != nil {
				t.Fatal(err)
			}
			r, err := newReplayer(w.node.Space)
			if err != nil {
				t.Fatal(err)
			}
			defer r.close()
			l.reset()
			if _, err := r.send(seen); err != nil {
				t.Fatal(err)
			}
			if _, err := l.await(settle, func(o *observation) bool { return o.routed(to, true) }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestARefusedReplayNamesTheMessage(t *testing.T) {
	w, l := stand(t)
	nft(t, w, ruleset, "-f", "-")
	seen, err := l.await(settle, func(o *observation) bool { return o.rules == 6 })
	if err != nil {
		t.Fatal(err)
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	headless := *seen
	headless.seen = slices.Clone(seen.seen)
	for i, n := range headless.seen {
		var rest []byte
		for m := range messages(n.data) {
			if m.kind&0xff != 0 { // NFT_MSG_NEWTABLE
				rest = appendMessage(rest, m)
			}
		}
		headless.seen[i].data = rest
	}
	r, err := newReplayer(w.node.Space)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if _, err := r.send(&headless); err == nil || !strings.Contains(err.Error(), `"calico" "members": no such file or directory`) {
		t.Errorf("got %v", err)
	}
}
