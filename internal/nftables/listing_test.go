package nftables_test

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
)

func TestMain(m *testing.M) { os.Exit(netlab.Main(m)) }

const tableName = "calico"

// nftTool runs nft in the test's network namespace.
func nftTool(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	c := exec.Command("nft", args...)
	c.Stdin = strings.NewReader(stdin)
	var out, complaint bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaint
	if err := c.Run(); err != nil {
		t.Fatalf("nft %s: %v\n%s\n%s", strings.Join(args, " "), err, complaint.String(), stdin)
	}
	return out.String()
}

// openKernel opens the table in the test's namespace, which is empty before and after.
func openKernel(t testing.TB) *nftables.Netlink {
	t.Helper()
	netlab.Require(t)
	nftTool(t, "", "flush", "ruleset")
	k, err := nftables.OpenNetlink(tableName)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		nftTool(t, "", "flush", "ruleset")
	})
	return k
}

// fresh lists the steps that make a table from nothing.
func fresh(table nft.Table) []nft.Op {
	ops := []nft.Op{nft.AddTable{Table: table.Name}}
	slices.SortFunc(table.Sets, func(a, b nft.Set) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range table.Chains {
		ops = append(ops, nft.AddChain{Name: c.Name, Base: c.Base})
	}
	for _, s := range table.Sets {
		ops = append(ops, nft.AddSet{Set: s})
		if e := table.Elements[s.Name]; len(e) > 0 {
			ops = append(ops, nft.AddElements{Set: s, Elements: e})
		}
	}
	for _, c := range table.Chains {
		for _, r := range c.Rules {
			ops = append(ops, nft.AddRule{Chain: c.Name, Rule: r, Hash: r.Hash()})
		}
	}
	return ops
}

// TestTextAndNetlinkAgree loads the text of a table with nft, and commits the same table
// by netlink: nft must list both alike.
func TestTextAndNetlinkAgree(t *testing.T) {
	for name, table := range sampleTables() {
		t.Run(name, func(t *testing.T) {
			for _, c := range table.Chains {
				for _, r := range c.Rules {
					if err := r.Err(); err != nil {
						t.Error(err)
					}
				}
			}
			k := openKernel(t)
			nftTool(t, table.String(), "-f", "-")
			want := nftTool(t, "", "-s", "list", "ruleset")
			wantJSON := nftTool(t, "", "-j", "-s", "list", "ruleset")
			nftTool(t, "", "flush", "ruleset")
			if _, err := k.Commit(fresh(table)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, nftTool(t, "", "-s", "list", "ruleset")); diff != "" {
				t.Errorf("text (-) and netlink (+) differ:\n%s", diff)
			}
			gotJSON := nftTool(t, "", "-j", "-s", "list", "ruleset")
			if diff := cmp.Diff(withoutHandles(wantJSON), withoutHandles(gotJSON)); diff != "" {
				t.Errorf("the listings in JSON differ:\n%s", diff)
			}
		})
	}
}

// withoutHandles cuts the objects' handles out of a JSON listing: they depend on the order
// in which the objects were made.
func withoutHandles(json string) string {
	parts := strings.Split(json, `"handle": `)
	for i, p := range parts[1:] {
		parts[i+1] = strings.TrimLeft(p, "0123456789")
	}
	return strings.Join(parts, `"handle": `)
}

func prefix(s string) nft.Value { return nft.Net(netip.MustParsePrefix(s)) }
func addr(s string) nft.Value   { return nft.Addr(netip.MustParseAddr(s)) }

// element packs an element and has no errors.
func element(key nft.Key, values ...nft.Value) nft.Element {
	e, err := key.Element(values...)
	if err != nil {
		panic(err)
	}
	return e
}

func sampleTables() map[string]nft.Table {
	filter := func(rules ...nft.Rule) nft.Table {
		return nft.Table{Name: tableName, Chains: []nft.Chain{
			{Name: "forward", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward, Priority: -1, Policy: nft.Drop()}, Rules: rules},
			{Name: "other", Rules: []nft.Rule{nft.NewRule("a comment", nft.Return())}},
		}}
	}
	nat := func(rules ...nft.Rule) nft.Table {
		return nft.Table{Name: tableName, Chains: []nft.Chain{
			{Name: "post", Base: &nft.Base{Type: nft.NAT, Hook: nft.Postrouting, Priority: nft.PrioritySrcNAT, Policy: nft.Accept()}, Rules: rules},
		}}
	}
	tables := map[string]nft.Table{
		"meta":      filter(metaRules()...),
		"transport": filter(transportRules()...),
		"conntrack": filter(conntrackRules()...),
		"actions":   filter(actionRules()...),
		"nat":       nat(natRules()...),
		"sets":      setTable(),
	}
	for _, f := range family.All() {
		tables["addresses "+f.String()] = filter(addressRules(f)...)
	}
	return tables
}

