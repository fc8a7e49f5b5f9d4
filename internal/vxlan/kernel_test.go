package vxlan_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/vxlan"
)

// agent is a driver in a node, fed with the node's events.
type agent struct {
	testing.TB
	node   *netlab.Node
	kernel *vxlan.Linux
	events vxlan.Subscription
	driver *vxlan.Driver
}

func newAgent(t testing.TB, n *netlab.Node, f family.Family) *agent {
	t.Helper()
	a := &agent{TB: t, node: n}
	a.in(func() (err error) {
		if a.kernel, err = vxlan.OpenLinux(); err != nil {
			return err
		}
		a.events, err = a.kernel.Subscribe()
		return err
	})
	a.driver = vxlan.New(vxlan.Options{Family: f, Kernel: a.kernel, Sysctls: interfaces.ProcSys})
	t.Cleanup(func() { _, _ = a.events.Close(), a.kernel.Close() })
	return a
}

func (a *agent) in(f func() error) {
	a.Helper()
	if err := a.node.Do(f); err != nil {
		a.Fatal(err)
	}
}

// run runs a line of ip(8), or of bridge(8), in the node.
func (a *agent) run(line string) {
	a.Helper()
	tool := "ip"
	if strings.HasPrefix(line, "fdb") {
		tool = "bridge"
	}
	if out, err := a.node.Command(tool, strings.Fields(line)...).CombinedOutput(); err != nil {
		a.Fatalf("%s %s: %v: %s", tool, line, err, out)
	}
}

func (a *agent) apply() {
	a.Helper()
	a.in(func() error { _, err := a.driver.Apply(time.Now()); return err })
}

// until handles events and applies until done says so.
func (a *agent) until(done func() bool) {
	a.Helper()
	for !done() {
		events, err := a.events.Next()
		if err != nil {
			a.Fatal(err)
		}
		a.driver.Handle(events)
		a.apply()
	}
}

func (a *agent) start(f family.Family, inner family.Set) {
	a.Helper()
	for n := byte(2); n <= 3; n++ {
		a.driver.Want(vtep(f, n, inner))
	}
	a.driver.Own(vtep(f, 1, inner))
	a.driver.InSync()
	a.apply()
}

// witness is what another library reads in the node, as lines.
func (a *agent) witness(name string) []string {
	var out []string
	a.in(func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return nil //nolint:nilerr // then there is nothing to see
		}
		x := l.(*netlink.Vxlan)
		out = append(out, fmt.Sprintf("%s mtu %d address %s vxlan id %d local %s dev eth0 dstport %d", name, x.MTU, x.HardwareAddr, x.VxlanId, x.SrcAddr, x.Port))
		if x.Learning || x.Flags&net.FlagUp == 0 || x.UDP6ZeroCSumTx || x.UDP6ZeroCSumRx || !x.UDPCSum && x.SrcAddr.To4() != nil {
			out = append(out, fmt.Sprintf("learning %v flags %v checksums %v", x.Learning, x.Flags, x.UDPCSum))
		}
		addresses, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			return err
		}
		for _, addr := range addresses {
			out = append(out, addr.IPNet.String()+" dev "+name)
		}
		for _, af := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6, 7} {
			entries, err := netlink.NeighList(x.Index, af)
			if err != nil {
				return err
			}
			var lines []string
			for _, e := range entries {
				switch {
				case e.State&netlink.NUD_PERMANENT == 0:
				case af == 7:
					lines = append(lines, fmt.Sprintf("%s dst %s dev %s self permanent", e.HardwareAddr, e.IP, name))
				default:
					lines = append(lines, fmt.Sprintf("%s lladdr %s dev %s", e.IP, e.HardwareAddr, name))
				}
			}
			slices.Sort(lines)
			out = append(out, lines...)
		}
		return nil
	})
	return out
}

func (a *agent) stands(want []string) bool {
	got, want := a.witness(want[0][:strings.Index(want[0], " ")]), slices.Clone(want)
	return slices.Equal(got, want)
}

