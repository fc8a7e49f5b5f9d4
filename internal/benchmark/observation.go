package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// observation is what notifications tell.
type observation struct {
	seen []notification
	// last is when the last of them was read.
	last instant
	// rules, chains, sets, and setsGone are how many came and went.
	rules, chains, sets, setsGone int
	// elements tells when each key was mentioned last as an element that came or went,
	// and how many keys of each length there were, those of anonymous sets apart.
	elements map[string]instant
	lengths  map[int]int
	names    []string // of chains that came or went, and of those that rules did in
	routes   map[netip.Prefix]bool
}

// The top-level attributes of nf_tables' messages that name things (nf_tables.h).
const (
	nameOfChain   = unix.NFTA_CHAIN_NAME
	nameOfRule    = unix.NFTA_RULE_CHAIN
	nameOfSet     = unix.NFTA_SET_NAME
	setOfElements = unix.NFTA_SET_ELEM_LIST_SET
)

const sizeofNfgenmsg = 4

// observe reads notifications.
func observe(seen []notification) *observation {
	o := &observation{seen: seen, elements: map[string]instant{}, lengths: map[int]int{}, routes: map[netip.Prefix]bool{}}
	for _, n := range seen {
		o.last = max(o.last, n.at)
		for m := range messages(n.data) {
			if n.protocol == unix.NETLINK_ROUTE {
				o.route(m)
			} else if len(m.payload) >= sizeofNfgenmsg {
				o.object(m, n.at)
			}
		}
	}
	return o
}

func (o *observation) object(m message, at instant) {
	body := m.payload[sizeofNfgenmsg:]
	switch m.kind & 0xff {
	case unix.NFT_MSG_NEWRULE:
		o.rules++
		o.name(attribute(body, nameOfRule))
	case unix.NFT_MSG_DELRULE:
		o.name(attribute(body, nameOfRule))
	case unix.NFT_MSG_NEWCHAIN:
		o.chains++
		o.name(attribute(body, nameOfChain))
	case unix.NFT_MSG_DELCHAIN:
		o.name(attribute(body, nameOfChain))
	case unix.NFT_MSG_NEWSET:
		o.sets++
	case unix.NFT_MSG_DELSET:
		o.setsGone++
	case unix.NFT_MSG_NEWSETELEM, unix.NFT_MSG_DELSETELEM:
		if isAnonymous(text(attribute(body, setOfElements))) {
			return
		}
		for _, element := range attributes(attribute(body, unix.NFTA_SET_ELEM_LIST_ELEMENTS)) {
			key := attribute(attribute(element, unix.NFTA_SET_ELEM_KEY), unix.NFTA_DATA_VALUE)
			o.elements[string(key)] = at
			o.lengths[len(key)]++
		}
	}
}

// isAnonymous says whether a set has the name that the kernel gives those without one.
func isAnonymous(name string) bool {
	return strings.HasPrefix(name, "__set") || strings.HasPrefix(name, "__map")
}

// name remembers a chain's name; rules of one chain come one after another.
func (o *observation) name(v []byte) {
	if name := text(v); len(o.names) == 0 || o.names[len(o.names)-1] != name {
		o.names = append(o.names, name)
	}
}

func (o *observation) route(m message) {
	if len(m.payload) < unix.SizeofRtMsg {
		return
	}
	address, ok := netip.AddrFromSlice(attribute(m.payload[unix.SizeofRtMsg:], unix.RTA_DST))
	if ok {
		o.routes[netip.PrefixFrom(address, int(m.payload[1]))] = m.kind == unix.RTM_NEWROUTE
	}
}

// routed says whether the last word on a destination was that there is a route, or none.
func (o *observation) routed(p netip.Prefix, there bool) bool {
	is, known := o.routes[p]
	return known && is == there
}

// hasElement says whether an element with this key has come or gone.
func (o *observation) hasElement(key []byte) bool {
	_, ok := o.elements[string(key)]
	return ok
}

// mentionsElement says whether an element whose key holds a name has come or gone.
func (o *observation) mentionsElement(name string) bool {
	for key := range o.elements {
		if bytes.Contains([]byte(key), []byte(name)) {
			return true
		}
	}
	return false
}

func (o *observation) mentionsChain(part string) bool {
	for _, name := range o.names {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// elementsOf is how many elements that are an address of a family have come or gone.
func (o *observation) elementsOf(f family.Family) int { return o.lengths[f.Bits()/8] }

// String is for errors.
func (o *observation) String() string {
	return fmt.Sprintf("saw %d datagrams: %d chains, %d rules, %d sets, %d keys, %d routes; %d sets gone",
		len(o.seen), o.chains, o.rules, o.sets, len(o.elements), len(o.routes), o.setsGone)
}
