package interfaces_test

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/reconcile"
)

// An interface goes by another name between the kernel's word that it is there and our
// first write: that is no error of anything, and it is set under its new name.
func TestAnInterfaceRenamedAwayIsNoError(t *testing.T) {
	for _, set := range sets {
		t.Run(set.String(), func(t *testing.T) {
			n := newNode(t, set, interfaces.Settings{})
			n.apply()
			n.sysctls.written()
			n.sysctls.add("eth1")
			n.sysctls.add("cali2")
			before := []interfaces.Link{{Index: 7, Name: "eth1", Up: true}, {Index: 8, Name: "cali2", Up: true}}
			after := []interfaces.Link{{Index: 7, Name: "wan", Up: true}, {Index: 8, Name: "cali9", Up: true}}
			n.tell(interfaces.Event{Link: &before[0]}, interfaces.Event{Link: &before[1]})
			n.sysctls.before = func(string) {
				n.sysctls.before = nil
				n.sysctls.rename("eth1", "wan")
				n.sysctls.rename("cali2", "cali9")
				n.kernel.links = append(n.kernel.links, after...)
			}
			n.apply()
			n.sysctls.written()
			for f, d := range n.drivers {
				for what, s := range d.Errors() {
					t.Errorf("%s %s: %v", f, what, s)
				}
			}
			n.tell(interfaces.Event{Link: &after[0]}, interfaces.Event{Link: &after[1]})
			n.apply()
			written := strings.Join(n.sysctls.written(), "\n")
			if strings.Contains(written, "/eth1/") || strings.Contains(written, "/cali2/") {
				t.Errorf("written:\n%s", written)
			}
			for f, d := range n.drivers {
				if s := d.Status("cali9"); s.State != reconcile.Done {
					t.Errorf("%s cali9: %v", f, s)
				}
				if s := d.Status("cali2"); s.State != reconcile.Pending {
					t.Errorf("%s cali2: %v", f, s)
				}
			}
			if set.Has(family.V6) && n.sysctls.values["net/ipv6/conf/wan/force_forwarding"] != "1" {
				t.Error("the interface under its new name does not forward")
			}
		})
	}
}

// An interface that is there and lacks a sysctl is in error all the same.
func TestASysctlThatAnInterfaceLacksIsAnError(t *testing.T) {
	n := newNode(t, family.Both, interfaces.Settings{NoForwarding: true})
	delete(n.sysctls.values, "net/ipv4/conf/cali1/rp_filter")
	n.apply()
	s := n.drivers[family.V4].Status("cali1")
	if s.State != reconcile.Failed || !strings.Contains(s.String(), "rp_filter = 1: ") {
		t.Errorf("%v", s)
	}
}

// The older way to forward writes to each interface before the switch: one that goes
// meanwhile must not keep the node from forwarding.
func TestForwardingWhileAnInterfaceGoes(t *testing.T) {
	n := newNode(t, family.NewSet(family.V6), interfaces.Settings{})
	n.sysctls.older()
	n.sysctls.before = func(string) {
		n.sysctls.before = nil
		n.sysctls.rename("eth0", "wan")
		n.kernel.links[0].Name = "wan"
	}
	n.apply()
	if s := n.drivers[family.V6].Forwarding(); s.State != reconcile.Done || n.sysctls.values["net/ipv6/conf/all/forwarding"] != "1" {
		t.Errorf("%v", s)
	}
}

// renaming has an interface renamed right before the first write to it.
type renaming struct {
	interfaces.Tree
	done *atomic.Bool
}

func (r renaming) Write(path, value string) error {
	if strings.Contains(path, "/cali7/") && r.done.CompareAndSwap(false, true) {
		link, err := netlink.LinkByName("cali7")
		if err != nil {
			return err
		}
		if err := netlink.LinkSetName(link, "cali8"); err != nil {
			return err
		}
	}
	return r.Tree.Write(path, value)
}

// The same in the kernel, which tells of the new name by itself.
func TestTheKernelRenamesAnInterface(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			l := lab(t)
			n := newAgent(t, l.Node("n1"), family.NewSet(f), renaming{interfaces.ProcSys, &atomic.Bool{}})
			n.apply()
			err := n.node.Do(func() error {
				attrs := netlink.NewLinkAttrs()
				attrs.Name = "cali7"
				return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "peer7"})
			})
			if err != nil {
				t.Fatal(err)
			}
			d := n.interfaces[f]
			n.until(f, func() bool {
				for what, s := range d.Errors() {
					t.Errorf("%s: %v", what, s)
				}
				return d.Status("cali8").State == reconcile.Done
			})
			if _, err := n.node.Sysctl("net/ipv4/conf/cali7/rp_filter"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("cali7 is still there: %v", err)
			}
		})
	}
}
