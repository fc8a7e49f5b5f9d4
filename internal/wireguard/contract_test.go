package wireguard_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/wireguard"
)

// world is all that the Driver acts on: a real network namespace, with devices in user space or
// the kernel's own, or the fake.
type world interface {
	wireguard.Kernel
	wireguard.Tunnel
	wireguard.Maker
}

// real is a network namespace. Its methods must be called inside it.
type real struct {
	*wireguard.Linux
	user *wireguard.Userspace
}

func (r real) Takes(kind string) bool          { return r.user.Takes(kind) }
func (r real) Make(name string, mtu int) error { return r.user.Make(name, mtu) }
func (r real) Attach(l wireguard.Link) error   { return r.user.Attach(l) }
func (r real) Remove(name string) error        { return r.user.Remove(name) }

func (r real) Read(name string) (wireguard.Device, error)   { return r.user.Read(name) }
func (r real) Change(name string, c wireguard.Change) error { return r.user.Change(name, c) }

// contract runs a test on what the Driver relies on, with the name of a device to make.
func contract(t *testing.T, test func(t *testing.T, w world, device string, f family.Family)) {
	for _, f := range family.All() {
		t.Run("fake/"+f.String(), func(t *testing.T) { test(t, newFake(), "wg0", f) })
		t.Run("namespace/"+f.String(), func(t *testing.T) {
			l := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "a", Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64")}}})
			p := newTunnel(t, l, f, 1)
			p.do(func() error {
				test(t, real{p.kernel, p.maker}, p.settings.Name, f)
				return nil
			})
		})
		t.Run("kernel/"+f.String(), func(t *testing.T) {
			l := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "a", Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64")}}})
			p := newTunnel(t, l, f, 1)
			p.useKernel(t, f)
			p.do(func() error {
				test(t, inKernel{p.kernel, p.control}, p.settings.Name, f)
				return nil
			})
		})
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestContractADevicesLife(t *testing.T) {
	contract(t, func(t *testing.T, w world, device string, _ family.Family) {
		if _, err := w.Read(device); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read before there is one: %v", err)
		}
		must(t, w.Remove(device)) // no error either
		must(t, w.Make(device, 1400))
		l, there, err := w.Link(device)
		must(t, err)
		if !there || l.MTU != 1400 || l.Up || !w.Takes(l.Kind) {
			t.Errorf("made: %+v, %v", l, there)
		}
		must(t, w.SetLink(device, 1380))
		if l, _, _ = w.Link(device); !l.Up || l.MTU != 1380 {
			t.Errorf("set: %+v", l)
		}
		must(t, w.Remove(device))
		if _, there, _ = w.Link(device); there {
			t.Error("removed, and still there")
		}
		if _, err := w.Read(device); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read when it is gone: %v", err)
		}
	})
}

func TestContractKeyPortAndMark(t *testing.T) {
	contract(t, func(t *testing.T, w world, device string, _ family.Family) {
		must(t, w.Make(device, 1400))
		key, port, mark := newKey(t), uint16(51999), uint32(0x100000)
		must(t, w.Change(device, wireguard.Change{Key: &key, Port: &port, Mark: &mark}))
		d, err := w.Read(device)
		must(t, err)
		if d.Key != key || d.Port != port || d.Mark != mark || len(d.Peers) != 0 {
			t.Errorf("read back: port %d mark %#x, %d peers, key equal: %v", d.Port, d.Mark, len(d.Peers), d.Key == key)
		}
	})
}

func TestContractADestinationIsThePeersThatIsToldLast(t *testing.T) {
	contract(t, func(t *testing.T, w world, device string, f family.Family) {
		must(t, w.Make(device, 1400))
		key := newKey(t)
		a, b := newKey(t).Public(), newKey(t).Public()
		one, two := block(f, 2), block(f, 3)
		must(t, w.Change(device, wireguard.Change{Key: &key, Peers: map[wireguard.Key]wireguard.Peer{
			a: {Endpoint: netip.AddrPortFrom(under(f, 2), 51820), Allowed: []netip.Prefix{one, two}},
		}}))
		must(t, w.Change(device, wireguard.Change{Peers: map[wireguard.Key]wireguard.Peer{
			b: {Endpoint: netip.AddrPortFrom(under(f, 3), 51820), Allowed: []netip.Prefix{two}},
		}}))
		d, err := w.Read(device)
		must(t, err)
		if !slices.Equal(d.Peers[a].Allowed, []netip.Prefix{one}) || !slices.Equal(d.Peers[b].Allowed, []netip.Prefix{two}) {
			t.Errorf("a has %v, b has %v", d.Peers[a].Allowed, d.Peers[b].Allowed)
		}
		if d.Peers[a].Endpoint != netip.AddrPortFrom(under(f, 2), 51820) {
			t.Errorf("a is at %v", d.Peers[a].Endpoint)
		}
		must(t, w.Change(device, wireguard.Change{Gone: []wireguard.Key{a, newKey(t).Public()}})) // one of which it never had
		if d, err = w.Read(device); err != nil || len(d.Peers) != 1 {
			t.Errorf("left: %v, %v", len(d.Peers), err)
		}
	})
}

