package main

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// object is a notification of one nf_tables message.
func object(at instant, kind uint16, attributes ...[]byte) notification {
	m := message{kind: unix.NFNL_SUBSYS_NFTABLES<<8 | kind, payload: []byte{unix.NFPROTO_INET, 0, 0, 0}}
	for _, a := range attributes {
		m.payload = append(m.payload, a...)
	}
	return notification{at: at, protocol: unix.NETLINK_NETFILTER, data: appendMessage(nil, m)}
}

func named(kind uint16, name string) []byte { return appendAttribute(nil, kind, []byte(name+"\x00")) }

func elements(set string, keys ...string) [][]byte {
	var list []byte
	for _, key := range keys {
		value := appendAttribute(nil, unix.NFTA_DATA_VALUE, []byte(key))
		list = appendAttribute(list, unix.NFTA_LIST_ELEM, appendAttribute(nil, unix.NFTA_SET_ELEM_KEY, value))
	}
	return [][]byte{named(unix.NFTA_SET_ELEM_LIST_SET, set), appendAttribute(nil, unix.NFTA_SET_ELEM_LIST_ELEMENTS, list)}
}

func TestObservationTellsWhatWasSeen(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.0.0.1").AsSlice(), netip.MustParseAddr("fd00::1").AsSlice()
	o := observe([]notification{
		object(10, unix.NFT_MSG_NEWCHAIN, named(unix.NFTA_CHAIN_NAME, "cali-pi-shop/web")),
		object(20, unix.NFT_MSG_NEWRULE, named(unix.NFTA_RULE_CHAIN, "cali-tw-cali1")),
		object(30, unix.NFT_MSG_NEWSETELEM, elements("members", string(v4), string(v6))...),
		object(40, unix.NFT_MSG_NEWSETELEM, elements("pods", "cali1\x00\x00\x00")...),
		object(50, unix.NFT_MSG_NEWSETELEM, elements("__set7", "\x00\x50")...),
		object(60, unix.NFT_MSG_NEWSETELEM, elements("others", string(v4))...),
		object(70, unix.NFT_MSG_NEWGEN),
	})
	for _, c := range []struct {
		what string
		ok   bool
	}{
		{"the last is the generation", o.last == 70},
		{"one chain, one rule", o.chains == 1 && o.rules == 1},
		{"a policy's chain", o.mentionsChain("shop/web") && !o.mentionsChain("shop/db")},
		{"a rule's chain", o.mentionsChain("cali-tw-cali1")},
		{"elements of either family", o.hasElement(v4) && o.hasElement(v6)},
		{"when an element came last", o.elements[string(v4)] == 60 && o.elements[string(v6)] == 30},
		{"how many of each family", o.elementsOf(family.V4) == 2 && o.elementsOf(family.V6) == 1},
		{"an interface in a key", o.mentionsElement("cali1") && !o.mentionsElement("cali2")},
		{"no elements of anonymous sets", !o.hasElement([]byte("\x00\x50"))},
	} {
		if !c.ok {
			t.Errorf("not: %s; %v", c.what, o)
		}
	}
}

func route(kind uint16, table, protocol byte, p netip.Prefix) notification {
	payload := make([]byte, unix.SizeofRtMsg)
	payload[0], payload[1], payload[4], payload[5] = unix.AF_INET, byte(p.Bits()), table, protocol
	payload = appendAttribute(payload, unix.RTA_DST, p.Addr().AsSlice())
	return notification{protocol: unix.NETLINK_ROUTE, data: appendMessage(nil, message{kind: kind, payload: payload})}
}

func TestTheLastWordOnARouteCounts(t *testing.T) {
	for _, p := range []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("fd00::1/128")} {
		there, gone := route(unix.RTM_NEWROUTE, unix.RT_TABLE_MAIN, 3, p), route(unix.RTM_DELROUTE, unix.RT_TABLE_MAIN, 3, p)
		if o := observe([]notification{gone, there}); !o.routed(p, true) || o.routed(p, false) {
			t.Errorf("%v: gone and there again is not there", p)
		}
		if o := observe([]notification{there, gone}); o.routed(p, true) || !o.routed(p, false) {
			t.Errorf("%v: there and gone is not gone", p)
		}
		if o := observe(nil); o.routed(p, true) || o.routed(p, false) {
			t.Errorf("%v: known though nobody spoke of it", p)
		}
	}
}

func TestTheKernelsOwnRoutesDoNotMatter(t *testing.T) {
	p := netip.MustParsePrefix("fe80::/64")
	for _, c := range []struct {
		table, protocol byte
		want            bool
	}{
		{unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, true},
		{unix.RT_TABLE_MAIN, unix.RTPROT_KERNEL, false},
		{unix.RT_TABLE_MAIN, unix.RTPROT_RA, false},
		{unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT, false},
	} {
		if got := route(unix.RTM_NEWROUTE, c.table, c.protocol, p).relevant(); got != c.want {
			t.Errorf("table %d, protocol %d: %t, want %t", c.table, c.protocol, got, c.want)
		}
	}
}

func TestElementsOfOneSetBecomeOneMessage(t *testing.T) {
	var r replayer
	count := func(seen ...notification) map[uint16]int {
		kinds := map[uint16]int{}
		for m := range messages(r.batch(&observation{seen: seen})) {
			kinds[m.kind&0xff]++
		}
		return kinds
	}
	element := func(set, key string) notification {
		return object(0, unix.NFT_MSG_NEWSETELEM, elements(set, key)...)
	}
	if got := count(element("a", "1111"), element("a", "2222"), element("b", "1111"))[unix.NFT_MSG_NEWSETELEM]; got != 2 {
		t.Errorf("elements of two sets are %d messages", got)
	}
	var many []notification
	for range 5000 {
		many = append(many, element("a", "1111"))
	}
	if got := count(many...)[unix.NFT_MSG_NEWSETELEM]; got != 2 {
		t.Errorf("5000 elements of 20 bytes are %d messages: a list has at most 60,000 bytes", got)
	}
	if got := r.batch(&observation{}); got != nil {
		t.Errorf("nothing is a batch of %d bytes", len(got))
	}
}

func TestTruncatedMessagesAreNoPanic(t *testing.T) {
	whole := object(0, unix.NFT_MSG_NEWSETELEM, elements("members", "1111")...)
	for n := range whole.data {
		cut := whole
		cut.data = whole.data[:n]
		observe([]notification{cut})
	}
}
