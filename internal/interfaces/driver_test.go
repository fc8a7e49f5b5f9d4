package interfaces_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/reconcile"
)

// node has eth0 and cali1, in memory.
type node struct {
	t       *testing.T
	sysctls *sysctls
	kernel  *kernel
	drivers map[family.Family]*interfaces.Driver
	now     time.Time
}

func newNode(t *testing.T, families family.Set, s interfaces.Settings) *node {
	n := &node{
		t: t, now: time.Unix(1000, 0), sysctls: newSysctls("eth0", "cali1"), drivers: map[family.Family]*interfaces.Driver{},
		kernel: &kernel{links: []interfaces.Link{{Index: 2, Name: "eth0", Up: true}, {Index: 3, Name: "cali1", Up: true}}},
	}
	for _, f := range families.Families() {
		n.drivers[f] = interfaces.New(interfaces.Options{Family: f, Kernel: n.kernel, Sysctls: n.sysctls, Settings: s})
	}
	return n
}

func (n *node) apply() {
	n.t.Helper()
	for _, f := range family.All() {
		if d := n.drivers[f]; d != nil {
			if _, err := d.Apply(n.now); err != nil {
				n.t.Fatal(err)
			}
		}
	}
}

func (n *node) tell(events ...interfaces.Event) {
	for _, d := range n.drivers {
		d.Handle(events)
	}
}