func TestWitness(t *testing.T) {
	t.Parallel()
	for _, f := range family.All() {
		for _, inner := range []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both} {
			t.Run("over "+f.String()+"/"+inner.String(), func(t *testing.T) {
				a := newAgent(t, lab(t).Node("n1"), f)
				a.start(f, inner)
				if want := lines(f, inner); !a.stands(want) {
					t.Errorf("the kernel has\n%s\nwant\n%s", strings.Join(a.witness(vxlan.DeviceName(f)), "\n"), strings.Join(want, "\n"))
				}
				for path, want := range map[string]string{"accept_ra": "0", "addr_gen_mode": "1"} {
					if got, err := a.node.Sysctl("net/ipv6/conf/" + vxlan.DeviceName(f) + "/" + path); err != nil || got != want {
						t.Errorf("%s = %s, %v", path, got, err)
					}
				}
				a.driver.Own(model.VTEP{})
				a.apply()
				if left := a.witness(vxlan.DeviceName(f)); len(left) != 0 {
					t.Errorf("left: %q", left)
				}
			})
		}
	}
}

// Hand-made damage is undone on the kernel's word, and what is not damaged is not disturbed.
func TestHealing(t *testing.T) {
	t.Parallel()
	for _, f := range family.All() {
		name := vxlan.DeviceName(f)
		v4, v6 := tunnel(family.V4, 2).String(), tunnel(family.V6, 2).String()
		for _, damage := range []string{
			"link delete " + name,
			"link set " + name + " down",
			"link set " + name + " mtu 1290",
			"link set " + name + " address 66:00:00:00:00:99",
			"addr del 10.244.1.0/32 dev " + name,
			"addr add 10.9.9.9/32 dev " + name,
			"addr del " + tunnel(family.V6, 1).String() + "/128 dev " + name,
			"neigh del " + v4 + " dev " + name,
			"neigh del " + v6 + " dev " + name,
			"neigh replace " + v4 + " lladdr 66:00:00:00:00:77 dev " + name + " nud permanent",
			"neigh replace " + v6 + " lladdr 66:00:00:00:00:02 dev " + name + " nud reachable",
			"neigh add 10.244.9.0 lladdr 66:00:00:00:00:09 dev " + name + " nud permanent",
			"neigh flush all dev " + name + " nud permanent",
			"fdb del 66:00:00:00:00:02 dev " + name,
			"fdb replace 66:00:00:00:00:02 dst " + underlay(f, 3).String() + " dev " + name,
			"fdb append 00:00:00:00:00:00 dst " + underlay(f, 3).String() + " dev " + name,
		} {
			t.Run(damage, func(t *testing.T) {
				t.Parallel()
				a := newAgent(t, lab(t).Node("n1"), f)
				a.start(f, family.Both)
				a.run(damage)
				start := time.Now()
				a.until(func() bool { return a.driver.Settled() && a.stands(lines(f, family.Both)) })
				t.Logf("after %v", time.Since(start))
				if a.driver.Counts().Repairs == 0 {
					t.Error("not counted")
				}
			})
		}
	}
}

// The device follows its parent: gone with it, back with it, of its MTU.
func TestUnderlayChanges(t *testing.T) {
	t.Parallel()
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			a := newAgent(t, lab(t).Node("n1"), f)
			a.start(f, family.Both)
			for _, mtu := range []int{1400, 1500} {
				a.run(fmt.Sprintf("link set %s mtu %d", netlab.Uplink, mtu))
				want := fmt.Sprintf("mtu %d ", mtu-vxlan.Overhead(f))
				a.until(func() bool { return strings.Contains(a.witness(vxlan.DeviceName(f))[0], want) })
			}
			second := netip.PrefixFrom(underlay(f, 9), 24).String()
			for _, line := range []string{"link add dev up type veth peer name up2", "link set dev up up", "addr add " + second + " dev up", "link set dev up2 up"} {
				a.run(line)
			}
			v := vtep(f, 1, family.Both)
			v.Underlay = underlay(f, 9)
			a.driver.Own(v)
			a.until(a.driver.Settled)
			a.run("link del dev up")
			a.until(func() bool { return a.driver.Device().Err != nil })
			a.driver.Own(vtep(f, 1, family.Both))
			a.apply()
			a.until(func() bool { return a.driver.Settled() && a.stands(lines(f, family.Both)) })
		})
	}
}

