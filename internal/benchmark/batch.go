package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// kept are the top-level attributes of each message that also make sense in a request:
// names and contents, no handles and counts.
func kept(kind uint16) []uint16 {
	switch kind {
	case unix.NFT_MSG_NEWTABLE:
		return []uint16{unix.NFTA_TABLE_NAME}
	case unix.NFT_MSG_NEWCHAIN:
		return []uint16{unix.NFTA_CHAIN_TABLE, unix.NFTA_CHAIN_NAME, unix.NFTA_CHAIN_HOOK, unix.NFTA_CHAIN_POLICY, unix.NFTA_CHAIN_TYPE}
	case unix.NFT_MSG_DELCHAIN:
		return []uint16{unix.NFTA_CHAIN_TABLE, unix.NFTA_CHAIN_NAME}
	case unix.NFT_MSG_NEWRULE:
		return []uint16{unix.NFTA_RULE_TABLE, unix.NFTA_RULE_CHAIN, unix.NFTA_RULE_EXPRESSIONS, unix.NFTA_RULE_USERDATA}
	case unix.NFT_MSG_NEWSET:
		return []uint16{unix.NFTA_SET_TABLE, unix.NFTA_SET_NAME, unix.NFTA_SET_FLAGS, unix.NFTA_SET_KEY_TYPE, unix.NFTA_SET_KEY_LEN,
			unix.NFTA_SET_DATA_TYPE, unix.NFTA_SET_DATA_LEN, unix.NFTA_SET_DESC, unix.NFTA_SET_USERDATA}
	case unix.NFT_MSG_DELSET:
		return []uint16{unix.NFTA_SET_TABLE, unix.NFTA_SET_NAME}
	case unix.NFT_MSG_NEWSETELEM, unix.NFT_MSG_DELSETELEM:
		return []uint16{unix.NFTA_SET_ELEM_LIST_TABLE, unix.NFTA_SET_ELEM_LIST_SET, unix.NFTA_SET_ELEM_LIST_ELEMENTS}
	}
	return nil // rules that go have handles that nobody knows; generations are not for us
}

// longestList is how long a list of elements may become: the length of an attribute has
// 16 bits.
const longestList = 60000

// cleared is what makes room for a change to be replayed again where its way back cannot
// be: the chains that go are emptied and stay, as rules that nobody has a handle of lead to
// them; the sets that go do.
func cleared(o *observation) *observation {
	out := &observation{}
	for _, seen := range o.seen {
		var kept []byte
		for m := range messages(seen.data) {
			if kind := m.kind & 0xff; seen.protocol == unix.NETLINK_NETFILTER && (kind == unix.NFT_MSG_DELCHAIN || kind == unix.NFT_MSG_DELSET) {
				kept = appendMessage(kept, m)
			}
		}
		out.seen = append(out.seen, notification{protocol: seen.protocol, data: kept})
	}
	return out
}

// batch turns what was told of nftables into one transaction. Elements of one set that
// come one after another become one list, as any writer would have it.
func (r *replayer) batch(o *observation) []byte {
	marker := func(kind uint16) message {
		return message{kind: kind, payload: []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES}}
	}
	out := appendMessage(nil, marker(unix.NFNL_MSG_BATCH_BEGIN))
	n := uint32(0)
	put := func(m message) {
		n++
		m.seq = n
		out = appendMessage(out, m)
	}
	for _, m := range emptied(o) {
		put(m)
	}
	var list elementList
	for _, seen := range o.seen {
		if seen.protocol != unix.NETLINK_NETFILTER {
			continue
		}
		for m := range messages(seen.data) {
			if len(m.payload) < sizeofNfgenmsg || kept(m.kind&0xff) == nil || goesAlong(m) || r.keepChains && isEnd(m) {
				continue
			}
			if m, ok := list.take(m); ok {
				put(m)
			}
			if !isElements(m) {
				put(r.request(m, n+1))
			}
		}
	}
	if m, ok := list.rest(); ok {
		put(m)
	}
	if n == 0 {
		return nil
	}
	out = appendMessage(out, marker(unix.NFNL_MSG_BATCH_END))
	return renamed(out, r.run)
}

// emptied are requests to empty the chains that go: rules in them that lead to others would
// keep those from going.
func emptied(o *observation) []message {
	var out []message
	for _, seen := range o.seen {
		for m := range messages(seen.data) {
			if seen.protocol != unix.NETLINK_NETFILTER || m.kind&0xff != unix.NFT_MSG_DELCHAIN {
				continue
			}
			body := m.payload[sizeofNfgenmsg:]
			payload := slices.Clone(m.payload[:sizeofNfgenmsg])
			payload = appendAttribute(payload, unix.NFTA_RULE_TABLE, attribute(body, unix.NFTA_CHAIN_TABLE))
			payload = appendAttribute(payload, unix.NFTA_RULE_CHAIN, attribute(body, unix.NFTA_CHAIN_NAME))
			out = append(out, message{kind: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_DELRULE, payload: payload})
		}
	}
	return out
}

// isEnd says whether a message tells of a chain that goes.
func isEnd(m message) bool { return m.kind&0xff == unix.NFT_MSG_DELCHAIN }

