package wireguard_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/wireguard"
)

// inKernel is a network namespace with devices of the kernel's own.
type inKernel struct {
	*wireguard.Linux
	control *wireguard.Control
}

func (k inKernel) Read(name string) (wireguard.Device, error) { return k.control.Read(name) }
func (k inKernel) Change(name string, change wireguard.Change) error {
	return k.control.Change(name, change)
}

// useKernel has a tunnel be a device of the kernel's own, and skips the test where it has none: that
// needs the module wireguard, which Debian's kernel has (make test-vm).
func (w *tunnel) useKernel(t *testing.T, f family.Family) {
	t.Helper()
	var unsupported error
	w.do(func() (err error) {
		if w.control, err = wireguard.OpenControl(); err != nil {
			return err
		}
		if err = w.kernel.Make("probe", 1420); errors.Is(err, wireguard.ErrUnsupported) {
			unsupported = err
			return nil
		}
		return errors.Join(err, w.kernel.Remove("probe"))
	})
	t.Cleanup(func() { _ = w.control.Close() })
	if unsupported != nil {
		skipCounted(t, unsupported)
	}
	w.start(f)
}

// skipCounted skips a test, and says why where reasons are collected.
func skipCounted(t *testing.T, why error) {
	t.Helper()
	if path := os.Getenv(netlab.SkipLogEnv); path != "" {
		if log, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
			fmt.Fprintf(log, "SKIPPED %s: %v\n", t.Name(), why)
			_ = log.Close()
		}
	}
	t.Skip(why)
}

// The driver does the same with the kernel's own devices as with those in user space.
func TestPodsTalkThroughTheKernelsOwnDevice(t *testing.T) {
	for _, f := range family.All() {
		for _, carries := range []family.Set{family.NewSet(f), family.Both} {
			t.Run(fmt.Sprintf("%v over %v", carries, f), func(t *testing.T) {
				l := lab(t)
				a, b := newTunnel(t, l, f, 1), newTunnel(t, l, f, 2)
				for i, w := range []*tunnel{a, b} {
					w.settings.Carries = carries
					w.settings.Addresses = nil
					for _, inner := range carries.Families() {
						w.settings.Addresses = append(w.settings.Addresses, at(inner, i+1))
					}
					w.useKernel(t, f)
				}
				a.learn(f, 2, b.key.Public(), carries)
				b.learn(f, 1, a.key.Public(), carries)
				b.apply()
				a.apply()
				if a.driver.Running() != "kernel" {
					t.Errorf("runs in %q", a.driver.Running())
				}
				for _, inner := range family.All() {
					talk(t, l, inner, 1, 2, 100)
					talk(t, l, inner, 2, 1, 4000)
					if clear := crossesInTheClear(t, l, inner, 1, 2); clear == carries.Has(inner) {
						t.Errorf("%v crosses in the clear: %v", inner, clear)
					}
				}
			})
		}
	}
}

// A device of the kernel's lives on, with its key and its peers; the next process changes nothing.
func TestTheKernelsOwnDeviceOutlivesItsAgent(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			l := lab(t)
			a, b := newTunnel(t, l, f, 1), newTunnel(t, l, f, 2)
			for _, w := range []*tunnel{a, b} {
				w.useKernel(t, f)
			}
			learn := func() { a.learn(f, 2, b.key.Public(), family.NewSet(f)) }
			learn()
			b.learn(f, 1, a.key.Public(), family.NewSet(f))
			b.apply()
			a.apply()
			talk(t, l, f, 1, 2, 100)
			before, err := a.driver.Peers()
			if err != nil {
				t.Fatal(err)
			}
			a.start(f)
			learn()
			a.apply()
			after, err := a.driver.Peers()
			if err != nil || after["b"].Handshake != before["b"].Handshake || after["b"].Sent < before["b"].Sent {
				t.Errorf("the session was %+v and is %+v, %v", before["b"], after["b"], err)
			}
			talk(t, l, f, 1, 2, 100)
			a.settings.Addresses = []netip.Addr{at(f, 5)}
			a.driver.Configure(a.settings) // and settings change without a new device
			a.apply()
			talk(t, l, f, 2, 1, 100)
		})
	}
}
