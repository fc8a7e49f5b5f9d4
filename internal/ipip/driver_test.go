package ipip_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/ipip"
	"github.com/margay-net/margay/internal/reconcile"
)

// world is a driver on a fake kernel.
type world struct {
	*testing.T
	kernel *kernel
	driver *ipip.Driver
	now    time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, kernel: newKernel(), now: time.Unix(1000, 0)}
	w.restart()
	return w
}

func (w *world) restart() { w.driver = ipip.New(ipip.Options{Kernel: w.kernel}) }

func (w *world) apply() {
	w.Helper()
	if _, err := w.driver.Apply(w.now); err != nil {
		w.Fatal(err)
	}
}

func own(tunnel string) ipip.Own {
	return ipip.Own{Node: netip.MustParseAddr("172.16.0.1"), Tunnel: netip.MustParseAddr(tunnel)}
}

// stands is what the kernel has on tunl0, in the words of a driver that has just read it.
func (w *world) stands(want ...string) {
	w.Helper()
	var got []string
	for _, l := range w.kernel.links {
		if l.Name == "tunl0" && l.Up {
			got = append(got, "up")
		}
	}
	for _, a := range w.kernel.addresses {
		if a.Link == 9 {
			got = append(got, a.Prefix.String())
		}
	}
	if !slices.Equal(got, want) {
		w.Errorf("stands %q, want %q", got, want)
	}
}

func (w *world) quiet() {
	w.Helper()
	if w.kernel.writes != 0 {
		w.Errorf("%d writes, none expected", w.kernel.writes)
	}
	w.kernel.writes = 0
}

func TestTunnel(t *testing.T) {
	w := newWorld(t)
	w.apply()
	w.driver.Own(own("10.244.1.9"))
	w.apply()
	w.stands("up", "10.244.1.9/32")
	if got := w.driver.Actual(); !slices.Equal(got, []string{"tunl0 mtu 1480 up", "10.244.1.9/32 dev tunl0"}) || !slices.Equal(got, w.driver.Desired()) {
		t.Errorf("%q, desired %q", got, w.driver.Desired())
	}
	if s := w.driver.Status(); s.State != reconcile.Done || !w.driver.Settled() || w.driver.MTU() != 1480 {
		t.Errorf("%v, settled %v, MTU %d", s, w.driver.Settled(), w.driver.MTU())
	}
	w.kernel.writes = 0
	w.driver.InSync()
	w.apply()
	w.quiet()

	w.driver.Own(own("10.244.1.10"))
	w.apply()
	w.stands("up", "10.244.1.10/32")
	w.driver.Own(ipip.Own{})
	w.apply()
	w.stands()
	if s := w.driver.Status(); s.State != reconcile.Unknown || w.driver.MTU() != 0 || len(w.driver.Actual()) != 0 {
		t.Errorf("%v, MTU %d, %q", s, w.driver.MTU(), w.driver.Actual())
	}
}

func TestRestartTouchesNothing(t *testing.T) {
	w := newWorld(t)
	w.driver.Own(own("10.244.1.9"))
	w.apply()
	w.kernel.writes = 0
	w.restart()
	w.apply()
	w.driver.Own(own("10.244.1.9"))
	w.apply()
	w.driver.InSync()
	w.apply()
	w.quiet()
	w.restart() // with another address, the old one goes once all is known
	w.driver.Own(own("10.244.1.10"))
	w.apply()
	w.stands("up", "10.244.1.9/32", "10.244.1.10/32")
	w.driver.InSync()
	w.apply()
	w.stands("up", "10.244.1.10/32")
}

// Others use tunl0 as well.
func TestDeviceThatIsNotWanted(t *testing.T) {
	w := newWorld(t)
	w.kernel.links = append(w.kernel.links, ipip.Link{Index: 9, Name: "tunl0", Kind: "ipip", Up: true, MTU: 1480})
	w.kernel.addresses = append(w.kernel.addresses, ipip.Address{Link: 9, Prefix: netip.MustParsePrefix("192.0.2.7/32")})
	w.driver.InSync()
	w.apply()
	w.quiet()
	w.stands("up", "192.0.2.7/32")
}

