package wireguard_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/wireguard"
)

// bench is a driver on a fake kernel, with keys that print as the letters of their nodes.
type bench struct {
	*fake
	t        *testing.T
	family   family.Family
	driver   *wireguard.Driver
	settings wireguard.Settings
	own      wireguard.PrivateKey
	letters  map[wireguard.Key]string
	now      time.Time
}

func settingsOf(f family.Family) wireguard.Settings {
	names := family.PairOf("wireguard.cali", "wg-v6.cali")
	ports := family.PairOf[uint16](51820, 51821)
	return wireguard.Settings{
		Carries: family.NewSet(f), Name: names.Get(f), Port: ports.Get(f), MTU: 1420, Mark: 0x100000,
		Table: uint32(f), Priority: 99, Addresses: []netip.Addr{at(f, 1)},
	}
}

// at is the tunnel address of the nth node, net the nth node's block, under the nth node's own.
func at(f family.Family, n int) netip.Addr {
	a := family.PairOf(fmt.Sprintf("10.244.%d.0", n), fmt.Sprintf("fd00:244:%d::", n))
	return netip.MustParseAddr(a.Get(f))
}

func block(f family.Family, n int) netip.Prefix {
	bits := family.PairOf(26, 122)
	return netip.PrefixFrom(at(f, n), bits.Get(f))
}

// blockOf is one of many blocks, of four addresses each.
func blockOf(f family.Family, n int) netip.Prefix {
	bits := family.PairOf(30, 126)
	a := family.PairOf(fmt.Sprintf("10.%d.%d.0", n/256, n%256), fmt.Sprintf("fd00:%x::", n))
	return netip.PrefixFrom(netip.MustParseAddr(a.Get(f)), bits.Get(f))
}

func numbered(n int) string { return fmt.Sprintf("node-%d", n) }

func under(f family.Family, n int) netip.Addr {
	a := family.PairOf(fmt.Sprintf("172.16.0.%d", n), fmt.Sprintf("fd00:16::%d", n))
	return netip.MustParseAddr(a.Get(f))
}

func inEachFamily(t *testing.T, test func(t *testing.T, b *bench)) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) { test(t, newBench(t, f)) })
	}
}

func newBench(t *testing.T, f family.Family) *bench {
	b := &bench{
		fake: newFake(), t: t, family: f, settings: settingsOf(f), own: newKey(t),
		letters: map[wireguard.Key]string{}, now: time.Unix(1000, 0),
	}
	b.letters[b.own.Public()] = "own"
	b.restart()
	return b
}

// restart is a new process on what the old one has left.
func (b *bench) restart() {
	b.driver = wireguard.New(wireguard.Options{
		Family: b.family, Tunnel: b.fake, Kernel: b.fake, Maker: b.fake, Key: b.own, Settings: b.settings,
	})
}

// key makes a key that prints as the letter.
func (b *bench) key(letter string) wireguard.Key {
	k := newKey(b.t).Public()
	b.letters[k] = letter
	return k
}

// node is the nth node with a key, and its block behind it.
func (b *bench) node(n int, key wireguard.Key) wireguard.Node {
	b.driver.Route(block(b.family, n), name(n))
	return wireguard.Node{
		Name: name(n), Key: key, Endpoint: under(b.family, n), Addresses: []netip.Prefix{family.HostPrefix(at(b.family, n))},
	}
}

func name(n int) string { return string(rune('a' + n - 1)) }

func (b *bench) apply() error {
	b.now = b.now.Add(time.Minute) // whatever has failed is due
	_, err := b.driver.Apply(b.now)
	return err
}

func (b *bench) mustApply() {
	b.t.Helper()
	if err := b.apply(); err != nil {
		b.t.Fatal(err)
	}
}

// shows compares what the kernel has with lines as wg, ip route and ip rule print them.
func (b *bench) shows(want ...string) {
	b.t.Helper()
	have := b.listing()
	slices.Sort(want)
	if !slices.Equal(have, want) {
		b.t.Errorf("the kernel has\n\t%s\nnot\n\t%s", strings.Join(have, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func (b *bench) listing() (out []string) {
	for name, d := range b.devices {
		out = append(out, fmt.Sprintf("%s: mtu %d up=%v key %s port %d fwmark %#x addresses %v",
			name, b.links[name].MTU, b.links[name].Up, b.letters[d.Key.Public()], d.Port, d.Mark, b.addresses[b.links[name].Index]))
		for k, p := range d.Peers {
			out = append(out, fmt.Sprintf("peer %s: endpoint %v allowed %v", b.letters[k], p.Endpoint, p.Allowed))
		}
	}
	for _, table := range slices.Sorted(maps.Keys(b.tables)) {
		for k, r := range b.tables[table] {
			out = append(out, fmt.Sprintf("table %d: %s", table, b.route(k, r)))
		}
	}
	for r := range b.rules {
		out = append(out, fmt.Sprintf("%v rule %d: not fwmark %#x lookup %d", r.Family, r.Priority, r.Mark, r.Table))
	}
	slices.Sort(out)
	return out
}

// write fills in the family's own words: {dev}, {port}, {T} the table, {aN} tunnel addresses, {nN} blocks,
// {uN} the nodes' own addresses, {full} the length of a host's prefix, {family}.
func (b *bench) write(lines ...string) []string {
	f, s := b.family, b.settings
	words := []string{
		"{dev}", s.Name, "{port}", fmt.Sprint(s.Port), "{T}", fmt.Sprint(s.Table), "{family}", f.String(), "{full}", fmt.Sprint(f.Bits()),
	}
	for n := 1; n < 6; n++ {
		words = append(words, fmt.Sprintf("{a%d}", n), at(f, n).String(), fmt.Sprintf("{n%d}", n), block(f, n).String(),
			fmt.Sprintf("{u%d}", n), netip.AddrPortFrom(under(f, n), s.Port).String())
	}
	r := strings.NewReplacer(words...)
	for i, l := range lines {
		lines[i] = r.Replace(l)
	}
	return lines
}
