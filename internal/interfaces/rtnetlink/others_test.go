package rtnetlink

import (
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

func run(t *testing.T, n *netlab.Node, words string) {
	t.Helper()
	fields := strings.Fields(words)
	if out, err := n.Command(fields[0], fields[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", words, err, out)
	}
}

// Routes that others make, as ip(8) is told to, are read as what they are. What a Route cannot hold
// makes it odd: no driver may take it for one that it has written.
func TestOthersRoutes(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	l := listenIn(t, n, s.Port())
	run(t, n, "ip nexthop add id 7 via 172.16.0.7 dev eth0")
	name := map[int]string{uplink(t, s).Index: "eth0", linkNamed(t, s, "lo").Index: "lo"}
	for made, want := range map[string]string{
		"default via 172.16.0.2":                                                             "0.0.0.0/0 via 172.16.0.2 dev eth0 proto 3",
		"default via fd00:16::2":                                                             "::/0 via fd00:16::2 dev eth0 proto 3 metric 1024",
		"unreachable 10.9.1.0/24":                                                            "type 7 10.9.1.0/24 proto 3",
		"prohibit fd09:1::/64":                                                               "type 8 fd09:1::/64 proto 3 metric 1024",
		"throw 10.9.2.0/24 proto 80":                                                         "throw 10.9.2.0/24 proto 80",
		"10.9.3.0/24 proto 80 via 172.16.0.2 mtu 1400":                                       "10.9.3.0/24 via 172.16.0.2 dev eth0 proto 80",
		"10.9.4.0/24 proto 80 nexthop via 172.16.0.2 nexthop via 172.16.0.3":                 "10.9.4.0/24 proto 80 (more)",
		"fd09:4::/64 proto 80 nexthop via fd00:16::2 nexthop via fd00:16::3":                 "fd09:4::/64 proto 80 metric 1024 (more)",
		"10.9.5.0/24 proto 80 nhid 7":                                                        "10.9.5.0/24 via 172.16.0.7 dev eth0 proto 80 (more)",
		"fd09:6::/64 from fd09:7::/64 proto 80 dev eth0":                                     "fd09:6::/64 dev eth0 proto 80 metric 1024 (more)",
		"10.9.8.0/24 proto 80 via inet6 fd00:16::2 dev eth0":                                 "10.9.8.0/24 dev eth0 proto 80 (more)",
		"10.9.9.0/24 proto 80 encap ip id 5 dst 192.0.2.1 via 172.16.0.2 dev eth0":           "10.9.9.0/24 via 172.16.0.2 dev eth0 proto 80 (more)",
		"10.9.10.9/32 proto 80 dev eth0 scope link src 172.16.0.1 metric 4294967295":         "10.9.10.9/32 dev eth0 proto 80 scope link src 172.16.0.1 metric 4294967295",
		"fd09:10::9/128 proto 255 dev lo metric 1 pref high":                                 "fd09:10::9/128 dev lo proto 255 metric 1",
		"local 10.9.11.0/24 dev lo table main proto 80":                                      "type 2 10.9.11.0/24 proto 80",
		"10.9.12.0/24 proto 80 via 172.16.0.2 dev eth0 onlink":                               "10.9.12.0/24 via 172.16.0.2 dev eth0 proto 80 onlink",
		"10.9.13.0/24 proto 80 nexthop via 192.0.2.1 dev eth0 onlink nexthop via 172.16.0.3": "10.9.13.0/24 proto 80 (more)",
	} {
		kind := family.V4
		if strings.Contains(want, "::") && !strings.HasPrefix(want, "10.") {
			kind = family.V6
		}
		flag := map[family.Family]string{family.V4: "-4", family.V6: "-6"}[kind]
		run(t, n, "ip "+flag+" route add "+made)
		read := func(r Route) string { return r.Text(func(i int) string { return name[i] }) }
		all, err := s.Routes(kind)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, r := range all {
			lines = append(lines, read(r))
		}
		if !slices.Contains(lines, want) {
			t.Errorf("ip route add %s\nis read as one of\n%s\nwant\n%s", made, strings.Join(lines, "\n"), want)
			continue
		}
		// What the kernel announces is read like what it lists.
		heard := func(e Event) bool { return e.Route != nil && !e.Gone && read(*e.Route) == want }
		for found := false; !found; {
			events, err := l.Next()
			if err != nil {
				t.Fatal(err)
			}
			found = slices.ContainsFunc(events, heard)
		}
		run(t, n, "ip "+flag+" route del "+made)
	}
}

// An address is the node's own end, whatever the far one is, and is not to be used while
// duplicate address detection has doubts.
func TestOthersAddresses(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	up := uplink(t, s).Index
	for made, want := range map[string]Address{
		"10.7.0.1/24":                            {Link: up, Prefix: net("10.7.0.1/24")},
		"10.7.1.1/32 scope link":                 {Link: up, Prefix: net("10.7.1.1/32"), LinkScope: true},
		"10.7.2.1 peer 10.7.3.1/31":              {Link: up, Prefix: net("10.7.2.1/31")},
		"10.7.4.1/24 noprefixroute label eth0:x": {Link: up, Prefix: net("10.7.4.1/24")},
		"fd07::1/128 nodad":                      {Link: up, Prefix: net("fd07::1/128"), NoDAD: true},
		"fd07:2::1 peer fd07:3::1/64 nodad":      {Link: up, Prefix: net("fd07:2::1/64"), NoDAD: true},
		"fd07:4::1/64 nodad preferred_lft 0":     {Link: up, Prefix: net("fd07:4::1/64"), NoDAD: true},
		"fd07:5::1/64 nodad home":                {Link: up, Prefix: net("fd07:5::1/64"), NoDAD: true},
		"fe80::7/64 nodad":                       {Link: up, Prefix: net("fe80::7/64"), NoDAD: true, LinkScope: true},
	} {
		run(t, n, "ip address add "+made+" dev eth0")
		all, err := s.Addresses(family.OfPrefix(want.Prefix))
		if err != nil || !slices.Contains(all, want) {
			t.Errorf("ip address add %s\nis read as one of %+v, %v\nwant %+v", made, all, err, want)
		}
	}
}

// Every shape of route that the drivers write is read by another library as what it is.
func TestAnotherLibraryReadsEachShape(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	want := examples(uplink(t, s).Index)
	do(t, s, func(b *Batch) {
		for _, r := range want {
			b.CreateRoute(r)
		}
	})
	h, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, r := range want {
		_, dst, err := netlinkNet(r.Destination.String())
		if err != nil {
			t.Fatal(err)
		}
		found, err := h.RouteListFiltered(int(AddressFamily(r.Family())), &netlink.Route{Dst: dst}, netlink.RT_FILTER_DST)
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", r.Text(nil), found, err)
		}
		got := found[0]
		gateway, source := "<nil>", "<nil>"
		if r.Gateway.IsValid() {
			gateway = r.Gateway.String()
		}
		if r.Source.IsValid() {
			source = r.Source.String()
		}
		onLink := got.Flags&int(netlink.FLAG_ONLINK) != 0
		if got.Gw.String() != gateway || got.Src.String() != source || onLink != r.OnLink || got.Type != int(r.Type) ||
			got.Protocol != netlink.RouteProtocol(r.Protocol) || got.Scope != netlink.Scope(r.Scope) ||
			got.Priority != int(r.Metric) || r.Link != 0 && got.LinkIndex != r.Link {
			t.Errorf("%s\nis read as %+v", r.Text(nil), got)
		}
	}
}
