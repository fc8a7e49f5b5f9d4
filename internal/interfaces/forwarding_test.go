package interfaces_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/reconcile"
)

func TestForwarding(t *testing.T) {
	v6 := family.NewSet(family.V6)
	for _, c := range []struct {
		name    string
		set     family.Set
		prepare func(*sysctls)
		want    []string
	}{
		{"IPv4", family.NewSet(family.V4), func(*sysctls) {}, append([]string{"net/ipv4/ip_forward = 1"}, ofV4()...)},
		{"IPv6 on a new kernel", v6, func(*sysctls) {}, []string{
			"net/ipv6/conf/default/force_forwarding = 1",
			"net/ipv6/conf/cali1/force_forwarding = 1",
			"net/ipv6/conf/cali1/accept_ra = 0",
			"net/ipv6/conf/cali1/accept_dad = 0",
			"net/ipv6/conf/eth0/force_forwarding = 1",
		}},
		{"IPv6 on an older kernel", v6, (*sysctls).older, append([]string{
			"net/ipv6/conf/default/accept_ra = 2",
			"net/ipv6/conf/cali1/accept_ra = 2",
			"net/ipv6/conf/eth0/accept_ra = 2",
			"net/ipv6/conf/all/forwarding = 1",
		}, ofV6()...)},
		{"IPv6 on an older kernel, that does not listen to routers", v6, func(s *sysctls) {
			s.older()
			for _, n := range []string{"default", "eth0", "cali1"} {
				s.values["net/ipv6/conf/"+n+"/accept_ra"] = "0"
			}
		}, []string{
			"net/ipv6/conf/all/forwarding = 1",
			"net/ipv6/conf/cali1/accept_dad = 0",
		}},
		{"IPv6 that forwards already", v6, func(s *sysctls) { s.values["net/ipv6/conf/all/forwarding"] = "1" }, ofV6()},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, c.set, interfaces.Settings{})
			c.prepare(n.sysctls)
			n.apply()
			n.wrote("at first", c.want...)
			n.apply()
			n.wrote("again")
			for f, d := range n.drivers {
				if s := d.Forwarding(); s.State != reconcile.Done {
					t.Errorf("%s: %v", f, s)
				}
			}
		})
	}
}

// An interface that comes later forwards as well.
func TestForwardingOfALaterInterface(t *testing.T) {
	n := newNode(t, family.NewSet(family.V6), interfaces.Settings{})
	n.apply()
	n.sysctls.written()
	n.sysctls.add("eth1")
	eth1 := interfaces.Link{Index: 7, Name: "eth1", Up: true}
	n.tell(interfaces.Event{Link: &eth1})
	n.apply()
	n.wrote("eth1", "net/ipv6/conf/eth1/force_forwarding = 1")
}

// Forwarding is not turned on if that would cost the node its default route.
func TestForwardingThatFails(t *testing.T) {
	n := newNode(t, family.Both, interfaces.Settings{})
	n.sysctls.older()
	n.sysctls.refuse["net/ipv6/conf/eth0/accept_ra"] = syscall.EACCES
	n.apply()
	d := n.drivers[family.V6]
	if s := d.Forwarding(); s.State != reconcile.Failed || !strings.Contains(s.String(), "eth0/accept_ra = 2: ") {
		t.Errorf("%v", s)
	}
	if n.sysctls.values["net/ipv6/conf/all/forwarding"] != "0" {
		t.Error("forwarding is on")
	}
	if s := n.drivers[family.V4].Forwarding(); s.State != reconcile.Done {
		t.Errorf("IPv4: %v", s)
	}
	if s := d.Status("cali1"); s.State != reconcile.Done {
		t.Errorf("cali1: %v", s)
	}
	n.sysctls.refuse = nil
	next, _ := d.Apply(n.now)
	n.now = next
	n.apply()
	if s := d.Forwarding(); s.State != reconcile.Done || n.sysctls.values["net/ipv6/conf/all/forwarding"] != "1" {
		t.Errorf("%v", s)
	}
}
