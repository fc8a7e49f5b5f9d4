package vxlan_test

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/vxlan"
)

// What the Driver relies on in a kernel; for the fake and for the real one, over each
// underlay.
func TestContract(t *testing.T) {
	for _, f := range family.All() {
		t.Run("fake/"+f.String(), func(t *testing.T) { contract{t, newKernel(), f}.run() })
		t.Run("kernel/"+f.String(), func(t *testing.T) {
			var k *vxlan.Linux
			if err := lab(t).Node("n1").Do(func() (err error) { k, err = vxlan.OpenLinux(); return err }); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = k.Close() }()
			contract{t, k, f}.run()
		})
	}
}

func lab(t testing.TB) *netlab.Lab {
	t.Helper()
	return netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{
		{Name: "n1", Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64")},
		{Name: "n2", Addresses: netlab.Prefixes("172.16.0.2/24", "fd00:16::2/64")},
	}})
}

type contract struct {
	t *testing.T
	k vxlan.Kernel
	f family.Family
}

// underlay is a node's address.
func underlay(f family.Family, node byte) netip.Addr {
	p := family.PairOf(netip.AddrFrom4([4]byte{172, 16, 0, node}), netip.AddrFrom16([16]byte{0: 0xfd, 3: 0x16, 15: node}))
	return p.Get(f)
}

// tunnel is a node's tunnel address.
func tunnel(f family.Family, node byte) netip.Addr {
	p := family.PairOf(netip.AddrFrom4([4]byte{10, 244, node, 0}), netip.AddrFrom16([16]byte{0: 0xfd, 3: 0x24, 5: node}))
	return p.Get(f)
}

func (c contract) link(name string) vxlan.Link {
	c.t.Helper()
	links, err := c.k.Links()
	if err != nil {
		c.t.Fatal(err)
	}
	i := slices.IndexFunc(links, func(l vxlan.Link) bool { return l.Name == name })
	if i < 0 {
		return vxlan.Link{}
	}
	return links[i]
}

func (c contract) write(want error, w vxlan.Write) {
	c.t.Helper()
	if err := c.k.Write([]vxlan.Write{w})[0]; !errors.Is(err, want) {
		c.t.Errorf("%v: %v, want %v", w, err, want)
	}
}

// want is a device over the node's uplink.
func (c contract) device() vxlan.Link {
	parent := c.link(netlab.Uplink)
	return vxlan.Link{
		Name: vxlan.DeviceName(c.f), Kind: "vxlan", MTU: parent.MTU - vxlan.Overhead(c.f), MAC: mac(1),
		VXLAN: vxlan.VXLAN{VNI: 4096, Port: 4789, Local: underlay(c.f, 1), Parent: parent.Index},
	}
}

func (c contract) run() {
	want := c.device()
	c.write(nil, vxlan.Write{Link: &want})
	made := c.link(want.Name)
	want.Index = made.Index
	if made != want {
		c.t.Fatalf("made\n%+v, want\n%+v", made, want)
	}
	again := want
	again.Index = 0
	c.write(syscall.EEXIST, vxlan.Write{Link: &again})
	again.Name = "other"
	c.write(syscall.EEXIST, vxlan.Write{Link: &again}) // the same network on the same port

	c.changes(made)
	c.entries(made.Index)
	c.offload(made.Name)
	c.down(c.link(made.Name))
	c.write(nil, vxlan.Write{Delete: true, Link: &made})
	c.write(syscall.ENODEV, vxlan.Write{Delete: true, Link: &made})
	c.write(syscall.ENODEV, vxlan.Write{Neighbour: &vxlan.Neighbour{Link: made.Index, Address: tunnel(c.f, 2), MAC: mac(2)}})
}

// changes are made in place, each alone.
func (c contract) changes(have vxlan.Link) {
	for _, change := range []func(*vxlan.Link){
		func(l *vxlan.Link) { l.NoLinkLocal = true },
		func(l *vxlan.Link) { l.Up = true },
		func(l *vxlan.Link) { l.MTU -= 100 },
		func(l *vxlan.Link) { l.MTU += 100 },
		func(l *vxlan.Link) { l.MAC = mac(9) },
	} {
		want := have
		change(&want)
		c.write(nil, vxlan.Write{Have: have, Link: &want})
		if have = c.link(want.Name); have != want {
			c.t.Errorf("changed to\n%+v, want\n%+v", have, want)
		}
	}
	large := have
	large.MTU++
	c.write(syscall.EINVAL, vxlan.Write{Have: have, Link: &large})
}

