package interfaces_test

import (
	"context"
	"encoding/binary"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/reconcile"
	"github.com/margay-net/margay/internal/routes"
)

// agent is the drivers of interfaces and routes of a node, applied inside it.
type agent struct {
	t          *testing.T
	node       *netlab.Node
	interfaces map[family.Family]*interfaces.Driver
	routes     map[family.Family]*routes.Driver
	events     map[family.Family]interfaces.Subscription
	routing    map[family.Family]routes.Subscription
}

type noFlush struct{}

func (noFlush) Flush([]netip.Addr) error { return nil }

func newAgent(t *testing.T, n *netlab.Node, set family.Set, sysctls interfaces.Sysctls) *agent {
	t.Helper()
	a := &agent{
		t: t, node: n,
		interfaces: map[family.Family]*interfaces.Driver{}, routes: map[family.Family]*routes.Driver{},
		events: map[family.Family]interfaces.Subscription{}, routing: map[family.Family]routes.Subscription{},
	}
	err := n.Do(func() error {
		for _, f := range set.Families() {
			if err := a.open(f, sysctls); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *agent) open(f family.Family, sysctls interfaces.Sysctls) error {
	k, err := interfaces.OpenLinux()
	if err != nil {
		return err
	}
	r, err := routes.OpenLinux()
	if err != nil {
		return err
	}
	if a.events[f], err = k.Subscribe(f); err != nil {
		return err
	}
	if a.routing[f], err = r.Subscribe(f); err != nil {
		return err
	}
	a.t.Cleanup(func() {
		_, _, _, _ = k.Close(), r.Close(), a.events[f].Close(), a.routing[f].Close()
	})
	a.interfaces[f] = interfaces.New(interfaces.Options{Family: f, Kernel: k, Sysctls: sysctls})
	a.routes[f] = routes.New(routes.Options{Family: f, Kernel: r, Flusher: noFlush{}, Settings: routes.Settings{ClusterRoutes: true}})
	a.routes[f].InSync()
	return nil
}

func (a *agent) apply() {
	a.t.Helper()
	err := a.node.Do(func() error {
		for f, d := range a.interfaces {
			if _, err := d.Apply(time.Now()); err != nil {
				return err
			}
			if _, err := a.routes[f].Apply(time.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		a.t.Fatal(err)
	}
}

// until handles events and applies until done says so.
func (a *agent) until(f family.Family, done func() bool) {
	a.t.Helper()
	for a.apply(); !done(); a.apply() {
		events, err := a.events[f].Next()
		if err != nil {
			a.t.Fatal(err)
		}
		a.interfaces[f].Handle(events)
	}
}

func (a *agent) want(p *netlab.Pod) {
	for f, d := range a.routes {
		d.Claim(p.Interface())
		if addr := p.Address(f); addr.IsValid() {
			d.Want(model.Route{Destination: family.HostPrefix(addr), Kind: model.RouteLocalPod, Interface: p.Interface()})
		}
	}
}

func lab(t *testing.T) *netlab.Lab {
	t.Helper()
	pod := func(name string, a ...string) netlab.PodSpec {
		return netlab.PodSpec{Name: name, Interface: "cali" + name, Addresses: netlab.Addrs(a...)}
	}
	return netlab.Test(t, netlab.Options{
		Nodes: []netlab.NodeSpec{
			{
				Name: "n1", Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64"),
				Pods: []netlab.PodSpec{pod("a", "10.244.1.1", "fd00:244:1::1"), pod("b", "10.244.1.2", "fd00:244:1::2")},
			},
			{Name: "n2", Addresses: netlab.Prefixes("172.16.0.2/24", "fd00:16::2/64")},
		},
	})
}

func (a *agent) sysctl(path string) string {
	a.t.Helper()
	v, err := a.node.Sysctl(path)
	if err != nil {
		a.t.Fatal(err)
	}
	return v
}

func TestPodsTalkThroughANodeWithoutADefaultRoute(t *testing.T) {
	for _, set := range sets {
		t.Run(set.String(), func(t *testing.T) {
			l := lab(t)
			n := newAgent(t, l.Node("n1"), set, interfaces.ProcSys)
			a, b := l.Pod("a"), l.Pod("b")
			n.want(a)
			n.want(b)
			n.apply()
			for _, f := range family.All() {
				answer, err := a.Probe(context.Background(), netlab.Probe{
					Protocol: netlab.ICMP, To: netip.AddrPortFrom(b.Address(f), 0), Wait: waitFor(set.Has(f)),
				})
				if err != nil {
					t.Fatal(err)
				}
				if (answer.Verdict == netlab.Answered) != set.Has(f) {
					t.Errorf("%s: %v (%v)", f, answer.Verdict, answer.Err)
				}
				if d := n.interfaces[f]; d != nil && d.Status("calia").State != reconcile.Done {
					t.Errorf("%s: %v", f, d.Status("calia"))
				}
			}
		})
	}
}

func waitFor(answer bool) time.Duration {
	if answer {
		return netlab.Patience
	}
	return netlab.Silence
}

func TestTheKernelHasWhatWasSet(t *testing.T) {
	l := lab(t)
	n := newAgent(t, l.Node("n1"), family.Both, interfaces.ProcSys)
	n.apply()
	for path, want := range map[string]string{
		"net/ipv4/ip_forward":                "1",
		"net/ipv4/conf/calia/proxy_arp":      "1",
		"net/ipv4/neigh/calia/proxy_delay":   "0",
		"net/ipv4/conf/calia/route_localnet": "1",
		"net/ipv4/conf/calia/rp_filter":      "1",
		"net/ipv6/conf/calia/accept_ra":      "0",
		"net/ipv6/conf/calia/accept_dad":     "0",
	} {
		if got := n.sysctl(path); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	n.hasGateways("at first")

	// Somebody resets a sysctl and removes an address; the link goes down and up.
	if err := n.node.SetSysctl("net/ipv4/conf/calia/proxy_arp", "0"); err != nil {
		t.Fatal(err)
	}
	pod := l.Pod("a")
	for _, up := range []bool{false, true} {
		if err := pod.SetHostEnd(up); err != nil {
			t.Fatal(err)
		}
	}
	n.until(family.V4, func() bool { return n.sysctl("net/ipv4/conf/calia/proxy_arp") == "1" })
	n.until(family.V6, func() bool { return len(n.gateways()) == 2 })
	n.hasGateways("down and up")

	h, err := n.node.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	link, err := h.LinkByName("calia")
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := netlink.ParseAddr("fe80::1/64")
	if err := h.AddrDel(link, addr); err != nil {
		t.Fatal(err)
	}
	n.until(family.V6, func() bool { return len(n.gateways()) == 2 })
	n.hasGateways("one removed")
}

// gateways are the usable gateway addresses of calia, as another library reads them.
func (a *agent) gateways() []string {
	a.t.Helper()
	h, err := a.node.Netlink()
	if err != nil {
		a.t.Fatal(err)
	}
	defer h.Close()
	link, err := h.LinkByName("calia")
	if err != nil {
		a.t.Fatal(err)
	}
	addrs, err := h.AddrList(link, netlink.FAMILY_V6)
	if err != nil {
		a.t.Fatal(err)
	}
	var out []string
	for _, addr := range addrs {
		p := netip.MustParsePrefix(addr.IPNet.String())
		if slices.Contains(interfaces.Gateways(family.V6), p) && addr.Flags&syscall.IFA_F_TENTATIVE == 0 {
			out = append(out, p.String())
		}
	}
	slices.Sort(out)
	return out
}

func (a *agent) hasGateways(when string) {
	a.t.Helper()
	if got := a.gateways(); !slices.Equal(got, []string{"fe80::1/64", "fe80::ecee:eeff:feee:eeee/64"}) {
		a.t.Errorf("%s: %q", when, got)
	}
}

// older hides what only newer kernels have.
type older struct{ interfaces.Sysctls }

func (o older) Read(path string) (string, error) {
	if strings.HasSuffix(path, "/force_forwarding") {
		return "", fs.ErrNotExist
	}
	return o.Sysctls.Read(path)
}

// A node whose default route comes from a router advertisement keeps it when it is made
// to forward, and still listens to the router.
func TestForwardingKeepsAnAdvertisedDefaultRoute(t *testing.T) {
	for name, sysctls := range map[string]interfaces.Sysctls{"as the kernel is": interfaces.ProcSys, "on an older kernel": older{interfaces.ProcSys}} {
		t.Run(name, func(t *testing.T) {
			l := lab(t)
			n := newAgent(t, l.Node("n1"), family.NewSet(family.V6), sysctls)
			router := l.Node("n2")
			n.advertised(router, 1800)
			n.apply()
			if s := n.interfaces[family.V6].Forwarding(); s.State != reconcile.Done {
				t.Errorf("forwarding: %v", s)
			}
			if !n.hasDefault() {
				t.Fatal("forwarding has cost the default route")
			}
			n.advertised(router, 0) // a lifetime of zero withdraws it: we still listen
		})
	}
}

// advertised has the router advertise itself until the node has, or has not, a default
// route from that.
func (a *agent) advertised(router *netlab.Node, lifetime uint16) {
	a.t.Helper()
	body := make([]byte, 12) // RFC 4861 section 4.2: hop limit, flags, lifetime, two timers
	body[0] = 64
	binary.BigEndian.PutUint16(body[2:], lifetime)
	packet := netlab.Packet{
		From: netip.MustParseAddr("fe80::2"), To: netip.MustParseAddr("ff02::1"), HopLimit: 255,
		Payload: netlab.Message(family.V6, 134, 0, body),
	}
	if err := router.Transmit(a.node, packet.Bytes()); err != nil {
		a.t.Fatal(err)
	}
	for a.hasDefault() != (lifetime > 0) {
		if _, err := a.routing[family.V6].Next(); err != nil {
			a.t.Fatal(err)
		}
	}
}

func (a *agent) hasDefault() bool {
	a.t.Helper()
	h, err := a.node.Netlink()
	if err != nil {
		a.t.Fatal(err)
	}
	defer h.Close()
	all, err := h.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{Protocol: 9}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		a.t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(r netlink.Route) bool { return r.Dst == nil || r.Dst.IP.IsUnspecified() })
}
