package conntrack

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"

	mdlayher "github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

func TestMain(m *testing.M) { os.Exit(netlab.Main(m)) }

// flow is a UDP flow as seen before and after NAT.
type flow struct{ source, destination, replySource, replyDestination string }

func (f flow) String() string {
	return fmt.Sprintf("%s > %s, back %s > %s", f.source, f.destination, f.replySource, f.replyDestination)
}

type lab struct {
	table  *Table
	handle *netlink.Handle
}

func newLab(t testing.TB) *lab {
	t.Helper()
	n := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "n1"}}}).Node("n1")
	l := &lab{}
	err := n.Do(func() (err error) {
		if l.table, err = Open(); err != nil {
			return err
		}
		l.handle, err = netlink.NewHandle(unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.table.Close(); l.handle.Close() })
	return l
}

func (l *lab) add(t testing.TB, f flow, port int) {
	t.Helper()
	af := uint8(unix.AF_INET)
	if family.Of(netip.MustParseAddr(f.source)) == family.V6 {
		af = unix.AF_INET6
	}
	tuple := func(src, dst string, sport, dport uint16) netlink.IPTuple {
		return netlink.IPTuple{SrcIP: netip.MustParseAddr(src).AsSlice(), DstIP: netip.MustParseAddr(dst).AsSlice(), SrcPort: sport, DstPort: dport, Protocol: unix.IPPROTO_UDP}
	}
	c := &netlink.ConntrackFlow{
		FamilyType: af, TimeOut: 600,
		Forward: tuple(f.source, f.destination, uint16(port), 53),
		Reverse: tuple(f.replySource, f.replyDestination, 53, uint16(port)),
	}
	if err := l.handle.ConntrackCreate(netlink.ConntrackTable, netlink.InetFamily(af), c); err != nil {
		t.Fatalf("%v: %v", f, err)
	}
}

// flows are those that the kernel tracks, as another library reads them.
func (l *lab) flows(t testing.TB) []string {
	t.Helper()
	var out []string
	for _, af := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
		all, err := l.handle.ConntrackTableList(netlink.ConntrackTable, af)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			out = append(out, flow{c.Forward.SrcIP.String(), c.Forward.DstIP.String(), c.Reverse.SrcIP.String(), c.Reverse.DstIP.String()}.String())
		}
	}
	slices.Sort(out)
	return out
}

// around has the connections of a pod: it asks, is asked directly, is asked through a
// service, and asks from behind a NAT.
func around(pod, peer, service, node string) []flow {
	return []flow{
		{pod, peer, peer, pod},
		{peer, pod, pod, peer},
		{peer, service, pod, peer},
		{pod, peer, peer, node},
	}
}

func TestFlushTakesEveryEntryOfTheAddressAndNoOther(t *testing.T) {
	pods := map[family.Family][2]string{
		family.V4: {"10.244.1.5", "10.244.1.50"},
		family.V6: {"fd00:244:1::5", "fd00:244:1::50"},
	}
	peers := map[family.Family][3]string{
		family.V4: {"10.244.2.7", "10.96.0.10", "172.16.0.1"},
		family.V6: {"fd00:244:2::7", "fd00:96::10", "fd00:16::1"},
	}
	for _, families := range []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both} {
		for _, listOnly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v listOnly=%t", families, listOnly), func(t *testing.T) {
				l := newLab(t)
				if listOnly {
					l.table.filters = new(family.Set)
				}
				var gone []netip.Addr
				var want []string
				port := 1000
				for _, f := range family.All() {
					p := peers[f]
					for i, pod := range pods[f] {
						for _, fl := range around(pod, p[0], p[1], p[2]) {
							port++
							l.add(t, fl, port)
							if i == 1 || !families.Has(f) {
								want = append(want, fl.String())
							}
						}
					}
					if families.Has(f) {
						gone = append(gone, netip.MustParseAddr(pods[f][0]))
					}
				}
				if err := l.table.Flush(gone); err != nil {
					t.Fatal(err)
				}
				slices.Sort(want)
				if got := l.flows(t); !slices.Equal(got, want) {
					t.Errorf("left:\n%q\nwant:\n%q", got, want)
				}
				if !listOnly {
					t.Logf("this kernel deletes by a filter: %v", l.table.filters)
				}
			})
		}
	}
}