func TestDamageIsUndone(t *testing.T) {
	for name, damage := range map[string]func(w *world){
		"down": func(w *world) { w.kernel.links[2].Up = false },
		"MTU":  func(w *world) { w.kernel.links[2].MTU = 1300 },
		"gone": func(w *world) { w.kernel.links = w.kernel.links[:2]; w.kernel.addresses = w.kernel.addresses[:1] },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.driver.Own(own("10.244.1.9"))
			w.driver.InSync()
			w.apply()
			l := w.kernel.links[2]
			damage(w)
			gone := len(w.kernel.links) == 2
			if !gone {
				l = w.kernel.links[2]
			}
			w.driver.Handle([]ipip.Event{{Link: &l, Gone: gone}})
			w.apply()
			w.stands("up", "10.244.1.9/32")
			if w.driver.Counts().Repairs != 1 {
				t.Errorf("%+v", w.driver.Counts())
			}
		})
	}
	t.Run("address", func(t *testing.T) {
		w := newWorld(t)
		w.driver.Own(own("10.244.1.9"))
		w.driver.InSync()
		w.apply()
		a := w.kernel.addresses[1]
		w.kernel.addresses = w.kernel.addresses[:1]
		w.driver.Handle([]ipip.Event{{Address: &a, Gone: true}})
		w.apply()
		w.stands("up", "10.244.1.9/32")
	})
}

func TestMTU(t *testing.T) {
	w := newWorld(t)
	w.driver.Own(own("10.244.1.9"))
	w.driver.InSync()
	w.apply()
	w.kernel.links[1].MTU = 9000
	l := w.kernel.links[1]
	w.driver.Handle([]ipip.Event{{Link: &l}})
	w.apply()
	if got := w.kernel.links[2].MTU; got != 8980 {
		t.Errorf("follows the underlay: %d", got)
	}
	w.driver.Configure(ipip.Settings{MTU: 1400})
	w.apply()
	if got := w.kernel.links[2].MTU; got != 1400 {
		t.Errorf("as set: %d", got)
	}
}

func TestNodeWithoutItsAddress(t *testing.T) {
	w := newWorld(t)
	o := own("10.244.1.9")
	o.Node = netip.MustParseAddr("192.0.2.1")
	w.driver.Own(o)
	w.driver.InSync()
	w.apply()
	w.quiet()
	if s := w.driver.Status(); s.State != reconcile.Pending || s.Err.Error() != "no interface has the node's address 192.0.2.1" {
		t.Errorf("%v", s)
	}
}

func TestKernelWithoutIPIP(t *testing.T) {
	w := newWorld(t)
	w.kernel.lacks = true
	w.driver.Own(own("10.244.1.9"))
	next, err := w.driver.Apply(w.now)
	s := w.driver.Status()
	if err != nil || next.Sub(w.now) != 100*time.Millisecond || s.State != reconcile.Failed ||
		!errors.Is(s.Err, syscall.EOPNOTSUPP) || !strings.Contains(s.Err.Error(), "the kernel has no module ipip") {
		t.Errorf("%v, %v, due in %v", s, err, next.Sub(w.now))
	}
	if w.driver.Counts().Failed != 1 {
		t.Errorf("%+v", w.driver.Counts())
	}
	w.kernel.lacks, w.now = false, next
	w.apply()
	w.stands("up", "10.244.1.9/32")
}

func TestALinkOfOurNameThatIsNotOurs(t *testing.T) {
	w := newWorld(t)
	w.kernel.links = append(w.kernel.links, ipip.Link{Index: 9, Name: "tunl0", Kind: "dummy"})
	w.driver.Own(own("10.244.1.9"))
	w.driver.InSync()
	w.apply()
	w.quiet()
	if s := w.driver.Status(); s.State != reconcile.Failed || !strings.Contains(s.Err.Error(), `of kind "dummy"`) {
		t.Errorf("%v", s)
	}
}

func TestUnreadableKernel(t *testing.T) {
	w := newWorld(t)
	w.kernel.fail = syscall.EPERM
	w.driver.Own(own("10.244.1.9"))
	next, err := w.driver.Apply(w.now)
	if !errors.Is(err, syscall.EPERM) || next.Sub(w.now) != time.Second {
		t.Errorf("%v, %v", next, err)
	}
	w.kernel.fail, w.now = nil, next
	w.apply()
	w.stands("up", "10.244.1.9/32")
}