// entries of both families, on a device over either.
func (c contract) entries(link int) {
	for _, f := range family.All() {
		a := &vxlan.Address{Link: link, Prefix: family.HostPrefix(tunnel(f, 1)), NoDAD: true}
		c.write(nil, vxlan.Write{Address: a})
		c.write(syscall.EEXIST, vxlan.Write{Address: a})
		c.write(nil, vxlan.Write{Neighbour: &vxlan.Neighbour{Link: link, Address: tunnel(f, 2), MAC: mac(3)}})
		c.write(nil, vxlan.Write{Neighbour: &vxlan.Neighbour{Link: link, Address: tunnel(f, 2), MAC: mac(2)}})
	}
	c.write(nil, vxlan.Write{Forwarding: &vxlan.Forwarding{Link: link, MAC: mac(2), Remote: underlay(c.f, 3)}})
	c.write(nil, vxlan.Write{Forwarding: &vxlan.Forwarding{Link: link, MAC: mac(2), Remote: underlay(c.f, 2)}})
	c.write(nil, vxlan.Write{Forwarding: &vxlan.Forwarding{Link: link, MAC: mac(3), Remote: underlay(c.f, 3)}})
	c.write(nil, vxlan.Write{Delete: true, Forwarding: &vxlan.Forwarding{Link: link, MAC: mac(3)}})
	c.write(syscall.ENOENT, vxlan.Write{Delete: true, Forwarding: &vxlan.Forwarding{Link: link, MAC: mac(3)}})
	c.write(syscall.ENOENT, vxlan.Write{Delete: true, Neighbour: &vxlan.Neighbour{Link: link, Address: tunnel(c.f, 7)}})

	all, entries, err := c.k.Neighbours(link)
	if err != nil {
		c.t.Fatal(err)
	}
	var permanent []vxlan.Neighbour
	for _, n := range all {
		if n.MAC == mac(2) {
			n.Permanent = true // the fake keeps what it is told
			permanent = append(permanent, n)
		}
	}
	permanent, entries = sorted(permanent, entries)
	if len(permanent) != 2 || permanent[0].Address != tunnel(family.V4, 2) || permanent[1].Address != tunnel(family.V6, 2) {
		c.t.Errorf("neighbours %+v", all)
	}
	if len(entries) != 1 || entries[0].MAC != mac(2) || entries[0].Remote != underlay(c.f, 2) || entries[0].Odd {
		c.t.Errorf("forwarding %+v", entries)
	}
}

func (c contract) offload(name string) {
	for _, want := range []bool{false, true} {
		if err := c.k.SetOffload(name, want); err != nil {
			c.t.Error(err)
		}
		if on, err := c.k.Offload(name); err != nil || on != want {
			c.t.Errorf("offload %v, %v, want %v", on, err, want)
		}
	}
	if _, err := c.k.Offload("none"); !errors.Is(err, syscall.ENODEV) {
		c.t.Errorf("offload of no device: %v", err)
	}
}

// down takes the neighbours along, and the IPv6 addresses, but neither the IPv4 addresses nor
// where frames go.
func (c contract) down(have vxlan.Link) {
	want := have
	want.Up = false
	c.write(nil, vxlan.Write{Have: have, Link: &want})
	neighbours, entries, err := c.k.Neighbours(have.Index)
	if err != nil || len(neighbours) != 0 || len(entries) != 1 {
		c.t.Errorf("down: neighbours %v, forwarding %v, %v", neighbours, entries, err)
	}
	left := family.PairOf(1, 0)
	for _, f := range family.All() {
		addresses, err := c.k.Addresses(f)
		n := 0
		for _, a := range addresses {
			if a.Link == have.Index {
				n++
			}
		}
		if err != nil || n != left.Get(f) {
			c.t.Errorf("down: %d %v addresses, %v, want %d", n, f, err, left.Get(f))
		}
	}
}