func TestContractAddresses(t *testing.T) {
	contract(t, func(t *testing.T, w world, device string, f family.Family) {
		must(t, w.Make(device, 1400))
		must(t, w.SetLink(device, 1400))
		l, _, _ := w.Link(device)
		must(t, w.ChangeAddresses(l.Index, []netip.Addr{at(f, 1), at(f, 2)}, nil)...)
		must(t, w.ChangeAddresses(l.Index, nil, []netip.Addr{at(f, 1)})...)
		have, err := w.Addresses(l.Index)
		if err != nil || !slices.Equal(have, []netip.Addr{at(f, 2)}) {
			t.Errorf("has %v, %v", have, err)
		}
	})
}

func TestContractRoutes(t *testing.T) {
	contract(t, func(t *testing.T, w world, device string, f family.Family) {
		must(t, w.Make(device, 1400))
		l, _, _ := w.Link(device)
		k := wireguard.RouteKey{To: block(f, 2), Metric: 1024}
		guard := wireguard.RouteKey{To: block(f, 2), Metric: 4096}
		in := wireguard.Route{Kind: wireguard.IntoDevice, Link: l.Index}
		if errs := w.ChangeRoutes(77, []wireguard.KeyedRoute{{Key: k, Route: in}}, nil); errs[0] == nil {
			t.Error("a route into a device that is down is taken")
		}
		must(t, w.SetLink(device, 1400))
		// Each kind in the place of each other one, the guard behind it untouched.
		must(t, w.ChangeRoutes(77, []wireguard.KeyedRoute{{Key: guard, Route: wireguard.Route{Kind: wireguard.Drop}}}, nil)...)
		for _, r := range []wireguard.Route{in, {Kind: wireguard.Throw}, {Kind: wireguard.Drop}, in} {
			must(t, w.ChangeRoutes(77, []wireguard.KeyedRoute{{Key: k, Route: r}}, nil)...)
			have, err := w.Routes(77)
			must(t, err)
			if len(have) != 2 || have[k] != r || have[guard] != (wireguard.Route{Kind: wireguard.Drop}) {
				t.Errorf("after %+v the table has %+v", r, have)
			}
		}
		must(t, w.Remove(device))
		have, err := w.Routes(77)
		if _, closed := have[guard]; err != nil || len(have) != 1 || !closed {
			t.Errorf("without the device the table has %+v, %v", have, err)
		}
		must(t, w.ChangeRoutes(77, nil, []wireguard.KeyedRoute{{Key: guard, Route: have[guard]}})...)
		if have, err = w.Routes(77); err != nil || len(have) != 0 {
			t.Errorf("emptied, the table has %+v, %v", have, err)
		}
	})
}

func TestContractRules(t *testing.T) {
	contract(t, func(t *testing.T, w world, _ string, f family.Family) {
		ours := wireguard.Rule{Family: f, Priority: 99, Mark: 0x100000, Table: 77}
		other := wireguard.Rule{Family: f, Priority: 98, Mark: 0x100000, Table: 77}
		must(t, w.ChangeRules([]wireguard.Rule{ours, other}, nil)...)
		must(t, w.ChangeRules([]wireguard.Rule{ours}, nil)...) // it is there, which is well
		have, err := w.Rules(99)
		if err != nil || !slices.Equal(have, []wireguard.Rule{ours}) {
			t.Errorf("has %v, %v", have, err)
		}
		must(t, w.ChangeRules(nil, []wireguard.Rule{ours})...)
		if have, err = w.Rules(99); err != nil || len(have) != 0 {
			t.Errorf("has %v, %v", have, err)
		}
	})
}
