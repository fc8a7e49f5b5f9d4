package vxlan_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/reconcile"
	"github.com/margay-net/margay/internal/vxlan"
)

// world is a driver on a fake kernel.
type world struct {
	*testing.T
	f       family.Family
	kernel  *kernel
	sysctls sysctls
	driver  *vxlan.Driver
	now     time.Time
}

func newWorld(t *testing.T, f family.Family, k *kernel) *world {
	w := &world{T: t, f: f, kernel: k, sysctls: newSysctls(), now: time.Unix(1000, 0)}
	w.restart()
	return w
}

// restart is a new driver on what stands.
func (w *world) restart() {
	w.driver = vxlan.New(vxlan.Options{Family: w.f, Kernel: w.kernel, Sysctls: w.sysctls})
}

// vtep is a node's end, with tunnel addresses of the families.
func vtep(underlayFamily family.Family, node byte, inner family.Set) model.VTEP {
	v := model.VTEP{Node: "n" + string('0'+rune(node)), Underlay: underlay(underlayFamily, node), MAC: mac(node)}
	for _, f := range inner.Families() {
		*v.Addresses.At(f) = tunnel(f, node)
	}
	return v
}

// tell tells the driver of a cluster of three.
func (w *world) tell(inner family.Set) {
	w.driver.Own(vtep(w.f, 1, inner))
	w.driver.Want(vtep(w.f, 2, inner))
	w.driver.Want(vtep(w.f, 3, inner))
}

func (w *world) apply() time.Time {
	w.Helper()
	next, err := w.driver.Apply(w.now)
	if err != nil {
		w.Fatal(err)
	}
	return next
}

