package interfaces_test

import (
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/reconcile"
)

// What the kernel does not tell of is found by the audit, and not before; it is the only
// thing that a node on which nothing happens wakes up for.
func TestTheAuditFindsWhatTheKernelDoesNotTellOf(t *testing.T) {
	const every = 90 * time.Second
	for _, set := range sets {
		t.Run(set.String(), func(t *testing.T) {
			n := newNode(t, set, interfaces.Settings{Audit: every})
			n.apply()
			n.sysctls.written()
			for _, path := range []string{"net/ipv4/conf/cali1/rp_filter", "net/ipv6/conf/cali1/accept_ra", "net/ipv4/neigh/cali1/proxy_delay", "net/ipv4/ip_forward"} {
				n.sysctls.values[path] = "7"
			}
			reads := n.sysctls.reads
			n.now = n.now.Add(every * 8 / 10)
			n.apply()
			n.wrote("before it is time")
			if n.sysctls.reads != reads {
				t.Errorf("%d reads before it is time", n.sysctls.reads-reads)
			}
			var want []string
			if set.Has(family.V4) {
				want = append(want, "net/ipv4/ip_forward = 1", "net/ipv4/neigh/cali1/proxy_delay = 0", "net/ipv4/conf/cali1/rp_filter = 1")
			}
			if set.Has(family.V6) {
				want = append(want, "net/ipv6/conf/cali1/accept_ra = 0")
			}
			n.now = n.now.Add(every * 2 / 10)
			n.apply()
			n.wrote("when it is time", want...)
			for f, d := range n.drivers {
				if s := d.Status("cali1"); s.State != reconcile.Done {
					t.Errorf("%s: %v", f, s)
				}
			}
		})
	}
}

func TestWhenTheNextAuditIs(t *testing.T) {
	const every = 90 * time.Second
	n := newNode(t, family.NewSet(family.V4), interfaces.Settings{Audit: every})
	d := n.drivers[family.V4]
	for range 50 {
		next, err := d.Apply(n.now)
		if wait := next.Sub(n.now); err != nil || wait < every*9/10 || wait > every {
			t.Fatalf("the next audit is in %v, %v", wait, err)
		}
		if again, _ := d.Apply(n.now.Add(time.Second)); !again.Equal(next) {
			t.Fatalf("a pass in between puts it off, from %v to %v", next, again)
		}
		n.now = next
	}
	for name, s := range map[string]interfaces.Settings{"no audit": {}, "the family is off": {Off: true, Audit: every}} {
		d.Configure(s)
		if next, err := d.Apply(n.now); !next.IsZero() || err != nil {
			t.Errorf("%s: due again at %v, %v", name, next, err)
		}
	}
	d.Configure(interfaces.Settings{Audit: every})
	if next, _ := d.Apply(n.now); next.IsZero() {
		t.Error("switched on again, it is never due")
	}
}
