package netlab_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

func TestInterfaceNameIsTheCNIPlugins(t *testing.T) {
	// printf default.web | sha1sum
	if got, want := netlab.InterfaceOf("default", "web"), "cali68caf03a5f4"; got != want {
		t.Errorf("host interface of default/web is %s, want %s", got, want)
	}
}

func TestPodIsPlumbedAsByTheCNIPlugin(t *testing.T) {
	n := oneNode(t, netlab.NodeSpec{
		Pods: []netlab.PodSpec{{Name: "default/web", Addresses: netlab.Addrs("10.244.1.5", "fd00:244:1::5"), MTU: 1450}},
	})
	err := n.Do(func() error {
		l, err := netlink.LinkByName("cali68caf03a5f4")
		if err != nil {
			return err
		}
		if l.Type() != "veth" || l.Attrs().MTU != 1450 || l.Attrs().HardwareAddr.String() != "ee:ee:ee:ee:ee:ee" {
			t.Errorf("host end is a %s with mtu %d and address %s", l.Type(), l.Attrs().MTU, l.Attrs().HardwareAddr)
		}
		addrs, err := netlink.AddrList(l, netlink.FAMILY_V6)
		if err != nil {
			return err
		}
		if len(addrs) != 1 || addrs[0].IP.String() != "fe80::ecee:eeff:feee:eeee" || addrs[0].Flags&unix.IFA_F_TENTATIVE != 0 {
			t.Errorf("host end has %v, want the link-local address of its hardware address, ready", addrs)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The three kinds of pod that a dual-stack cluster has, with the gateways that CNI results name.
func TestRoutesOfAPod(t *testing.T) {
	const (
		link4, default4 = "169.254.1.1 dev eth0", "default via 169.254.1.1 dev eth0"
		link6, default6 = "fe80::ecee:eeff:feee:eeee dev eth0", "default via fe80::ecee:eeff:feee:eeee dev eth0"
	)
	for name, c := range map[string]struct {
		addresses, gateways []netip.Addr
		want                []string // sorted
	}{
		"v4":            {netlab.Addrs("10.244.1.5"), nil, []string{link4, default4}},
		"v6":            {netlab.Addrs("fd00:244:1::5"), nil, []string{default6, link6}},
		"both":          {netlab.Addrs("10.244.1.5", "fd00:244:1::5"), nil, []string{link4, default4, default6, link6}},
		"named gateway": {netlab.Addrs("fd00:244:1::5"), netlab.Addrs("fe80::1"), []string{"default via fe80::1 dev eth0", "fe80::1 dev eth0"}},
	} {
		t.Run(name, func(t *testing.T) {
			lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node1", Pods: []netlab.PodSpec{
				{Name: "a", Addresses: c.addresses, Gateways: c.gateways},
			}}}})
			var got []string
			err := lab.Pod("a").Do(func() error {
				routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
				for _, r := range routes {
					if text := shortRoute(r); text != "" {
						got = append(got, text)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("routes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// shortRoute leaves out what the kernel makes by itself.
func shortRoute(r netlink.Route) string {
	if r.Protocol == unix.RTPROT_KERNEL {
		return ""
	}
	if ones, _ := r.Dst.Mask.Size(); ones == 0 {
		return "default via " + r.Gw.String() + " dev eth0"
	}
	return r.Dst.IP.String() + " dev eth0"
}

func TestPodIsPluggedInLaterAndElsewhere(t *testing.T) {
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{
		{Name: "node1", Pods: []netlab.PodSpec{{Name: "a", Interface: "calia", Addresses: netlab.Addrs("10.244.1.1", "fd00:244:1::1"), Unplugged: true}}},
		{Name: "node2"},
	}})
	pod := lab.Pod("a")
	has := func(node string) bool {
		err := lab.Node(node).Do(func() error { _, err := netlink.LinkByName("calia"); return err })
		return err == nil
	}
	expect := func(when string, node1, node2 bool) {
		t.Helper()
		if has("node1") != node1 || has("node2") != node2 {
			t.Errorf("%s: interface on node1 %t, on node2 %t; want %t and %t", when, has("node1"), has("node2"), node1, node2)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect("made unplugged", false, false)
	must(pod.Plug(lab.Node("node1")))
	expect("plugged in", true, false)
	if pod.Plug(lab.Node("node2")) == nil {
		t.Error("one pod is plugged into two nodes")
	}
	must(pod.Unplug())
	must(pod.Plug(lab.Node("node2")))
	expect("moved", false, true)
	must(pod.Remove())
	expect("removed", false, false)
	if lab.Pod("a") != nil {
		t.Error("a removed pod is still in the lab")
	}
}

func TestHostEndGoesDownAndUp(t *testing.T) {
	lab := twoNodes(t)
	serve(t, lab.Pod("b").Space, 8080)
	p := netlab.Probe{Protocol: netlab.UDP, To: netip.AddrPortFrom(lab.Pod("b").Address(family.V6), 8080)}
	if err := lab.Pod("b").SetHostEnd(false); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, lab.Pod("a").Space, p); got.Verdict == netlab.Answered {
		t.Error("a pod answers whose interface is down")
	}
	if err := lab.Pod("b").SetHostEnd(true); err != nil {
		t.Fatal(err)
	}
	h, err := lab.Node("node1").Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if l, err := h.LinkByName("calib"); err != nil || l.Attrs().Flags&1 == 0 {
		t.Errorf("interface is not up again: %v", err)
	}
}

// One node without IPv6, beside one with both families: IPv4 goes on, IPv6 is gone there only.
func TestOneNodeWithoutIPv6(t *testing.T) {
	spec := func(name, n string, without family.Family, addresses, pod []string) netlab.NodeSpec {
		return netlab.NodeSpec{
			Name: name, Addresses: netlab.Prefixes(addresses...), Without: without,
			Pods: []netlab.PodSpec{{Name: n, Addresses: netlab.Addrs(pod...)}},
		}
	}
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{
		spec("node1", "a", 0, []string{"172.16.0.1/24", "fd00:16::1/64"}, []string{"10.244.1.1", "fd00:244:1::1"}),
		spec("node2", "b", 0, []string{"172.16.0.2/24", "fd00:16::2/64"}, []string{"10.244.2.1", "fd00:244:2::1"}),
		spec("node3", "c", family.V6, []string{"172.16.0.3/24"}, []string{"10.244.3.1", "fd00:244:3::1"}),
	}})
	var expected []netlab.Expectation
	for _, name := range []string{"node1", "node2", "node3"} {
		if err := lab.Node(name).RouteByHand(); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []string{"b", "c"} {
		serve(t, lab.Pod(to).Space, 80)
		for _, f := range family.All() {
			expected = append(expected, netlab.Expectation{
				Flow:    netlab.Flow{From: "a", To: to, Family: f, Protocol: netlab.TCP, Port: 80},
				Allowed: f == family.V4 || to == "b",
			})
		}
	}
	m, err := lab.Observe(context.Background(), expected, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Wrong()) > 0 {
		t.Errorf("\n%s", m)
	}
}