func (n *node) wrote(when string, want ...string) {
	n.t.Helper()
	got := n.sysctls.written()
	if !slices.Equal(got, want) {
		n.t.Errorf("%s, written:\n%s\nwant:\n%s", when, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var sets = []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both}

func ofV4() []string {
	return []string{
		"net/ipv4/conf/cali1/proxy_arp = 1",
		"net/ipv4/neigh/cali1/proxy_delay = 0",
		"net/ipv4/conf/cali1/forwarding = 1",
		"net/ipv4/conf/cali1/route_localnet = 1",
		"net/ipv4/conf/cali1/rp_filter = 1",
	}
}

func ofV6() []string {
	return []string{
		"net/ipv6/conf/cali1/accept_ra = 0",
		"net/ipv6/conf/cali1/accept_dad = 0",
	}
}

func TestWhatIsSetForAPod(t *testing.T) {
	for _, set := range sets {
		t.Run(set.String(), func(t *testing.T) {
			n := newNode(t, set, interfaces.Settings{NoForwarding: true})
			var want []string
			if set.Has(family.V4) {
				want = append(want, ofV4()...)
			}
			if set.Has(family.V6) {
				want = append(want, ofV6()...)
			}
			n.apply()
			n.wrote("at first", want...)
			if gateways := len(n.kernel.addresses); (gateways == 2) != set.Has(family.V6) {
				t.Errorf("addresses %v", n.kernel.addresses)
			}
			for f, d := range n.drivers {
				if s := d.Status("cali1"); s.State != reconcile.Done {
					t.Errorf("%s: %v", f, s)
				}
			}
			n.apply()
			n.wrote("again")

			// Another process finds all of it right.
			n.drivers = newDrivers(n, set)
			n.apply()
			n.wrote("after a restart")
			if n.kernel.added > 2 {
				t.Errorf("%d addresses were added", n.kernel.added)
			}
		})
	}
}

func newDrivers(n *node, set family.Set) map[family.Family]*interfaces.Driver {
	out := map[family.Family]*interfaces.Driver{}
	for _, f := range set.Families() {
		out[f] = interfaces.New(interfaces.Options{
			Family: f, Kernel: n.kernel, Sysctls: n.sysctls, Settings: interfaces.Settings{NoForwarding: true},
		})
	}
	return out
}

func TestAnInterfaceThatComesBackIsSetAgain(t *testing.T) {
	n := newNode(t, family.Both, interfaces.Settings{NoForwarding: true})
	n.apply()
	n.sysctls.written()
	down, up := interfaces.Link{Index: 3, Name: "cali1"}, interfaces.Link{Index: 3, Name: "cali1", Up: true}
	n.kernel.addresses = nil // as the kernel does when a link goes down
	n.sysctls.values["net/ipv4/conf/cali1/proxy_arp"] = "0"
	n.tell(interfaces.Event{Link: &down}, interfaces.Event{Link: &up})
	n.apply()
	n.wrote("down and up", "net/ipv4/conf/cali1/proxy_arp = 1")
	if len(n.kernel.addresses) != 2 {
		t.Errorf("addresses %v", n.kernel.addresses)
	}

	n.sysctls.add("cali1")
	n.kernel.addresses = nil
	anew := interfaces.Link{Index: 9, Name: "cali1", Up: true}
	n.tell(interfaces.Event{Gone: true, Link: &up}, interfaces.Event{Link: &anew})
	n.apply()
	n.wrote("made anew", append(ofV4(), ofV6()...)...)
	if len(n.kernel.addresses) != 2 || n.kernel.addresses[0].Link != 9 {
		t.Errorf("addresses %v", n.kernel.addresses)
	}
}

func TestAnErrorIsOfOneInterfaceAndFamily(t *testing.T) {
	n := newNode(t, family.Both, interfaces.Settings{NoForwarding: true})
	n.sysctls.add("cali2")
	n.kernel.links = append(n.kernel.links, interfaces.Link{Index: 4, Name: "cali2", Up: true})
	n.sysctls.refuse["net/ipv4/conf/cali1/"] = syscall.EROFS
	n.apply()
	for f, want := range map[family.Family]reconcile.State{family.V4: reconcile.Failed, family.V6: reconcile.Done} {
		if s := n.drivers[f].Status("cali1"); s.State != want {
			t.Errorf("%s cali1: %v", f, s)
		}
		if s := n.drivers[f].Status("cali2"); s.State != reconcile.Done {
			t.Errorf("%s cali2: %v", f, s)
		}
	}
	s := n.drivers[family.V4].Status("cali1")
	want := "error: interface cali1: net/ipv4/conf/cali1/proxy_arp = 1: open net/ipv4/conf/cali1/proxy_arp: read-only file system"
	if s.String() != want {
		t.Errorf("%s\nwant %s", s, want)
	}
	next, err := n.drivers[family.V4].Apply(n.now)
	if err != nil || !next.After(n.now) {
		t.Errorf("due again at %v, %v", next, err)
	}
	delete(n.sysctls.refuse, "net/ipv4/conf/cali1/")
	n.now = next
	n.apply()
	if s := n.drivers[family.V4].Status("cali1"); s.State != reconcile.Done {
		t.Errorf("after the retry: %v", s)
	}
}

func TestAFamilyThatTheKernelDoesNotHave(t *testing.T) {
	n := newNode(t, family.Both, interfaces.Settings{})
	for path := range n.sysctls.values {
		if strings.HasPrefix(path, "net/ipv6/") {
			delete(n.sysctls.values, path)
		}
	}
	n.apply()
	v4, v6 := n.drivers[family.V4], n.drivers[family.V6]
	if v4.Status("cali1").State != reconcile.Done || v4.Forwarding().State != reconcile.Done {
		t.Errorf("IPv4: %v, %v", v4.Status("cali1"), v4.Forwarding())
	}
	if v6.Status("cali1").State != reconcile.Failed || v6.Forwarding().State != reconcile.Failed {
		t.Errorf("IPv6: %v, %v", v6.Status("cali1"), v6.Forwarding())
	}
	// It is switched off, and on when the kernel has it.
	v6.Configure(interfaces.Settings{Off: true})
	n.apply()
	if c := v6.Counts(); c.Done+c.Pending+c.Failed > 0 || v6.Forwarding().State == reconcile.Failed {
		t.Errorf("off: %+v, %v", c, v6.Forwarding())
	}
	maps := newSysctls("eth0", "cali1").values
	for path, v := range maps {
		if _, ok := n.sysctls.values[path]; !ok {
			n.sysctls.values[path] = v
		}
	}
	n.sysctls.written()
	v6.Configure(interfaces.Settings{NoForwarding: true})
	n.apply()
	n.wrote("on", ofV6()...)
}

func TestSpoofing(t *testing.T) {
	n := newNode(t, family.Both, interfaces.Settings{NoForwarding: true})
	n.apply()
	n.sysctls.written()
	for _, allowed := range []bool{true, false} {
		for _, d := range n.drivers {
			d.AllowSpoofing("cali1", allowed)
		}
		n.apply()
	}
	n.wrote("allowed, and not", "net/ipv4/conf/cali1/rp_filter = 0", "net/ipv4/conf/cali1/rp_filter = 1")
}

func TestTheGatewayAddresses(t *testing.T) {
	n := newNode(t, family.NewSet(family.V6), interfaces.Settings{NoForwarding: true})
	// The kernel has made one itself, and is not through with its detection.
	gateways := interfaces.Gateways(family.V6)
	n.kernel.addresses = []interfaces.Address{{Link: 3, Prefix: gateways[0], Tentative: true, LinkScope: true}}
	n.apply()
	both := func(when string) {
		t.Helper()
		for _, p := range gateways {
			i := n.kernel.find(3, p)
			if i < 0 || n.kernel.addresses[i].Tentative {
				t.Errorf("%s: %v", when, n.kernel.addresses)
			}
		}
	}
	both("one was tentative")
	gone := n.kernel.addresses[0]
	n.kernel.addresses = n.kernel.addresses[1:]
	n.tell(interfaces.Event{Gone: true, Address: &gone})
	n.apply()
	both("somebody removed one")
	if len(interfaces.Gateways(family.V4)) != 0 {
		t.Error("IPv4 has a gateway address")
	}
}

func TestTheKernelCannotBeRead(t *testing.T) {
	n := newNode(t, family.NewSet(family.V6), interfaces.Settings{})
	n.kernel.fail = syscall.ENOBUFS
	d := n.drivers[family.V6]
	next, err := d.Apply(n.now)
	if !errors.Is(err, syscall.ENOBUFS) || !strings.Contains(err.Error(), "IPv6 interfaces") || len(n.sysctls.log) > 0 {
		t.Errorf("%v, written %q", err, n.sysctls.log)
	}
	n.kernel.fail = nil
	n.now = next
	n.apply()
	if s := d.Status("cali1"); s.State != reconcile.Done {
		t.Errorf("%v", s)
	}
}

func TestTree(t *testing.T) {
	dir := t.TempDir()
	tree := interfaces.Tree(dir)
	if err := os.WriteFile(filepath.Join(dir, "there"), []byte("0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := tree.Read("there"); v != "0" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	if err := tree.Write("there", "1"); err != nil {
		t.Error(err)
	}
	if v, _ := tree.Read("there"); v != "1" {
		t.Errorf("%q", v)
	}
	if err := tree.Write("not there", "1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := tree.Read("not there"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