// stands is what the kernel has of ours.
func (w *world) stands(want ...string) {
	w.Helper()
	if got := w.driver.Actual(); !slices.Equal(got, want) {
		w.Errorf("stands\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	fresh := vxlan.New(vxlan.Options{Family: w.f, Kernel: &kernel{
		links: w.kernel.links, addresses: w.kernel.addresses, neighbours: w.kernel.neighbours, forwarding: w.kernel.forwarding, software: map[string]bool{},
	}, Sysctls: newSysctls()})
	if _, err := fresh.Apply(w.now); err != nil {
		w.Fatal(err)
	}
	if got := fresh.Actual(); !slices.Equal(got, want) {
		w.Errorf("the kernel has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// quiet says that nothing has been written since the last call of written.
func (w *world) quiet() {
	w.Helper()
	if n := w.written(); n != 0 {
		w.Errorf("%d writes, none expected: %+v", n, w.kernel.writes)
	}
}

func (w *world) written() int {
	n := len(w.kernel.writes)
	w.kernel.writes = nil
	return n
}

// lines of a cluster of three, by underlay and by what is inside.
func lines(f family.Family, inner family.Set) []string {
	device := family.PairOf(
		"vxlan.calico mtu 1450 address 66:00:00:00:00:01 vxlan id 4096 local 172.16.0.1 dev eth0 dstport 4789",
		"vxlan-v6.calico mtu 1430 address 66:00:00:00:00:01 vxlan id 4096 local fd00:16::1 dev eth0 dstport 4789")
	name := vxlan.DeviceName(f)
	out := []string{device.Get(f)}
	inside := map[family.Family][3]string{
		family.V4: {"10.244.1.0/32", "10.244.2.0", "10.244.3.0"},
		family.V6: {"fd00:24:1::/128", "fd00:24:2::", "fd00:24:3::"},
	}
	inside[family.V6] = [3]string{tunnel(family.V6, 1).String() + "/128", tunnel(family.V6, 2).String(), tunnel(family.V6, 3).String()}
	for _, i := range inner.Families() {
		out = append(out, inside[i][0]+" dev "+name)
	}
	for _, i := range inner.Families() {
		out = append(out, inside[i][1]+" lladdr 66:00:00:00:00:02 dev "+name, inside[i][2]+" lladdr 66:00:00:00:00:03 dev "+name)
	}
	to := family.PairOf([]string{"172.16.0.2", "172.16.0.3"}, []string{"fd00:16::2", "fd00:16::3"})
	for i, a := range to.Get(f) {
		out = append(out, "66:00:00:00:00:0"+string('2'+rune(i))+" dst "+a+" dev "+name+" self permanent")
	}
	return out
}

// each runs a test over each underlay, for each set of families inside.
func each(t *testing.T, test func(w *world, inner family.Set)) {
	for _, f := range family.All() {
		for _, inner := range []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both} {
			t.Run("over "+f.String()+"/"+inner.String(), func(t *testing.T) { test(newWorld(t, f, newKernel()), inner) })
		}
	}
}

func TestDeviceWithItsEntries(t *testing.T) {
	each(t, func(w *world, inner family.Set) {
		w.tell(inner)
		w.apply()
		w.stands(lines(w.f, inner)...)
		if got := w.driver.Desired(); !slices.Equal(got, lines(w.f, inner)) {
			t.Errorf("desired %q", got)
		}
		w.driver.InSync()
		w.written()
		w.apply()
		w.quiet()
		if s := w.driver.Status("n2"); s.State != reconcile.Done || !w.driver.Settled() || w.driver.Carries() != inner {
			w.Errorf("n2: %v, settled %v, carries %v", s, w.driver.Settled(), w.driver.Carries())
		}
		if l := w.kernel.links[2]; !l.Up || !l.NoLinkLocal {
			w.Errorf("%+v", l)
		}
	})
}

func TestRestartTouchesNothing(t *testing.T) {
	each(t, func(w *world, inner family.Set) {
		w.tell(inner)
		w.apply()
		w.written()
		w.restart()
		w.apply() // nothing has been told
		w.quiet()
		w.tell(inner)
		w.apply()
		w.driver.InSync()
		w.apply()
		w.quiet()
		w.stands(lines(w.f, inner)...)
	})
}

func TestNothingGoesBeforeInSync(t *testing.T) {
	each(t, func(w *world, inner family.Set) {
		w.tell(inner)
		w.apply()
		w.restart()
		w.apply()
		w.stands(lines(w.f, inner)...)
		w.driver.InSync()
		w.apply()
		w.stands()
		if len(w.kernel.links) != 2 {
			w.Errorf("%+v", w.kernel.links)
		}
	})
}

// Settings that have not been read may be others than those in force.
func TestWhatStandsIsNotAlteredBeforeInSync(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.driver.Configure(vxlan.Settings{VNI: 77, MTU: 1400, BrokenOffload: true})
	w.tell(family.Both)
	w.apply()
	w.written()
	w.restart()
	w.tell(family.Both)
	w.apply()
	w.quiet()
	w.driver.InSync()
	w.apply()
	w.stands(lines(family.V4, family.Both)...)
	if w.kernel.software["vxlan.calico"] {
		t.Error("checksums are still made in software")
	}
}

func TestANodeGoes(t *testing.T) {
	each(t, func(w *world, inner family.Set) {
		w.tell(inner)
		w.driver.InSync()
		w.apply()
		w.written()
		w.driver.Unwant("n3")
		w.apply()
		if n, want := w.written(), 1+len(inner.Families()); n != want {
			w.Errorf("%d writes, want %d", n, want)
		}
		w.stands(slices.DeleteFunc(lines(w.f, inner), func(l string) bool { return strings.Contains(l, "00:03") })...)
		if s := w.driver.Status("n3"); s.State != reconcile.Unknown {
			w.Errorf("n3: %v", s)
		}
	})
}

// What can be changed in place leaves the device and all else as it is.
func TestChangesInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		writes int
	}{
		"MTU":               {func(w *world) { w.driver.Configure(vxlan.Settings{MTU: 1300}) }, 1},
		"MTU of the parent": {func(w *world) { w.linkChanges(2, func(l *vxlan.Link) { l.MTU = 9000 }) }, 1},
		"checksums":         {func(w *world) { w.driver.Configure(vxlan.Settings{BrokenOffload: true}) }, 0},
		"a node's MAC": {func(w *world) {
			v := vtep(w.f, 2, family.Both)
			v.MAC = mac(8)
			w.driver.Want(v)
		}, 4},
		"a node's address": {func(w *world) {
			v := vtep(w.f, 2, family.Both)
			v.Underlay = underlay(w.f, 8)
			w.driver.Want(v)
		}, 1},
		"a node's tunnel address": {func(w *world) {
			v := vtep(w.f, 2, family.Both)
			*v.Addresses.At(family.V6) = tunnel(family.V6, 8)
			w.driver.Want(v)
		}, 2},
		"own tunnel address": {func(w *world) {
			v := vtep(w.f, 1, family.Both)
			*v.Addresses.At(family.V4) = tunnel(family.V4, 8)
			w.driver.Own(v)
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, family.V6, newKernel())
			w.tell(family.Both)
			w.driver.InSync()
			w.apply()
			w.written()
			c.change(w)
			w.apply()
			if index := w.kernel.links[2].Index; index != 3 || !w.driver.Settled() {
				t.Errorf("index %d, settled %v", index, w.driver.Settled())
			}
			if n := w.written(); n != c.writes {
				t.Errorf("%d writes, want %d", n, c.writes)
			}
			w.stands(w.driver.Desired()...)
		})
	}
}