func rule(s ...nft.Statement) nft.Rule { return nft.NewRule("", s...) }

func metaRules() []nft.Rule {
	return []nft.Rule{
		rule(nft.FamilyIs(family.V4), nft.Accept()),
		rule(nft.FamilyIs(family.V6), nft.Drop()),
		rule(nft.IIfName.Is(nft.Iface("cali*")), nft.Jump("other")),
		rule(nft.IIfName.Not(nft.Iface("cali*")), nft.Goto("other")),
		rule(nft.OIfName.Is(nft.Iface("cali12345678901")), nft.Accept()),
		rule(nft.OIfName.Not(nft.Iface("eth0")), nft.Accept()),
		rule(nft.IIfName.Is(nft.Iface("eth1"), nft.Iface("eth0")), nft.Accept()),
		rule(nft.IIfName.Not(nft.Iface("eth1"), nft.Iface("eth0")), nft.Accept()),
		rule(nft.Mark.Is(nft.Num(0x10000)), nft.Accept()),
		rule(nft.Mark.Is(nft.Num(0x10000), nft.Num(3)), nft.Accept()),
		rule(nft.MarkIs(0x10, 0xf0), nft.Accept()),
		rule(nft.SetMark{Value: 0x10, Mask: ^uint32(0)}, nft.Accept()),
		rule(nft.SetMark{Value: 0x1200, Mask: 0xff00}, nft.Accept()),
		rule(nft.SetMark{Value: 0, Mask: 0xff00}, nft.Accept()),
	}
}

func transportRules() []nft.Rule {
	tcp := nft.L4Proto.Is(nft.Num(6))
	rules := []nft.Rule{
		rule(tcp, nft.Accept()),
		rule(nft.L4Proto.Not(nft.Num(132)), nft.Accept()),
		rule(nft.L4Proto.Is(nft.Num(6), nft.Num(17)), nft.Accept()),
		rule(nft.L4Proto.Is(nft.Nums(6, 17)), nft.Accept()),
		rule(nft.L4Proto.Is(nft.Nums(6, 17), nft.Num(132)), nft.Accept()),
		rule(nft.L4Proto.Is(nft.Num(253)), nft.Accept()),
		rule(tcp, nft.DPort.Is(nft.Num(80)), nft.Accept()),
		rule(tcp, nft.DPort.Not(nft.Num(80)), nft.Accept()),
		rule(tcp, nft.DPort.Is(nft.Nums(80, 90)), nft.Accept()),
		rule(tcp, nft.SPort.Not(nft.Nums(80, 90)), nft.Accept()),
		rule(tcp, nft.DPort.Is(nft.Nums(0, 65535)), nft.Accept()),
		rule(tcp, nft.DPort.Is(nft.Num(443), nft.Nums(80, 90), nft.Nums(90, 91), nft.Num(92)), nft.Accept()),
		rule(tcp, nft.DPort.Is(nft.Num(443), nft.Nums(60000, 65535)), nft.Accept()),
		rule(tcp, nft.DPort.Not(nft.Num(443), nft.Num(80)), nft.Accept()),
		rule(nft.L4Proto.Is(nft.Num(6), nft.Num(17)), nft.DPort.Is(nft.Num(53)), nft.Accept()),
		rule(nft.L4Proto.Is(nft.Num(17)), nft.SPort.Is(nft.Num(68)), nft.DPort.Is(nft.Num(67)), nft.Accept()),
	}
	for _, f := range family.All() {
		rules = append(rules,
			rule(nft.ICMPType(f).Is(nft.Num(3)), nft.Accept()),
			rule(nft.ICMPType(f).Is(nft.Num(3)), nft.ICMPCode(f).Is(nft.Num(1)), nft.Accept()),
			rule(nft.ICMPType(f).Not(nft.Num(3)), nft.Accept()),
			rule(nft.ICMPType(f).Is(nft.Nums(1, 4), nft.Num(8)), nft.Accept()),
			rule(nft.ICMPType(f).Is(nft.Num(8), nft.Num(13)), nft.HopLimit(f).Is(nft.Num(255)), nft.Accept()),
			rule(nft.FamilyIs(f), nft.L4Proto.Is(nft.Num(6)), nft.HopLimit(f).Is(nft.Num(1)), nft.Accept()),
			rule(nft.FamilyIs(f), nft.ICMPType(f).Is(nft.Num(4)), nft.Accept()),
		)
	}
	return rules
}