// The device that Felix has made is kept as it is, with all that packets need, when an agent takes
// over: no packet is lost.
func TestFelixsDeviceIsKept(t *testing.T) {
	t.Parallel()
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			a := newAgent(t, lab(t).Node("n1"), f)
			var index int
			a.in(func() error {
				parent, err := netlink.LinkByName(netlab.Uplink)
				if err != nil {
					return err
				}
				attrs := netlink.NewLinkAttrs()
				attrs.Name, attrs.HardwareAddr, attrs.MTU = vxlan.DeviceName(f), net.HardwareAddr{0x66, 5: 1}, 1500-vxlan.Overhead(f)
				l := &netlink.Vxlan{LinkAttrs: attrs, VxlanId: 4096, Port: 4789, VtepDevIndex: parent.Attrs().Index, SrcAddr: underlay(f, 1).AsSlice()}
				if err := netlink.LinkAdd(l); err != nil {
					return err
				}
				index = l.Attrs().Index
				return netlink.LinkSetUp(l)
			})
			a.start(f, family.NewSet(f))
			got := slices.DeleteFunc(a.witness(vxlan.DeviceName(f)), func(l string) bool {
				return strings.HasPrefix(l, "fe80::") // which the kernel has made for Felix, and harms nobody
			})
			if want := lines(f, family.NewSet(f)); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			a.in(func() error {
				l, err := netlink.LinkByName(vxlan.DeviceName(f))
				if err == nil && l.Attrs().Index != index {
					t.Errorf("another device: %d, was %d", l.Attrs().Index, index)
				}
				return err
			})
		})
	}
}

// A device of another network on the same port is nobody's business.
func TestForeignDeviceOnThePort(t *testing.T) {
	t.Parallel()
	a := newAgent(t, lab(t).Node("n1"), family.V4)
	a.run("link add other type vxlan id 7 dstport 4789 local 172.16.0.1")
	a.start(family.V4, family.Both)
	if !a.stands(lines(family.V4, family.Both)) {
		t.Errorf("%q", a.witness("vxlan.calico"))
	}
	a.in(func() error { _, err := netlink.LinkByName("other"); return err })
}

// A thousand nodes: all entries of both devices, and what a restart makes of them.
func TestThousandNodes(t *testing.T) {
	n := lab(t).Node("n1")
	run := func(want string) {
		start := time.Now()
		for _, f := range family.All() {
			a := newAgent(t, n, f)
			for i := range 1000 {
				v := model.VTEP{Node: fmt.Sprint("node-", i), MAC: model.MAC{0x66, 1, 0, 0, byte(i >> 8), byte(i)}}
				v.Underlay, *v.Addresses.At(f) = far(f, 1, i), far(f, 2, i)
				a.driver.Want(v)
			}
			a.driver.Own(vtep(f, 1, family.NewSet(f)))
			a.driver.InSync()
			a.apply()
			if c := a.driver.Counts(); !a.driver.Settled() || c.Failed > 0 || len(a.driver.Actual()) != 2002 {
				t.Errorf("%v: %+v, %d lines", f, c, len(a.driver.Actual()))
			}
		}
		took := time.Since(start)
		t.Logf("%s: %v", want, took)
		if took > 5*time.Second { // a hundredth of it, but for an emulated machine
			t.Errorf("%s took %v", want, took)
		}
	}
	run("start")
	run("restart")
}

func far(f family.Family, net byte, i int) netip.Addr {
	p := family.PairOf(
		netip.AddrFrom4([4]byte{10, 100 + net, byte(i >> 8), byte(i)}),
		netip.AddrFrom16([16]byte{0: 0xfd, 1: net, 14: byte(i >> 8), 15: byte(i)}))
	return p.Get(f)
}