// Addresses are added before others go: the last one takes routes along.
func TestAddressesOverlap(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.tell(family.NewSet(family.V4))
	w.driver.InSync()
	w.apply()
	w.written()
	v := vtep(family.V4, 1, family.NewSet(family.V4))
	*v.Addresses.At(family.V4) = tunnel(family.V4, 8)
	w.driver.Own(v)
	w.apply()
	if got := w.kernel.writes; len(got) != 2 || got[0].Delete || !got[1].Delete {
		t.Errorf("%+v", got)
	}
}

// What cannot be changed in place makes a new device, with everything on it, at once.
func TestChangesThatMakeANewDevice(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"VNI":  func(w *world) { w.driver.Configure(vxlan.Settings{VNI: 77}) },
		"port": func(w *world) { w.driver.Configure(vxlan.Settings{Port: 8472}) },
		"address": func(w *world) {
			a := vxlan.Address{Link: 2, Prefix: netip.PrefixFrom(underlay(w.f, 9), 24)}
			w.kernel.addresses = append(w.kernel.addresses, a)
			w.driver.Handle([]vxlan.Event{{Address: &a}})
			v := vtep(w.f, 1, family.Both)
			v.Underlay = underlay(w.f, 9)
			w.driver.Own(v)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range family.All() {
				w := newWorld(t, f, newKernel())
				w.tell(family.Both)
				w.driver.InSync()
				w.apply()
				change(w)
				w.apply()
				if index := w.kernel.links[2].Index; index != 4 || !w.driver.Settled() {
					t.Errorf("index %d, settled %v", index, w.driver.Settled())
				}
				w.stands(w.driver.Desired()...)
			}
		})
	}
}

// linkChanges is somebody else's doing.
func (w *world) linkChanges(index int, change func(*vxlan.Link)) {
	i := w.kernel.at(index)
	change(&w.kernel.links[i])
	l := w.kernel.links[i]
	w.driver.Handle([]vxlan.Event{{Link: &l, Port: 9}})
}