func conntrackRules() []nft.Rule {
	return []nft.Rule{
		rule(nft.States(nft.Established|nft.Related), nft.Accept()),
		rule(nft.States(nft.Invalid), nft.Drop()),
		rule(nft.StateCases(nft.StateCase{State: nft.Established, Verdict: nft.Accept()},
			nft.StateCase{State: nft.Related, Verdict: nft.Jump("other")},
			nft.StateCase{State: nft.Invalid, Verdict: nft.Drop()})),
		rule(nft.HasStatus(nft.DestNAT), nft.Accept()),
		rule(nft.HasStatus(nft.DestNAT|nft.SourceNAT), nft.Accept()),
		rule(nft.NoStatus(nft.DestNAT|nft.SourceNAT), nft.Accept()),
		rule(nft.CTDAddr(family.V4).Is(addr("10.0.0.1")), nft.Accept()),
		rule(nft.CTSAddr(family.V4).Is(prefix("10.0.0.0/12")), nft.Accept()),
		rule(nft.CTSAddr(family.V6).Is(prefix("fd00::/8")), nft.Accept()),
		rule(nft.CTDAddr(family.V6).Not(addr("fd00::1")), nft.Accept()),
		rule(nft.Notrack{}),
		rule(nft.L4Proto.Is(nft.Num(17)), nft.DPort.Is(nft.Num(4789)), nft.VNI.Is(nft.Num(1<<24-2)), nft.Drop()),
	}
}

func actionRules() []nft.Rule {
	tcp := nft.L4Proto.Is(nft.Num(6))
	return []nft.Rule{
		nft.NewRule("counted", nft.Count(), nft.Accept()),
		nft.NewRule(`says "x" `+strings.Repeat("ü", 100), nft.Drop()),
		rule(nft.Log{Prefix: "dropped: ", Group: 3}),
		rule(nft.Log{Group: 1}),
		rule(nft.Log{Prefix: "calico-packet: "}, nft.Drop()),
		rule(nft.Log{}),
		rule(nft.Limit{Rate: 10, Burst: 5}, nft.Accept()),
		rule(nft.Limit{Rate: 100, Per: nft.Minute, Burst: 20, Over: true}, nft.Drop()),
		rule(nft.Reject{}),
		rule(nft.Reject{Admin: true}),
		rule(tcp, nft.Reject{TCPReset: true}),
	}
}

func natRules() []nft.Rule {
	udp := nft.L4Proto.Is(nft.Num(17))
	ports := nft.PortRange{First: 1024, Last: 4788}
	return []nft.Rule{
		rule(nft.Masquerade{}),
		rule(nft.FamilyIs(family.V6), nft.Masquerade{Random: true}),
		rule(udp, nft.Masquerade{Ports: ports, Random: true}),
		rule(udp, nft.Masquerade{Ports: nft.PortRange{First: 99, Last: 99}}),
		rule(nft.SAddr(family.V4).Is(prefix("10.0.0.0/8")), nft.SNAT{To: netip.MustParseAddr("1.2.3.4")}),
		rule(nft.SAddr(family.V4).Is(prefix("10.0.0.0/8")), udp, nft.SNAT{To: netip.MustParseAddr("1.2.3.4"), Ports: ports, Random: true}),
		rule(nft.SAddr(family.V6).Is(prefix("fd00::/8")), nft.SNAT{To: netip.MustParseAddr("fd00::1"), Random: true}),
		rule(nft.SAddr(family.V6).Is(prefix("fd00::/8")), udp, nft.SNAT{To: netip.MustParseAddr("fd00::1"), Ports: ports}),
	}
}

