package nft

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/margay-net/margay/internal/family"
)

// Statement is one step of a rule: a Match, something done to the packet, or a Verdict.
// Its methods are private, so that the set of statements is closed.
type Statement interface {
	appendText(b []byte) []byte
	encode(e *encoder)
	check(s *seen) error
}

// seen is what the statements before this one have established about the packet.
type seen struct {
	l4proto bool
	family  family.Family
	ended   bool
}

// Verdict ends a rule.
type Verdict struct {
	kind  verdictKind
	chain string
}

type verdictKind int8

// The kernel's numbers (NF_DROP, NF_ACCEPT; nf_tables.h, enum nft_verdicts).
const (
	verdictDrop   verdictKind = 0
	verdictAccept verdictKind = 1
	verdictJump   verdictKind = -3
	verdictGoto   verdictKind = -4
	verdictReturn verdictKind = -5
)

// Accept ends the base chain; later base chains on the hook still see the packet.
func Accept() Verdict { return Verdict{kind: verdictAccept} }

// Drop ends the packet. It is also the zero Verdict.
func Drop() Verdict { return Verdict{kind: verdictDrop} }

// Return goes back to the rule after the jump; in a base chain, to its policy.
func Return() Verdict { return Verdict{kind: verdictReturn} }

// Jump goes to a chain, and comes back when that returns or ends. At most 15 jumps deep
// (the kernel's NFT_JUMP_STACK_SIZE is 16).
func Jump(chain string) Verdict { return Verdict{kind: verdictJump, chain: chain} }

// Goto goes to a chain and does not come back to this one.
func Goto(chain string) Verdict { return Verdict{kind: verdictGoto, chain: chain} }

// Target is the chain that the verdict leads to, or "".
func (v Verdict) Target() string { return v.chain }

// String is the verdict as nft writes it.
func (v Verdict) String() string {
	switch v.kind {
	case verdictDrop:
		return "drop"
	case verdictAccept:
		return "accept"
	case verdictReturn:
		return "return"
	case verdictJump:
		return "jump " + v.chain
	case verdictGoto:
		return "goto " + v.chain
	}
	return "verdict " + strconv.Itoa(int(v.kind))
}

func (v Verdict) appendText(b []byte) []byte { return append(b, v.String()...) }

func (v Verdict) check(s *seen) error {
	s.ended = true
	if (v.kind == verdictJump || v.kind == verdictGoto) && v.chain == "" {
		return fmt.Errorf("%s: no chain", v)
	}
	return nil
}

// Counter counts packets and bytes.
type Counter struct{}

// Count is a Counter.
func Count() Counter { return Counter{} }

func (Counter) appendText(b []byte) []byte { return append(b, "counter"...) }
func (Counter) check(*seen) error          { return nil }

// Log hands the packet to the kernel's log (Group 0), or to a listener on an nflog group.
type Log struct {
	// Prefix is at most 127 bytes (NF_LOG_PREFIXLEN); the rest is cut off.
	Prefix string
	// Group is the nflog group; 0 is the kernel's own log, which has no group.
	Group uint16
}

func (l Log) appendText(b []byte) []byte {
	b = append(b, "log"...)
	if l.Prefix != "" {
		b = append(b, " prefix "+quote(l.Prefix)...)
	}
	if l.Group != 0 {
		b = append(b, " group "+strconv.Itoa(int(l.Group))...)
	}
	return b
}

func (Log) check(*seen) error { return nil }

// Limit matches as long as packets come no faster than the rate, or with Over, when they
// do.
type Limit struct {
	Rate uint64
	// Per is the unit of time: Second, Minute, Hour or Day. The zero value is Second.
	Per Unit
	// Burst is how many packets may come at once; nft's own default is 5.
	Burst uint32
	Over  bool
}

// Unit is a unit of time in seconds, as the kernel counts it.
type Unit uint64

// The units that nft has names for.
const (
	Second Unit = 1
	Minute Unit = 60
	Hour   Unit = 60 * 60
	Day    Unit = 24 * 60 * 60
)

func (u Unit) String() string {
	switch u {
	case 0, Second:
		return "second"
	case Minute:
		return "minute"
	case Hour:
		return "hour"
	case Day:
		return "day"
	}
	return "invalid"
}

