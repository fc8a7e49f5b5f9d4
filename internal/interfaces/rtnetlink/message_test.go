package rtnetlink

import (
	"fmt"
	stdnet "net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

func netlinkNet(s string) (stdnet.IP, *stdnet.IPNet, error) { return stdnet.ParseCIDR(s) }

func linkName(index int) string { return fmt.Sprintf("if%d", index) }

// What we encode as a request, the kernel sends back as an event of the same layout.
func TestEncodeAndDecodeAgree(t *testing.T) {
	for _, r := range examples(5) {
		var b Batch
		b.CreateRoute(r)
		decoded := 0
		err := each(b.buf, func(m Message) error {
			e, ok := Decode(m)
			if !ok || e.Gone || e.Route == nil || *e.Route != r {
				t.Errorf("%s\nread as %+v", r.Text(nil), e)
			}
			decoded++
			return nil
		})
		if err != nil || decoded != 1 {
			t.Errorf("%s: %d messages, %v", r.Text(nil), decoded, err)
		}
	}
}

func TestRouteReadsLikeIPRoute(t *testing.T) {
	want := []string{
		"10.1.0.5/32 dev cali1 proto 3 scope link metric 1024",
		"10.2.0.0/24 via 172.16.0.2 dev cali1 proto 80",
		"10.3.0.0/24 via 192.0.2.1 dev cali1 proto 80 onlink",
		"blackhole 10.4.0.0/26 proto 80",
		"10.5.0.5/32 dev cali1 proto 80 scope link src 172.16.0.1",
		"fd01::5/128 dev cali1 proto 3 metric 1024",
		"fd02::/64 via fd00:16::2 dev cali1 proto 80 metric 1024",
		"fd03::/64 via fd99::1 dev cali1 proto 80 metric 1024 onlink",
		"blackhole fd04::/122 proto 80 metric 1024",
		"fd05::5/128 dev cali1 proto 80 src fd00:16::1 metric 512",
	}
	for i, r := range examples(5) {
		if got := r.Text(func(int) string { return "cali1" }); got != want[i] {
			t.Errorf("%s\nwant %s", got, want[i])
		}
	}
}

func TestWhatIsNotForUs(t *testing.T) {
	route := func(change func(body []byte)) Message {
		var b Batch
		b.CreateRoute(examples(5)[0])
		change(b.buf[headerLen:])
		return Message{Type: unix.RTM_NEWROUTE, Body: b.buf[headerLen:]}
	}
	for name, m := range map[string]Message{
		"a type of service":  route(func(b []byte) { b[3] = 8 }),
		"a cached route":     route(func(b []byte) { b[9] = unix.RTM_F_CLONED >> 8 }),
		"another protocol":   route(func(b []byte) { b[0] = unix.AF_MPLS }),
		"an empty message":   {Type: unix.RTM_NEWROUTE},
		"a neighbour":        {Type: unix.RTM_NEWNEIGH, Body: make([]byte, 100)},
		"a link, no name":    {Type: unix.RTM_NEWLINK, Body: make([]byte, 16)},
		"an address, no net": {Type: unix.RTM_NEWADDR, Body: []byte{unix.AF_INET, 24, 0, 0, 0, 0, 0, 0}},
	} {
		if e, ok := Decode(m); ok {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range examples(5) {
		var b Batch
		b.CreateRoute(r)
		f.Add(b.buf)
	}
	var b Batch
	b.CreateAddress(Address{Link: 3, Prefix: net("fe80::1/64")})
	f.Add(b.buf)
	for _, fill := range []func(*Batch){
		(*Batch).dumpLinks,
		func(b *Batch) { b.CreateLink(Link{Name: "vxlan.calico", Kind: "vxlan", MTU: 1450}) },
		func(b *Batch) { b.CreateRule(Rule{Family: family.V6, Priority: 99, Table: 7}) },
		func(b *Batch) { b.ReplaceNeighbour(Neighbour{Link: 3, Address: ip("fd00::1")}) },
		func(b *Batch) { b.ReplaceForwarding(Forwarding{Link: 3, Remote: ip("192.0.2.1")}) },
	} {
		var b Batch
		fill(&b)
		f.Add(b.buf)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = each(data, func(m Message) error {
			_ = refusal(m)
			e, ok := Decode(m)
			set := 0
			for _, is := range []bool{
				e.Link != nil, e.Address != nil, e.Route != nil, e.Setting != nil, e.Rule != nil, e.Neighbour != nil, e.Forwarding != nil,
			} {
				if is {
					set++
				}
			}
			if ok && (set != 1 || e.String() == "nothing") {
				t.Errorf("%d kinds in %+v", set, e)
			}
			return nil
		})
	})
}
