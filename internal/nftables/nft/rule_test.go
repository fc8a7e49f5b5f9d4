package nft

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/margay-net/margay/internal/family"
	"pgregory.net/rapid"
)

func addr(s string) Value { return Addr(netip.MustParseAddr(s)) }
func net(s string) Value  { return Net(netip.MustParsePrefix(s)) }

// TestRuleText: rules read as nft would have them written.
func TestRuleText(t *testing.T) {
	tcp := L4Proto.Is(Num(6))
	for _, c := range []struct {
		want string
		rule Rule
	}{
		{`accept`, NewRule("", Accept())},
		{`counter drop comment "why"`, NewRule("why", Count(), Drop())},
		{`meta nfproto ipv6 jump c`, NewRule("", FamilyIs(family.V6), Jump("c"))},
		{`iifname "cali*" goto c`, NewRule("", IIfName.Is(Iface("cali*")), Goto("c"))},
		{`iifname != "cali*" return`, NewRule("", IIfName.Not(Iface("cali*")), Return())},
		{`oifname { "a", "b" } accept`, NewRule("", OIfName.Is(Iface("b"), Iface("a"), Iface("b")), Accept())},
		{`ct state established,related accept`, NewRule("", States(Established|Related), Accept())},
		{`ct state vmap { established : accept, invalid : drop }`, NewRule("", StateCases(StateCase{Established, Accept()}, StateCase{Invalid, Drop()}))},
		{`ct status snat,dnat accept`, NewRule("", HasStatus(SourceNAT|DestNAT), Accept())},
		{`ct status & (snat|dnat) == 0 accept`, NewRule("", NoStatus(SourceNAT|DestNAT), Accept())},
		{`ct original ip6 daddr fd00::1 accept`, NewRule("", CTDAddr(family.V6).Is(addr("fd00::1")), Accept())},
		{`ip saddr 10.0.0.0/8 ip daddr != 10.0.0.1 drop`, NewRule("", SAddr(family.V4).Is(net("10.0.0.0/8")), DAddr(family.V4).Not(addr("10.0.0.1")), Drop())},
		{`ip saddr { 10.0.0.0/8, 12.0.0.1 } drop`, NewRule("", SAddr(family.V4).Is(addr("12.0.0.1"), net("10.1.0.0/16"), net("10.0.0.0/8")), Drop())},
		{`ip saddr 10.0.0.0/7 drop`, NewRule("", SAddr(family.V4).Is(net("11.0.0.0/8"), net("10.0.0.0/8")), Drop())},
		{`ip6 saddr fd00::1-fd00::7 drop`, NewRule("", SAddr(family.V6).Is(AddrRange(netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::7"))), Drop())},
		{`ip saddr @s accept`, NewRule("", SAddr(family.V4).In("s"), Accept())},
		{`iifname . ip saddr != @s drop`, NewRule("", Fields(IIfName, SAddr(family.V4)).NotIn("s"), Drop())},
		{`iifname vmap @m`, NewRule("", IIfName.VMap("m"))},
		{`meta l4proto tcp th dport { 80-91, 443 } accept`, NewRule("", tcp, DPort.Is(Num(443), Nums(80, 90), Num(91)), Accept())},
		{`meta l4proto { tcp, udp } th sport 53 accept`, NewRule("", L4Proto.Is(Num(17), Num(6)), SPort.Is(Num(53)), Accept())},
		{`icmpv6 type { 133, 135 } ip6 hoplimit 255 accept`, NewRule("", ICMPType(family.V6).Is(Num(135), Num(133)), HopLimit(family.V6).Is(Num(255)), Accept())},
		{`icmp type 3 icmp code 4 accept`, NewRule("", ICMPType(family.V4).Is(Num(3)), ICMPCode(family.V4).Is(Num(4)), Accept())},
		{`ip ttl 1 drop`, NewRule("", HopLimit(family.V4).Is(Num(1)), Drop())},
		{`meta mark 0x00000010 accept`, NewRule("", Mark.Is(Num(16)), Accept())},
		{`meta mark & 0x000000f0 == 0x00000010 accept`, NewRule("", MarkIs(0x10, 0xf0), Accept())},
		{`meta mark set meta mark & 0xffffff0f | 0x00000010`, NewRule("", SetMark{Value: 0x10, Mask: 0xf0})},
		{`limit rate 10/minute burst 5 packets log prefix "p" group 2`, NewRule("", Limit{Rate: 10, Per: Minute, Burst: 5}, Log{Prefix: "p", Group: 2})},
		{`meta l4proto udp masquerade to :1-4788 fully-random`, NewRule("", L4Proto.Is(Num(17)), Masquerade{Ports: PortRange{1, 4788}, Random: true})},
		{`ip6 saddr fd00::1 meta l4proto tcp snat ip6 to [fd00::2]:5`, NewRule("", SAddr(family.V6).Is(addr("fd00::1")), tcp, SNAT{To: netip.MustParseAddr("fd00::2"), Ports: PortRange{5, 5}})},
		{`meta l4proto tcp reject with tcp reset`, NewRule("", tcp, Reject{TCPReset: true})},
		{`notrack`, NewRule("", Notrack{})},
		{`meta l4proto udp th dport 4789 @th,96,24 4096 drop`, NewRule("", L4Proto.Is(Num(17)), DPort.Is(Num(4789)), VNI.Is(Num(4096)), Drop())},
	} {
		if got := c.rule.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if err := c.rule.Err(); err != nil {
			t.Error(err)
		}
	}
}

// TestRuleErr: what nft or the kernel would refuse, or would do something else than it
// says, is found before.
func TestRuleErr(t *testing.T) {
	for want, r := range map[string]Rule{
		"without statements":          NewRule("only a comment"),
		"a statement after the end":   NewRule("", Accept(), Count()),
		"nothing to compare with":     NewRule("", SAddr(family.V4).Is(), Accept()),
		"fd00::1 is no ipv4_addr":     NewRule("", SAddr(family.V4).Is(addr("fd00::1")), Accept()),
		"70000 is no inet_service":    NewRule("", L4Proto.Is(Num(6)), DPort.Is(Num(70000)), Accept()),
		"90-80 is no inet_service":    NewRule("", L4Proto.Is(Num(6)), DPort.Is(Nums(90, 80)), Accept()),
		"256 is no inet_proto":        NewRule("", L4Proto.Is(Num(256)), Accept()),
		"is no ifname":                NewRule("", IIfName.Is(Iface("a-name-of-16-byt")), Accept()),
		"in a set":                    NewRule("", IIfName.Is(Iface("a*"), Iface("b")), Accept()),
		"in its own byte order":       NewRule("", Mark.Is(Nums(1, 5)), Accept()),
		"th dport before meta l4prot": NewRule("", DPort.Is(Num(80)), Accept()),
		"ports 1-2 before meta l4pro": NewRule("", Masquerade{Ports: PortRange{1, 2}}),
		"ports 2-1":                   NewRule("", L4Proto.Is(Num(6)), Masquerade{Ports: PortRange{2, 1}}),
		"not one of its family":       NewRule("", SNAT{To: netip.MustParseAddr("10.0.0.1")}),
		"the rule matches nothing":    NewRule("", SAddr(family.V4).In("s"), DAddr(family.V6).In("t"), Accept()),
		"match the family first":      NewRule("", L4Proto.Is(Num(58)), ICMPType(family.V6).Is(Num(1)), Accept()),
		"limit rate 0":                NewRule("", Limit{Burst: 5}),
		"no chain":                    NewRule("", Jump("")),
		"tcp reset before":            NewRule("", Reject{TCPReset: true}),
		"the range is empty":          NewRule("", SAddr(family.V4).Is(AddrRange(netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.1"))), Drop()),
	} {
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", r, err, want)
		}
	}
}

// TestOnly: a rule is confined to a family by its own match where it has one.
func TestOnly(t *testing.T) {
	for _, f := range family.All() {
		for _, r := range []Rule{
			NewRule("", SAddr(f).In("s"), Drop()),
			NewRule("", IIfName.Is(Iface("x")), ICMPType(f).Is(Num(1)), Drop()),
			NewRule("", FamilyIs(f), Drop()),
			NewRule("", Fields(IIfName, DAddr(f)).NotIn("s"), Drop()),
			NewRule("", CTSAddr(f).Not(Net(f.Any())), Drop()),
		} {
			if r.Family() != f || r.Only(f).String() != r.String() {
				t.Errorf("%s: of %v, confined: %s", r, r.Family(), r.Only(f))
			}
		}
		r := NewRule("x", Accept())
		if only := r.Only(f); only.Family() != f || r.Family() != 0 || !strings.HasPrefix(only.String(), "meta nfproto") {
			t.Errorf("%s, and before %s", only, r)
		}
		// Not of this family is not the same as of the other: there are others.
		if r := NewRule("", NFProto.Not(Num(2)), Drop()); r.Family() != 0 {
			t.Errorf("%s: of %v", r, r.Family())
		}
	}
}

func TestReferences(t *testing.T) {
	r := NewRule("", SAddr(family.V4).In("a"), Fields(IIfName, DAddr(family.V4)).NotIn("b"), DAddr(family.V4).In("a"),
		StateCases(StateCase{New, Jump("c")}, StateCase{Related, Goto("d")}))
	if got := strings.Join(r.Sets(), " "); got != "a b" {
		t.Errorf("sets: %s", got)
	}
	if got := strings.Join(r.Chains(), " "); got != "c d" {
		t.Errorf("chains: %s", got)
	}
	if got := NewRule("", Jump("x")).Chains(); len(got) != 1 || got[0] != "x" {
		t.Errorf("chains: %s", got)
	}
}

// TestComment: whatever is given as comment, nft can read it, and its length is nft's.
func TestComment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := comment(rapid.String().Draw(t, "comment"))
		if len(c) > maxText || !utf8.ValidString(c) || strings.ContainsAny(c, "\"\n\x00") || comment(c) != c {
			t.Fatalf("%q", c)
		}
	})
	for in, want := range map[string]string{
		`say "x"`:                 `say 'x'`,
		"a\nb":                    "a?b",
		strings.Repeat("ü", 70):   strings.Repeat("ü", 63),
		strings.Repeat("x", 1000): strings.Repeat("x", 127),
		"policy ns/name":          "policy ns/name",
	} {
		if got := comment(in); got != want {
			t.Errorf("comment(%q) = %q", in, got)
		}
	}
}

// TestHash: a hash depends on everything that the text says, and on nothing else.
func TestHash(t *testing.T) {
	a, b := NewRule("x", Accept()), NewRule("x", Accept())
	if a.Hash() != b.Hash() {
		t.Error("equal rules, different hashes")
	}
	for _, c := range []Rule{NewRule("y", Accept()), NewRule("x", Drop()), NewRule("x", Count(), Accept())} {
		if c.Hash() == a.Hash() {
			t.Errorf("%s and %s have one hash", a, c)
		}
	}
	if text := a.Hash().String(); len(text) != 32 {
		t.Error(text)
	}
}