func (l Limit) appendText(b []byte) []byte {
	over := ""
	if l.Over {
		over = "over "
	}
	return fmt.Appendf(b, "limit rate %s%d/%s burst %d packets", over, l.Rate, l.Per, l.Burst)
}

func (l Limit) check(*seen) error {
	if l.Rate == 0 || l.Burst == 0 || l.Per.String() == "invalid" {
		return fmt.Errorf("limit rate %d/%s burst %d", l.Rate, l.Per, l.Burst)
	}
	return nil
}

// PortRange is a range of transport ports, both ends included. The zero value is none.
type PortRange struct{ First, Last uint16 }

func (r PortRange) text() string {
	switch {
	case r == PortRange{}:
		return ""
	case r.First == r.Last:
		return ":" + strconv.Itoa(int(r.First))
	}
	return ":" + strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}

func (r PortRange) check(s *seen) error {
	switch {
	case r == PortRange{}:
		return nil
	case r.First > r.Last || r.First == 0:
		return fmt.Errorf("ports %d-%d", r.First, r.Last)
	case !s.l4proto:
		return fmt.Errorf("ports %d-%d before meta l4proto", r.First, r.Last)
	}
	return nil
}

// Masquerade gives the packet the address of the interface it leaves by. Only in a nat
// chain on postrouting. It serves both families.
type Masquerade struct {
	// Ports are the source ports to choose from; the rule must look at L4Proto first.
	Ports PortRange
	// Random chooses the source port at random rather than keeping it (fully-random).
	Random bool
}

func (m Masquerade) appendText(b []byte) []byte {
	b = append(b, "masquerade"...)
	if p := m.Ports.text(); p != "" {
		b = append(b, " to "+p...)
	}
	return appendRandom(b, m.Random)
}

func (m Masquerade) check(s *seen) error { s.ended = true; return m.Ports.check(s) }

func appendRandom(b []byte, random bool) []byte {
	if random {
		b = append(b, " fully-random"...)
	}
	return b
}

// SNAT gives the packet a source address. The rule must be one of the address's family.
type SNAT struct {
	To     netip.Addr
	Ports  PortRange
	Random bool
}

func (n SNAT) appendText(b []byte) []byte {
	header := protocolOf(family.Of(n.To)).header
	to := n.To.String()
	ports := n.Ports.text()
	if ports != "" && n.To.Is6() {
		to = "[" + to + "]"
	}
	return appendRandom(append(b, "snat "+header+" to "+to+ports...), n.Random)
}

func (n SNAT) check(s *seen) error {
	s.ended = true
	if f := family.Of(n.To); f == 0 || s.family != f {
		return fmt.Errorf("snat to %s in a rule that is not one of its family", n.To)
	}
	return n.Ports.check(s)
}

// SetMark sets the bits of the packet's mark that are in Mask to those of Value.
type SetMark struct{ Value, Mask uint32 }

func (m SetMark) appendText(b []byte) []byte {
	if m.Mask == ^uint32(0) {
		return fmt.Appendf(b, "meta mark set 0x%08x", m.Value)
	}
	return fmt.Appendf(b, "meta mark set meta mark & 0x%08x | 0x%08x", ^m.Mask, m.Value&m.Mask)
}

func (SetMark) check(*seen) error { return nil }

// Reject drops the packet and says so to the sender: a TCP reset, or an ICMP error of the
// packet's own family.
type Reject struct {
	// TCPReset answers with a reset; the rule must match TCP.
	TCPReset bool
	// Admin says "administratively prohibited" instead of "port unreachable".
	Admin bool
}

func (r Reject) appendText(b []byte) []byte {
	switch {
	case r.TCPReset:
		return append(b, "reject with tcp reset"...)
	case r.Admin:
		return append(b, "reject with icmpx admin-prohibited"...)
	}
	return append(b, "reject"...)
}

func (r Reject) check(s *seen) error {
	s.ended = true
	if r.TCPReset && !s.l4proto {
		return fmt.Errorf("reject with tcp reset before meta l4proto")
	}
	return nil
}

// Notrack keeps conntrack from looking at the packet. Only in a chain at raw priority.
type Notrack struct{}

func (Notrack) appendText(b []byte) []byte { return append(b, "notrack"...) }
func (Notrack) check(*seen) error          { return nil }