func TestDamageIsUndone(t *testing.T) {
	gone := func(w *world, writes ...vxlan.Write) {
		for _, x := range writes {
			if err := w.kernel.write(x); err != nil {
				w.Fatal(err)
			}
			w.driver.Handle([]vxlan.Event{{
				Gone: x.Delete, Port: 9, Link: x.Link, Address: x.Address, Neighbour: x.Neighbour, Forwarding: x.Forwarding,
			}})
		}
	}
	damage := map[string]func(w *world){
		"device deleted": func(w *world) { l := w.kernel.links[2]; gone(w, vxlan.Write{Delete: true, Link: &l}) },
		"device down": func(w *world) {
			l := w.kernel.links[2]
			l.Up = false
			gone(w, vxlan.Write{Have: w.kernel.links[2], Link: &l})
			for _, a := range []vxlan.Address{{Link: 3, Prefix: family.HostPrefix(tunnel(family.V6, 1))}} {
				w.driver.Handle([]vxlan.Event{{Gone: true, Address: &a}})
			}
		},
		"MTU": func(w *world) { w.linkChanges(3, func(l *vxlan.Link) { l.MTU = 1280 }) },
		"MAC": func(w *world) {
			w.linkChanges(3, func(l *vxlan.Link) { l.MAC = mac(7); w.kernel.dropNeighbours(3) })
		},
		"address": func(w *world) {
			gone(w, vxlan.Write{Delete: true, Address: &vxlan.Address{Link: 3, Prefix: family.HostPrefix(tunnel(family.V4, 1))}})
		},
		"another address": func(w *world) {
			gone(w, vxlan.Write{Address: &vxlan.Address{Link: 3, Prefix: family.HostPrefix(tunnel(family.V4, 6))}})
		},
		"neighbour": func(w *world) {
			gone(w, vxlan.Write{Delete: true, Neighbour: &vxlan.Neighbour{Link: 3, Address: tunnel(family.V6, 2)}})
		},
		"neighbour altered": func(w *world) {
			gone(w, vxlan.Write{Neighbour: &vxlan.Neighbour{Link: 3, Address: tunnel(family.V6, 2), MAC: mac(5), Permanent: true}})
		},
		"neighbour that fades": func(w *world) {
			gone(w, vxlan.Write{Neighbour: &vxlan.Neighbour{Link: 3, Address: tunnel(family.V6, 2), MAC: mac(2)}})
		},
		"neighbour too many": func(w *world) {
			gone(w, vxlan.Write{Neighbour: &vxlan.Neighbour{Link: 3, Address: tunnel(family.V6, 6), MAC: mac(6), Permanent: true}})
		},
		"forwarding": func(w *world) {
			gone(w, vxlan.Write{Delete: true, Forwarding: &vxlan.Forwarding{Link: 3, MAC: mac(2)}})
		},
		"forwarding altered": func(w *world) {
			gone(w, vxlan.Write{Forwarding: &vxlan.Forwarding{Link: 3, MAC: mac(2), Remote: underlay(w.f, 7), Permanent: true}})
		},
		"forwarding to all": func(w *world) {
			gone(w, vxlan.Write{Forwarding: &vxlan.Forwarding{Link: 3, Remote: underlay(w.f, 7), Permanent: true}})
		},
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			for _, f := range family.All() {
				w := newWorld(t, f, newKernel())
				w.tell(family.Both)
				w.driver.InSync()
				w.apply()
				do(w)
				if w.driver.Counts().Repairs == 0 {
					w.Error("not counted")
				}
				w.apply()
				w.stands(lines(f, family.Both)...)
			}
		})
	}
}

// What the kernel finds out by itself is left alone.
func TestWhatIsNotOurs(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.tell(family.Both)
	w.driver.InSync()
	w.apply()
	w.written()
	multicast := vxlan.Neighbour{Link: 3, Address: netip.MustParseAddr("ff02::16"), MAC: mac(9), Odd: true}
	learnt := vxlan.Neighbour{Link: 3, Address: tunnel(family.V4, 9), MAC: mac(9)}
	other := vxlan.Neighbour{Link: 2, Address: tunnel(family.V4, 9), MAC: mac(9), Permanent: true}
	own := vxlan.Address{Link: 3, Prefix: netip.MustParsePrefix("fe80::1/64"), LinkScope: true}
	w.driver.Handle([]vxlan.Event{{Neighbour: &multicast}, {Neighbour: &learnt}, {Neighbour: &other}, {Address: &own}})
	w.apply()
	w.quiet()
	w.driver.Handle([]vxlan.Event{{Overrun: true}})
	w.kernel.neighbours = append(w.kernel.neighbours, multicast, learnt, other)
	w.kernel.addresses = append(w.kernel.addresses, own)
	w.apply()
	w.quiet()
}