func addressRules(f family.Family) []nft.Rule {
	s := family.PairOf(
		[]string{"10.0.0.1", "10.0.0.7", "10.0.0.0/8", "10.0.0.0/9", "11.0.0.0/8", "255.0.0.0/8"},
		[]string{"fd00::1", "fd00::7", "fd00::/16", "fd00::/17", "fd01::/16", "ff00::/8"},
	).Get(f)
	a, b := addr(s[0]), addr(s[1])
	r := nft.AddrRange(netip.MustParseAddr(s[0]), netip.MustParseAddr(s[1]))
	src, dst := nft.SAddr(f), nft.DAddr(f)
	return []nft.Rule{
		rule(src.Is(a), nft.Accept()),
		rule(src.Not(a), nft.Accept()),
		rule(src.Is(a), dst.Is(b), nft.Accept()),
		rule(dst.Is(prefix(s[2])), nft.Accept()),
		rule(dst.Not(prefix(s[2])), nft.Accept()),
		rule(dst.Is(prefix(s[3])), nft.Accept()),
		rule(dst.Not(prefix(s[3])), nft.Accept()),
		rule(dst.Is(r), nft.Accept()),
		rule(dst.Not(r), nft.Accept()),
		rule(dst.Is(nft.Net(f.Any())), nft.Accept()),
		rule(src.Is(a, b), nft.Accept()),
		rule(src.Not(b, a), nft.Accept()),
		rule(src.Is(prefix(s[2]), prefix(s[4])), nft.Accept()),
		rule(src.Is(prefix(s[2]), prefix(s[5]), a), nft.Accept()),
		rule(src.Not(prefix(s[2]), prefix(s[5]), a), nft.Accept()),
		rule(src.Is(nft.Net(f.Any()), a), nft.Accept()),
		rule(nft.FamilyIs(f), src.Is(a), nft.Accept()),
	}
}

func setTable() nft.Table {
	t := nft.Table{Name: tableName, Elements: map[string][]nft.Element{}}
	var rules []nft.Rule
	add := func(s nft.Set, elements ...nft.Element) string {
		t.Sets = append(t.Sets, s)
		t.Elements[s.Name] = elements
		return s.Name
	}
	for _, f := range family.All() {
		at := nft.SAddr(f).Type()
		host := family.PairOf(addr("10.0.0.1"), addr("fd00::1")).Get(f)
		net := family.PairOf(netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/16")).Get(f)
		top := family.PairOf(netip.MustParsePrefix("255.255.0.0/16"), netip.MustParsePrefix("ffff::/16")).Get(f)
		v := func(kind string) string { return kind + map[family.Family]string{4: "4", 6: "6"}[f] }

		hosts := add(nft.Set{Name: v("hosts"), Key: nft.KeyOf(at)}, element(nft.KeyOf(at), host))
		empty := add(nft.Set{Name: v("empty"), Key: nft.KeyOf(at)})
		nets := add(nft.Set{Name: v("nets"), Key: nft.KeyOf(at), Interval: true}, nft.PrefixElement(net), nft.PrefixElement(top))
		all := add(nft.Set{Name: v("all"), Key: nft.KeyOf(at), Interval: true}, nft.PrefixElement(f.Any()))
		ports := nft.Fields(nft.DAddr(f), nft.L4Proto, nft.DPort)
		add(nft.Set{Name: v("ports"), Key: ports.Key()}, element(ports.Key(), host, nft.Num(6), nft.Num(80)))
		own := nft.Fields(nft.IIfName, nft.SAddr(f))
		add(nft.Set{Name: v("own"), Key: own.Key()}, element(own.Key(), nft.Iface("cali1"), host))
		rules = append(rules,
			rule(nft.SAddr(f).In(hosts), nft.DAddr(f).NotIn(empty), nft.Accept()),
			rule(nft.SAddr(f).NotIn(nets), nft.DAddr(f).In(all), nft.Accept()),
			rule(ports.In(v("ports")), nft.Accept()),
			rule(own.NotIn(v("own")), nft.Drop()),
		)
	}
	ifname := nft.KeyOf(nft.TypeIfName)
	add(nft.Set{Name: "marks", Key: nft.KeyOf(nft.TypeMark)}, element(nft.KeyOf(nft.TypeMark), nft.Num(0x10203)))
	add(nft.Set{Name: "ifaces", Key: ifname}, element(ifname, nft.Iface("eth0")))
	add(nft.Set{Name: "dispatch", Key: ifname, VMap: true},
		element(ifname, nft.Iface("cali1")).To(nft.Goto("other")),
		element(ifname, nft.Iface("cali2")).To(nft.Drop()))
	both := nft.KeyOf(nft.TypeIfName, nft.TypeProto)
	add(nft.Set{Name: "byproto", Key: both, VMap: true}, element(both, nft.Iface("cali1"), nft.Num(17)).To(nft.Jump("other")))
	rules = append(rules,
		rule(nft.IIfName.VMap("dispatch")), rule(nft.OIfName.In("ifaces"), nft.Accept()),
		rule(nft.Fields(nft.OIfName, nft.L4Proto).VMap("byproto")), rule(nft.Mark.In("marks"), nft.Accept()))
	t.Chains = []nft.Chain{
		{Name: "forward", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward, Priority: 0, Policy: nft.Accept()}, Rules: rules},
		{Name: "other"},
	}
	return t
}
