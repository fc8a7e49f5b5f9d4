package vxlan_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/vxlan"
)

// machine tells a driver random things, and does random harm to the kernel, of which the driver
// hears or not. It keeps what it has told, from which slow works out what there ought to be.
type machine struct {
	*world
	own      model.VTEP
	peers    map[string]model.VTEP
	settings vxlan.Settings
}

// Whatever was told in whatever order, and whatever harm was done on the way: in the end the kernel
// has what follows from what was told last, and nothing else.
func TestAnyHistoryEndsRight(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				m := &machine{world: newWorld(t, f, newKernel()), peers: map[string]model.VTEP{}}
				m.driver.InSync()
				rt.Repeat(map[string]func(*rapid.T){
					"want": m.want, "unwant": m.unwant, "own": m.tellOwn, "configure": m.configure, "harm": m.harm,
					"restart": m.again, "refuse": m.refuse, "step": func(*rapid.T) { m.step(rt) },
				})
				m.kernel.refuse = nil
				for range 5 {
					m.now = m.now.Add(time.Minute)
					m.step(rt)
				}
				m.check(rt)
			})
		})
	}
}

func (m *machine) step(rt *rapid.T) {
	m.now = m.now.Add(time.Second)
	if _, err := m.driver.Apply(m.now); err != nil {
		rt.Fatal(err)
	}
}

func innerSet(t *rapid.T) family.Set {
	return rapid.SampledFrom([]family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both}).Draw(t, "inside")
}

// want draws from few MACs and addresses, so that nodes claim the same.
func (m *machine) want(t *rapid.T) {
	v := vtep(m.f, byte(rapid.IntRange(2, 4).Draw(t, "address")), innerSet(t))
	v.Node = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "node")
	v.MAC = mac(byte(rapid.IntRange(2, 4).Draw(t, "MAC")))
	m.peers[v.Node] = v
	m.driver.Want(v)
}

func (m *machine) unwant(t *rapid.T) {
	node := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "node")
	delete(m.peers, node)
	m.driver.Unwant(node)
}

func (m *machine) tellOwn(t *rapid.T) {
	m.own = model.VTEP{}
	if rapid.IntRange(0, 3).Draw(t, "wanted") > 0 {
		m.own = vtep(m.f, 1, innerSet(t))
		m.own.MAC = mac(byte(rapid.SampledFrom([]int{1, 9}).Draw(t, "own MAC")))
	}
	m.driver.Own(m.own)
}

func (m *machine) configure(t *rapid.T) {
	m.settings = vxlan.Settings{
		VNI: rapid.SampledFrom([]uint32{0, 77}).Draw(t, "VNI"), MTU: rapid.SampledFrom([]int{0, 1300}).Draw(t, "MTU"),
		Off: rapid.IntRange(0, 4).Draw(t, "off") == 0, BrokenOffload: rapid.Bool().Draw(t, "broken offload"),
	}
	m.driver.Configure(m.settings)
}

func (m *machine) again(*rapid.T) {
	m.restart()
	m.driver.Configure(m.settings)
	m.driver.Own(m.own)
	for _, v := range m.peers {
		m.driver.Want(v)
	}
	m.driver.InSync()
}

func (m *machine) refuse(t *rapid.T) {
	kind := rapid.IntRange(0, 4).Draw(t, "what is refused")
	m.kernel.refuse = func(w vxlan.Write) error {
		if kind == 0 && w.Link != nil || kind == 1 && w.Address != nil || kind == 2 && w.Neighbour != nil || kind == 3 && w.Forwarding != nil {
			return syscall.EBUSY
		}
		return nil
	}
}