func TestNodeWithoutItsAddress(t *testing.T) {
	each(t, func(w *world, inner family.Set) {
		all := w.kernel.addresses
		w.kernel.addresses = nil
		w.tell(inner)
		w.driver.InSync()
		w.apply()
		w.quiet()
		if s := w.driver.Device(); s.State != reconcile.Pending || !strings.Contains(s.Err.Error(), "no interface has the node's address "+underlay(w.f, 1).String()) {
			w.Errorf("%v", s)
		}
		if c := w.driver.Conditions(); len(c) != 1 {
			w.Errorf("%q", c)
		}
		for _, a := range all {
			w.kernel.addresses = append(w.kernel.addresses, a)
			w.driver.Handle([]vxlan.Event{{Address: &a}})
		}
		w.apply()
		w.stands(lines(w.f, inner)...)
		for _, a := range all { // what stands is left
			w.driver.Handle([]vxlan.Event{{Address: &a, Gone: true}})
		}
		w.written()
		w.apply()
		w.quiet()
	})
}

func TestALinkOfOurNameThatIsNotOurs(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.kernel.links = append(w.kernel.links, vxlan.Link{Index: 9, Name: "vxlan.calico", Kind: "dummy", Up: true})
	w.tell(family.Both)
	w.driver.InSync()
	w.apply()
	w.quiet()
	s := w.driver.Device()
	if s.State != reconcile.Failed || s.Err.Error() != `device vxlan.calico: there is an interface of this name already, of kind "dummy", which is not ours` {
		t.Errorf("%v", s)
	}
	w.driver.Own(model.VTEP{})
	w.now = w.now.Add(time.Minute)
	w.apply()
	w.quiet()
	w.driver.Own(vtep(family.V4, 1, family.Both))
	l := w.kernel.links[2]
	_ = w.kernel.deleteLink(9)
	w.kernel.last = 2
	w.driver.Handle([]vxlan.Event{{Gone: true, Link: &l}})
	w.apply()
	w.stands(lines(family.V4, family.Both)...)
}

func TestTwoNodesWithOneMAC(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.driver.Own(vtep(family.V4, 1, family.Both))
	three, two := vtep(family.V4, 3, family.Both), vtep(family.V4, 2, family.Both)
	three.MAC = two.MAC
	w.driver.Want(three)
	w.driver.Want(two)
	w.driver.InSync()
	w.apply()
	if s := w.driver.Status("n3"); s.State != reconcile.Pending || s.Err.Error() != "MAC 66:00:00:00:00:02 is that of node n2 as well" {
		t.Errorf("n3: %v", s)
	}
	if s := w.driver.Status("n2"); s.State != reconcile.Done {
		t.Errorf("n2: %v", s)
	}
	w.driver.Unwant("n2")
	w.apply()
	if s := w.driver.Status("n3"); s.State != reconcile.Done {
		t.Errorf("n3 alone: %v", s)
	}
	w.stands(w.driver.Desired()...)
}

// What the kernel refuses stops nothing else, and is tried again.
func TestRefusals(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.kernel.refuse = func(x vxlan.Write) error {
		if x.Neighbour != nil && x.Neighbour.Address == tunnel(family.V6, 2) {
			return syscall.EACCES
		}
		return nil
	}
	w.tell(family.Both)
	w.driver.InSync()
	next := w.apply()
	if s := w.driver.Status("n2"); s.State != reconcile.Failed || !errors.Is(s.Err, syscall.EACCES) || next.Sub(w.now) != 100*time.Millisecond {
		t.Errorf("%v, next in %v", s, next.Sub(w.now))
	}
	if s := w.driver.Status("n3"); s.State != reconcile.Done || w.driver.Counts().Failed != 1 {
		t.Errorf("%v", s)
	}
	for what, s := range w.driver.Errors() {
		if what != tunnel(family.V6, 2).String() {
			t.Errorf("%s: %v", what, s)
		}
	}
	w.kernel.refuse, w.now = nil, next
	w.apply()
	w.stands(lines(family.V4, family.Both)...)
}