// goesAlong says whether a message tells of an anonymous set that goes with its rule.
func goesAlong(m message) bool {
	return m.kind&0xff == unix.NFT_MSG_DELSET && isAnonymous(text(attribute(m.payload[sizeofNfgenmsg:], nameOfSet)))
}

// request is a notification as a request. id names a set within the batch.
func (r *replayer) request(m message, id uint32) message {
	kind := m.kind & 0xff
	out := message{kind: m.kind, payload: slices.Clone(m.payload[:sizeofNfgenmsg])}
	for k, v := range attributes(m.payload[sizeofNfgenmsg:]) {
		if slices.Contains(kept(kind), k) {
			out.payload = appendAttribute(out.payload, nested(kind, k), v)
		}
	}
	switch kind {
	case unix.NFT_MSG_NEWRULE:
		out.flags = unix.NLM_F_CREATE | unix.NLM_F_APPEND
	case unix.NFT_MSG_NEWSET:
		out.payload = appendAttribute(out.payload, unix.NFTA_SET_ID, binary.BigEndian.AppendUint32(nil, id))
		out.flags = unix.NLM_F_CREATE
	case unix.NFT_MSG_NEWTABLE, unix.NFT_MSG_NEWCHAIN, unix.NFT_MSG_NEWSETELEM:
		out.flags = unix.NLM_F_CREATE
	}
	return out
}

// nested marks attributes that hold others, which the kernel insists on.
func nested(kind, attribute uint16) uint16 {
	switch {
	case kind == unix.NFT_MSG_NEWCHAIN && attribute == unix.NFTA_CHAIN_HOOK,
		kind == unix.NFT_MSG_NEWRULE && attribute == unix.NFTA_RULE_EXPRESSIONS,
		kind == unix.NFT_MSG_NEWSET && attribute == unix.NFTA_SET_DESC:
		return attribute | unix.NLA_F_NESTED
	}
	return attribute
}

// renamed gives anonymous sets names that no replay before has used: the kernel's own
// numbers are taken by the sets that they were given to. The length stays.
func renamed(batch []byte, run int) []byte {
	tag := fmt.Sprintf("%03d", run%1000)
	s := strings.ReplaceAll(string(batch), "\x00__set", "\x00"+"_"+tag+"t")
	s = strings.ReplaceAll(s, "\x00__map", "\x00"+"_"+tag+"p")
	return []byte(s)
}

func isElements(m message) bool {
	kind := m.kind & 0xff
	return kind == unix.NFT_MSG_NEWSETELEM || kind == unix.NFT_MSG_DELSETELEM
}

// elementList gathers elements that can go in one message.
type elementList struct {
	kind     uint16
	head     []byte // struct nfgenmsg
	table    []byte
	set      []byte
	elements []byte
}

// take adds a message's elements, and returns what was gathered before if they are not of
// the same kind.
func (l *elementList) take(m message) (message, bool) {
	if !isElements(m) {
		return l.rest()
	}
	body := m.payload[sizeofNfgenmsg:]
	set, elements := attribute(body, unix.NFTA_SET_ELEM_LIST_SET), attribute(body, unix.NFTA_SET_ELEM_LIST_ELEMENTS)
	var before message
	flush := l.kind != m.kind || text(l.set) != text(set) || len(l.elements)+len(elements) > longestList
	ok := false
	if flush {
		before, ok = l.rest()
		*l = elementList{kind: m.kind, head: m.payload[:sizeofNfgenmsg], table: attribute(body, unix.NFTA_SET_ELEM_LIST_TABLE), set: set}
	}
	l.elements = append(l.elements, elements...)
	return before, ok
}

// rest is what is left.
func (l *elementList) rest() (message, bool) {
	if len(l.elements) == 0 {
		return message{}, false
	}
	m := message{kind: l.kind, payload: slices.Clone(l.head)}
	if l.kind&0xff == unix.NFT_MSG_NEWSETELEM {
		m.flags = unix.NLM_F_CREATE
	}
	m.payload = appendAttribute(m.payload, unix.NFTA_SET_ELEM_LIST_TABLE, l.table)
	m.payload = appendAttribute(m.payload, unix.NFTA_SET_ELEM_LIST_SET, l.set)
	m.payload = appendAttribute(m.payload, unix.NFTA_SET_ELEM_LIST_ELEMENTS|unix.NLA_F_NESTED, l.elements)
	*l = elementList{}
	return m, true
}

// routesOf are the routes told of, as requests.
func routesOf(o *observation) []message {
	var out []message
	for _, n := range o.seen {
		if n.protocol != unix.NETLINK_ROUTE || !n.relevant() {
			continue
		}
		for m := range messages(n.data) {
			payload := slices.Clone(m.payload)
			flags := binary.NativeEndian.Uint32(payload[8:]) & unix.RTNH_F_ONLINK
			binary.NativeEndian.PutUint32(payload[8:], flags)
			request := message{kind: m.kind, seq: uint32(len(out) + 1), payload: payload}
			if m.kind == unix.RTM_NEWROUTE {
				request.flags = unix.NLM_F_CREATE | unix.NLM_F_REPLACE
			}
			out = append(out, request)
		}
	}
	return out
}