func TestManyAddressesAtOnce(t *testing.T) {
	l := newLab(t)
	var gone []netip.Addr
	for i := range 3 * byFilterAtMost {
		a := netip.AddrFrom4([4]byte{10, 1, 0, byte(i)})
		l.add(t, flow{a.String(), "10.9.9.9", "10.9.9.9", a.String()}, 2000+i)
		if i > 0 {
			gone = append(gone, a)
		}
	}
	if err := l.table.Flush(gone); err != nil {
		t.Fatal(err)
	}
	want := []string{"10.1.0.0 > 10.9.9.9, back 10.9.9.9 > 10.1.0.0"}
	if got := l.flows(t); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

func TestNothingToFlush(t *testing.T) {
	l := newLab(t)
	for _, addrs := range [][]netip.Addr{nil, netlab.Addrs("10.0.0.1", "fd00::1")} {
		for _, l.table.filters = range []*family.Set{nil, new(family.Set)} {
			if err := l.table.Flush(addrs); err != nil {
				t.Errorf("%v: %v", addrs, err)
			}
		}
	}
}

// The kernel says at once that there is nothing. What another namespace has does not count,
// and a single entry of either family does.
func TestAnEmptyTableIsKnownToBeEmpty(t *testing.T) {
	for _, f := range []flow{{"10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.1"}, {"fd00::1", "fd00::2", "fd00::2", "fd00::1"}} {
		l, other := newLab(t), newLab(t)
		other.add(t, f, 1000)
		if !l.table.empty() || other.table.empty() {
			t.Errorf("%v elsewhere: empty %t; here: %t", f, l.table.empty(), other.table.empty())
		}
		if err := other.table.Flush(netlab.Addrs(f.source)); err != nil {
			t.Fatal(err)
		}
		if !other.table.empty() {
			t.Errorf("%v: its only entry has gone, and the table is not empty", f)
		}
	}
}

// Whatever the probe says of this kernel is so: where it trusts the filter, that deletes
// what it is asked to, and nothing else. Nothing of it happens in the namespace itself.
func TestTheProbeIsRight(t *testing.T) {
	l := newLab(t)
	found := probe()
	if left := l.flows(t); len(left) > 0 {
		t.Errorf("the probe has left %q", left)
	}
	mine := map[family.Family]flow{family.V4: {"10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.1"}, family.V6: {"fd00::1", "fd00::2", "fd00::2", "fd00::1"}}
	others := map[family.Family]flow{family.V4: {"10.0.0.3", "10.0.0.4", "10.0.0.4", "10.0.0.3"}, family.V6: {"fd00::3", "fd00::4", "fd00::4", "fd00::3"}}
	for _, f := range family.All() {
		l := newLab(t)
		l.add(t, mine[f], 1000)
		l.add(t, others[f], 1001)
		err := l.table.flushFiltered(f, netip.MustParseAddr(mine[f].source))
		works := err == nil && slices.Equal(l.flows(t), []string{others[f].String()})
		if works != found.Has(f) {
			t.Errorf("%v: the probe says %t; %v, left %q", f, found.Has(f), err, l.flows(t))
		}
	}
}

// What cannot be read is not empty.
func TestEntriesIn(t *testing.T) {
	for name, c := range map[string]struct {
		body []byte
		n    uint32
		ok   bool
	}{
		"nothing":          {nil, 0, false},
		"no attribute":     {make([]byte, 4), 0, false},
		"none":             {[]byte{0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 0}, 0, true},
		"some":             {[]byte{0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 1, 2}, 258, true},
		"another number":   {[]byte{0, 0, 0, 0, 8, 0, 2, 0, 0, 0, 0, 0}, 0, false},
		"a short number":   {[]byte{0, 0, 0, 0, 6, 0, 1, 0, 0, 0, 0, 0}, 0, false},
		"cut short":        {[]byte{0, 0, 0, 0, 8, 0, 1, 0, 0}, 0, false},
		"less than a head": {[]byte{0, 0}, 0, false},
	} {
		if n, ok := entriesIn(c.body); n != c.n && c.ok || ok != c.ok {
			t.Errorf("%s: %d, %t, want %d, %t", name, n, ok, c.n, c.ok)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, p := range tuples() {
		f.Add(append(make([]byte, 4), p.filter(family.V4, netip.MustParseAddr("10.0.0.1"))...))
		f.Add(append(make([]byte, 4), p.filter(family.V6, netip.MustParseAddr("fd00::1"))...))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if e, ok := decode(body); ok && len(e.name) == 0 {
			t.Error("an entry without a name would delete all of them")
		}
	})
}

// BenchmarkProbe is what it costs, once for each agent, to find out what the filter does.
func BenchmarkProbe(b *testing.B) {
	newLab(b) // where namespaces can be made
	for b.Loop() {
		probe()
	}
}

// BenchmarkFlush is the flush of some addresses in a table of 5,000 flows of others.
func BenchmarkFlush(b *testing.B) {
	const flows = 5000
	for _, addresses := range []int{1, 4, 16, 64} {
		for _, listOnly := range []bool{false, true} {
			b.Run(fmt.Sprintf("addresses=%d/listed=%t", addresses, listOnly), func(b *testing.B) {
				l := newLab(b)
				if listOnly {
					l.table.filters = new(family.Set)
				}
				for i := range flows {
					a := netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)}).String()
					l.add(b, flow{a, "10.9.9.9", "10.9.9.9", a}, 1000+i)
				}
				var gone []netip.Addr
				for i := range addresses {
					gone = append(gone, netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}))
				}
				for b.Loop() {
					if err := l.table.flush(family.V4, gone); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What names an entry is its original tuple and its zone, as listed; its other attributes
// would be conditions.
func TestTheNameOfAnEntry(t *testing.T) {
	list := func(zone bool) []byte {
		e := mdlayher.NewAttributeEncoder()
		for i, pair := range [][2]string{{"fd00::1", "fd00::2"}, {"fd00::3", "fd00::1"}} {
			e.Nested(uint16(tuples()[i]), func(e *mdlayher.AttributeEncoder) error {
				e.Nested(ctaTupleIP, func(e *mdlayher.AttributeEncoder) error {
					for j, a := range pair {
						e.Bytes(sourceAttribute(family.V6)+uint16(j), netip.MustParseAddr(a).AsSlice())
					}
					return nil
				})
				return nil
			})
		}
		e.Uint32(8, 99) // CTA_MARK
		if zone {
			e.Bytes(ctaZone, []byte{0, 7})
		}
		b, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return append(make([]byte, 4), b...)
	}
	for _, zone := range []bool{false, true} {
		e, ok := decode(list(zone))
		if want := netlab.Addrs("fd00::1", "fd00::3"); !ok || !slices.Equal(e.ends, want) {
			t.Fatalf("ends %v, want %v, %t", e.ends, want, ok)
		}
		attrs, err := mdlayher.UnmarshalAttributes(e.name)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []uint16
		for _, a := range attrs {
			kinds = append(kinds, a.Type&^unix.NLA_F_NESTED)
		}
		want := []uint16{ctaTupleOrig}
		if zone {
			want = append(want, ctaZone)
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("zone %t: attributes %v, want %v", zone, kinds, want)
		}
	}
}

func TestAFewOfTheAddressesAreNamed(t *testing.T) {
	for _, c := range []struct {
		addrs []netip.Addr
		want  string
	}{
		{netlab.Addrs("10.0.0.1"), "[10.0.0.1]"},
		{netlab.Addrs("10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2", "fd00::3"), "[10.0.0.1 10.0.0.2 fd00::1] and 2 more"},
	} {
		if got := someOf(c.addrs); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