func TestKernelWithoutVXLAN(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.kernel.lacks = true
	w.tell(family.Both)
	w.apply()
	if s := w.driver.Device(); s.State != reconcile.Failed || !strings.Contains(s.Err.Error(), "the kernel has no module vxlan") {
		t.Errorf("%v", s)
	}
}

func TestMTU(t *testing.T) {
	for name, c := range map[string]struct {
		parent, setting int
		want            family.Pair[int]
		conditions      int
	}{
		"of the parent":         {1500, 0, family.PairOf(1450, 1430), 0},
		"jumbo":                 {9000, 0, family.PairOf(8950, 8930), 0},
		"as set":                {1500, 1400, family.PairOf(1400, 1400), 0},
		"larger than can be":    {1500, 1500, family.PairOf(1450, 1430), 1},
		"too small for IPv6":    {1300, 0, family.PairOf(1250, 1230), 1},
		"set too small for v6":  {1500, 1200, family.PairOf(1200, 1200), 1},
		"both, on a small link": {1300, 1400, family.PairOf(1250, 1230), 2},
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range family.All() {
				w := newWorld(t, f, newKernel())
				w.kernel.links[1].MTU = c.parent
				w.driver.Configure(vxlan.Settings{MTU: c.setting})
				w.tell(family.Both)
				w.apply()
				if got := w.driver.MTU(); got != c.want.Get(f) || w.kernel.links[2].MTU != got {
					t.Errorf("over %v: %d, %+v", f, got, w.kernel.links[2])
				}
				if got := w.driver.Conditions(); len(got) != c.conditions {
					t.Errorf("over %v: %q", f, got)
				}
			}
		})
	}
}

// A node's address on lo says nothing of the link that packets leave through.
func TestAddressOnLoopback(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.kernel.addresses[0] = vxlan.Address{Link: 1, Prefix: family.HostPrefix(underlay(family.V4, 1))}
	w.driver.Configure(vxlan.Settings{FallbackMTU: 1400})
	w.tell(family.Both)
	w.apply()
	if l := w.kernel.links[2]; l.VXLAN.Parent != 0 || l.MTU != 1350 {
		t.Errorf("%+v", l)
	}
}

func TestUnreadableKernel(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.tell(family.Both)
	w.kernel.fail = syscall.EPERM
	next, err := w.driver.Apply(w.now)
	if !errors.Is(err, syscall.EPERM) || next.Sub(w.now) != time.Second {
		t.Errorf("%v, %v", next, err)
	}
	w.kernel.fail = nil
	if next, err := w.driver.Apply(w.now); err != nil || next.Sub(w.now) != time.Second {
		t.Errorf("%v, %v", next, err)
	}
	w.now = next
	w.apply()
	w.stands(lines(family.V4, family.Both)...)
}

// Of the device's sysctls the kernel does not tell: they are looked at from time to time.
func TestAudit(t *testing.T) {
	w := newWorld(t, family.V4, newKernel())
	w.driver.Configure(vxlan.Settings{Audit: time.Minute})
	w.tell(family.Both)
	w.driver.InSync()
	w.apply()
	const path = "net/ipv6/conf/vxlan.calico/accept_ra"
	w.sysctls[path] = "2"
	if next := w.apply(); next.Sub(w.now) != time.Minute {
		t.Errorf("due in %v", next.Sub(w.now))
	}
	w.sysctls[path] = "2"
	w.now = w.now.Add(59 * time.Second)
	w.apply()
	if w.sysctls[path] != "2" {
		t.Error("looked at before its time")
	}
	w.now = w.now.Add(time.Second)
	w.apply()
	if w.sysctls[path] != "0" {
		t.Error("not looked at")
	}
}