// harm is done by somebody else. The driver hears of it in detail, or that it has missed
// something.
func (m *machine) harm(t *rapid.T) {
	i := m.kernel.named(vxlan.DeviceName(m.f))
	if i < 0 {
		return
	}
	l := m.kernel.links[i]
	n := byte(rapid.IntRange(1, 5).Draw(t, "number"))
	inner := rapid.SampledFrom([]family.Family{family.V4, family.V6}).Draw(t, "family")
	changed := l
	changed.MTU, changed.Up = 1290, rapid.Bool().Draw(t, "up")
	w := rapid.SampledFrom([]vxlan.Write{
		{Neighbour: &vxlan.Neighbour{Link: l.Index, Address: tunnel(inner, n), MAC: mac(n), Permanent: true}},
		{Neighbour: &vxlan.Neighbour{Link: l.Index, Address: tunnel(inner, n)}, Delete: true},
		{Forwarding: &vxlan.Forwarding{Link: l.Index, MAC: mac(n), Remote: underlay(m.f, n), Permanent: true}},
		{Forwarding: &vxlan.Forwarding{Link: l.Index, MAC: mac(n)}, Delete: true},
		{Address: &vxlan.Address{Link: l.Index, Prefix: family.HostPrefix(tunnel(inner, n))}},
		{Address: &vxlan.Address{Link: l.Index, Prefix: family.HostPrefix(tunnel(inner, n))}, Delete: true},
		{Link: &l, Delete: true},
		{Link: &changed, Have: l},
	}).Draw(t, "harm")
	if m.kernel.write(w) != nil {
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "missed") == 0 || w.Link != nil && !w.Delete && !w.Link.Up {
		m.driver.Handle([]vxlan.Event{{Overrun: true}})
		return
	}
	m.driver.Handle([]vxlan.Event{{
		Gone: w.Delete, Port: 9, Link: w.Link, Address: w.Address, Neighbour: w.Neighbour, Forwarding: w.Forwarding,
	}})
}

// slow is what there ought to be, written down without any thought of speed.
func (m *machine) slow() []string {
	if m.settings.Off || !m.own.Underlay.IsValid() {
		return nil
	}
	name, mtu, vni := vxlan.DeviceName(m.f), 1500-vxlan.Overhead(m.f), uint32(4096)
	if m.settings.MTU != 0 {
		mtu = m.settings.MTU
	}
	if m.settings.VNI != 0 {
		vni = m.settings.VNI
	}
	out := []string{fmt.Sprintf("%s mtu %d address %s vxlan id %d local %s dev eth0 dstport 4789", name, mtu, m.own.MAC, vni, m.own.Underlay)}
	var addresses []string
	macs, remotes := map[netip.Addr]model.MAC{}, map[model.MAC]netip.Addr{}
	for _, node := range slices.Backward(slices.Sorted(maps.Keys(m.peers))) { // the first has the last word
		v := m.peers[node]
		remotes[v.MAC] = v.Underlay
		for _, f := range family.All() {
			if a := v.Addresses.Get(f); a.IsValid() {
				macs[a] = v.MAC
			}
		}
	}
	for _, f := range family.All() {
		if a := m.own.Addresses.Get(f); a.IsValid() {
			addresses = append(addresses, fmt.Sprintf("%s dev %s", family.HostPrefix(a), name))
		}
	}
	var neighbours, forwarding []string
	for a, mac := range macs {
		neighbours = append(neighbours, fmt.Sprintf("%s lladdr %s dev %s", a, mac, name))
	}
	for mac, a := range remotes {
		forwarding = append(forwarding, fmt.Sprintf("%s dst %s dev %s self permanent", mac, a, name))
	}
	for _, lines := range [][]string{addresses, neighbours, forwarding} {
		slices.Sort(lines)
		out = append(out, lines...)
	}
	return out
}

func (m *machine) check(rt *rapid.T) {
	want := m.slow()
	eyes := vxlan.New(vxlan.Options{Family: m.f, Kernel: m.kernel, Sysctls: newSysctls()})
	if _, err := eyes.Apply(m.now); err != nil {
		rt.Fatal(err)
	}
	if got := eyes.Actual(); !slices.Equal(got, want) {
		rt.Fatalf("the kernel has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !m.driver.Settled() && len(want) > 0 || m.driver.Counts().Failed > 0 {
		rt.Fatalf("not settled: %+v\n%s", m.driver.Counts(), strings.Join(m.driver.Desired(), "\n"))
	}
	if len(want) > 0 && m.kernel.software[vxlan.DeviceName(m.f)] != m.settings.BrokenOffload {
		rt.Fatalf("checksums in software: %v", !m.settings.BrokenOffload)
	}
}
