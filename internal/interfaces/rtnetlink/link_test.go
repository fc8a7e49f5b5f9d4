package rtnetlink

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
)

func do(t *testing.T, s *Socket, fill func(b *Batch)) {
	t.Helper()
	var b Batch
	fill(&b)
	if err := errors.Join(s.Execute(&b)...); err != nil {
		t.Fatal(err)
	}
}

func linkNamed(t *testing.T, s *Socket, name string) Link {
	t.Helper()
	links, err := s.Links()
	i := slices.IndexFunc(links, func(l Link) bool { return l.Name == name })
	if err != nil || i < 0 {
		t.Fatalf("no %s among %v, %v", name, links, err)
	}
	return links[i]
}

// Devices that others make in many ways are read as what they are: only one as we make them is
// not odd.
func TestOthersDevices(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	for name, c := range map[string]struct {
		args []string
		want VXLAN
	}{
		"plain":    {[]string{"id", "1", "dstport", "4789", "local", "172.16.0.1", "dev", "eth0", "nolearning", "noudpcsum"}, VXLAN{VNI: 1, Port: 4789, Local: ip("172.16.0.1"), Parent: uplink(t, s).Index, ZeroChecksum: true}},
		"learning": {[]string{"id", "2", "dstport", "8472", "local", "172.16.0.1", "udpcsum"}, VXLAN{VNI: 2, Port: 8472, Local: ip("172.16.0.1"), Learning: true}},
		"v6":       {[]string{"id", "3", "dstport", "4789", "local", "fd00:16::1", "nolearning", "udp6zerocsumtx", "udp6zerocsumrx"}, VXLAN{VNI: 3, Port: 4789, Local: ip("fd00:16::1"), ZeroChecksum: true}},
		"remote":   {[]string{"id", "4", "dstport", "4789", "local", "172.16.0.1", "remote", "172.16.0.2", "nolearning", "noudpcsum"}, VXLAN{VNI: 4, Port: 4789, Local: ip("172.16.0.1"), ZeroChecksum: true, Odd: true}},
		"external": {[]string{"dstport", "4790", "external", "nolearning"}, VXLAN{Port: 4790, Odd: true}},
		"proxy":    {[]string{"id", "6", "dstport", "4789", "local", "172.16.0.1", "proxy", "nolearning", "noudpcsum"}, VXLAN{VNI: 6, Port: 4789, Local: ip("172.16.0.1"), ZeroChecksum: true, Odd: true}},
		"ttl":      {[]string{"id", "7", "dstport", "4789", "local", "172.16.0.1", "ttl", "5", "nolearning", "noudpcsum"}, VXLAN{VNI: 7, Port: 4789, Local: ip("172.16.0.1"), ZeroChecksum: true, Odd: true}},
	} {
		out, err := n.Command("ip", append([]string{"link", "add", name, "type", "vxlan"}, c.args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		if got := linkNamed(t, s, name); got.Kind != "vxlan" || got.VXLAN != c.want {
			t.Errorf("%s: %s %+v, want %+v", name, got.Kind, got.VXLAN, c.want)
		}
	}
	if lo := linkNamed(t, s, "lo"); !lo.Loopback || lo.MTU != 65536 || lo.Kind != "" {
		t.Errorf("%+v", lo)
	}
	if up := linkNamed(t, s, netlab.Uplink); up.Kind != "veth" || up.MTU != 1500 || up.MAC == (model.MAC{}) || up.Loopback {
		t.Errorf("%+v", up)
	}
}

// What is written is what another library reads.
func TestAnotherLibraryReadsTheSameDevice(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	for _, local := range []netip.Addr{ip("172.16.0.1"), ip("fd00:16::1")} {
		f := family.Of(local)
		l := Link{Name: "ours", Kind: "vxlan", MTU: 1400, MAC: model.MAC{0x66, 1, 2, 3, 4, 5}, VXLAN: VXLAN{
			VNI: 4096, Port: 4789, Local: local, Parent: uplink(t, s).Index, ZeroChecksum: true,
		}}
		do(t, s, func(b *Batch) { b.CreateLink(l) })
		made := linkNamed(t, s, "ours")
		up := made
		up.Up, up.NoLinkLocal = true, true
		quiet := made
		quiet.NoLinkLocal = true
		do(t, s, func(b *Batch) { b.ChangeLink(made, quiet); b.ChangeLink(quiet, up) })
		if got := linkNamed(t, s, "ours"); got != up {
			t.Errorf("%+v, want %+v", got, up)
		}
		if err := n.Do(func() error {
			seen, err := netlink.LinkByName("ours")
			if err != nil {
				return err
			}
			v := seen.(*netlink.Vxlan)
			if v.VxlanId != 4096 || v.Port != 4789 || v.Learning || v.MTU != 1400 || v.HardwareAddr.String() != l.MAC.String() ||
				v.SrcAddr.String() != local.String() || v.VtepDevIndex != l.VXLAN.Parent || v.UDP6ZeroCSumTx != true || v.UDP6ZeroCSumRx != true {
				t.Errorf("%v: %+v", f, v)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		do(t, s, func(b *Batch) { b.DeleteLink(made.Index) })
	}
}

// A listener hears of the neighbours of the link that it follows, and of those of no other.
func TestNeighboursOfOneLink(t *testing.T) {
	n := node(t)
	s, other := openIn(t, n), openIn(t, n)
	var l *Listener
	if err := n.Do(func() (err error) { l, err = Listen(Topics{Neighbours: true}, s.Port()); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	do(t, other, func(b *Batch) {
		b.CreateLink(Link{Name: "v", Kind: "vxlan", VXLAN: VXLAN{VNI: 1, Port: 4789, Local: ip("172.16.0.1")}})
	})
	index := linkNamed(t, s, "v").Index
	mac := model.MAC{0x66, 0, 0, 0, 0, 2}
	entry := Forwarding{Link: index, MAC: mac, Remote: ip("172.16.0.2")}
	write := func(link int) func(b *Batch) {
		return func(b *Batch) {
			b.ReplaceNeighbour(Neighbour{Link: link, Address: ip("10.9.9.9"), MAC: mac})
			b.ReplaceNeighbour(Neighbour{Link: link, Address: ip("fd09::9"), MAC: mac})
		}
	}
	do(t, other, write(index)) // nothing is followed yet
	if err := l.Follow(index); err != nil {
		t.Fatal(err)
	}
	do(t, other, write(uplink(t, s).Index)) // another link
	do(t, s, func(b *Batch) { b.DeleteNeighbour(Neighbour{Link: index, Address: ip("10.9.9.9")}) })
	do(t, other, func(b *Batch) { b.ReplaceForwarding(entry) })
	do(t, other, func(b *Batch) { b.DeleteForwarding(entry) })
	var got []string
	for !slices.Contains(got, "- forward 66:00:00:00:00:02 to 172.16.0.2 dev if"+strconv.Itoa(index)) {
		events, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Neighbour != nil || e.Forwarding != nil {
				got = append(got, e.String())
			}
			if e.Neighbour != nil && e.Neighbour.Link != index || e.Neighbour != nil && e.Neighbour.Address == ip("fd09::9") {
				t.Errorf("heard %v", e)
			}
		}
	}
	if !slices.Contains(got, "+ forward 66:00:00:00:00:02 to 172.16.0.2 dev if"+strconv.Itoa(index)) {
		t.Errorf("%q", got)
	}
	neighbours, entries, err := s.Neighbours(index)
	if err != nil || len(entries) != 0 || !slices.Contains(neighbours, Neighbour{Link: index, Address: ip("fd09::9"), MAC: mac, Permanent: true}) {
		t.Errorf("%+v, %+v, %v", neighbours, entries, err)
	}
}

// Of a forwarding entry with parts that we do not write, that is told.
func TestOddForwarding(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	do(t, s, func(b *Batch) {
		b.CreateLink(Link{Name: "v", Kind: "vxlan", VXLAN: VXLAN{VNI: 1, Port: 4789, Local: ip("172.16.0.1")}})
	})
	index := linkNamed(t, s, "v").Index
	if out, err := n.Command("bridge", "fdb", "add", "66:00:00:00:00:05", "dst", "172.16.0.5", "port", "99", "dev", "v").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := Forwarding{Link: index, MAC: model.MAC{0x66, 0, 0, 0, 0, 5}, Remote: ip("172.16.0.5"), Permanent: true, Odd: true}
	if _, entries, err := s.Neighbours(index); err != nil || !slices.Contains(entries, want) {
		t.Errorf("%+v, %v, want %+v", entries, err, want)
	}
	var b Batch
	b.DeleteForwarding(Forwarding{Link: index, MAC: model.MAC{0x66, 9}})
	b.DeleteLink(9999)
	for i, want := range []error{syscall.ENOENT, syscall.ENODEV} {
		if got := s.Execute(&b)[i]; !errors.Is(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}
