package netlab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Header is what an IP header says.
type Header struct {
	From, To netip.Addr
	HopLimit uint8 // TTL in IPv4
	Protocol uint8
}

// Capture is a packet as it was on the wire, with the one that it carries if it is an
// encapsulation.
type Capture struct {
	Header
	// VXLAN and IPIP say how Inner is carried; without either there is no Inner.
	VXLAN, IPIP bool
	// VNI is the network that VXLAN was sent to, Port the UDP port of any UDP.
	VNI   uint32
	Port  uint16
	Inner Header
	// Size is that of the whole packet, in octets.
	Size int
}

// String shows the outer header and what it carries: "172.16.0.1 > 172.16.0.2 ttl 64, VXLAN
// network 4096 to port 4789: 10.65.1.2 > 10.65.2.2 ttl 63".
func (c Capture) String() string {
	switch {
	case c.VXLAN:
		return fmt.Sprintf("%v, VXLAN network %d to port %d: %v", c.Header, c.VNI, c.Port, c.Inner)
	case c.IPIP:
		return fmt.Sprintf("%v, IPIP: %v", c.Header, c.Inner)
	}
	return c.Header.String()
}

// String is "FROM > TO ttl N".
func (h Header) String() string { return fmt.Sprintf("%s > %s ttl %d", h.From, h.To, h.HopLimit) }

// Captures waits until a packet that holds the token has arrived, as Hears does, and reads it.
func (t *Tap) Captures(token []byte, wait time.Duration) (c Capture, heard bool, err error) {
	if heard, err = t.Hears(token, wait); !heard || err != nil {
		return Capture{}, heard, err
	}
	for _, b := range t.heard {
		if bytes.Contains(b, token) {
			c, err = ParseCapture(b)
			return c, true, err
		}
	}
	return Capture{}, false, nil
}

// Seen are the IP packets that have arrived until now, without those that cannot be read.
func (t *Tap) Seen() (out []Capture) {
	t.drain()
	for _, b := range t.heard {
		if c, err := ParseCapture(b); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// ParseCapture reads a packet from its IP header on. UDP counts as VXLAN if it looks like it:
// a frame in it that holds an IP packet.
func ParseCapture(b []byte) (Capture, error) {
	h, rest, err := parseHeader(b)
	if err != nil {
		return Capture{}, err
	}
	c := Capture{Header: h, Size: len(b)}
	switch h.Protocol {
	case unix.IPPROTO_IPIP, unix.IPPROTO_IPV6:
		if inner, _, err := parseHeader(rest); err == nil {
			c.IPIP, c.Inner = true, inner
		}
	case unix.IPPROTO_UDP:
		if len(rest) >= 4 {
			c.Port = binary.BigEndian.Uint16(rest[2:])
		}
		c.vxlan(rest)
	}
	return c, nil
}

// vxlan reads a UDP header, a VXLAN header (RFC 7348) and an Ethernet header.
func (c *Capture) vxlan(b []byte) {
	const udp, vxlan, ethernet = 8, 8, 14
	const validNetwork = 0x08
	if len(b) < udp+vxlan+ethernet || b[udp] != validNetwork {
		return
	}
	if inner, _, err := parseHeader(b[udp+vxlan+ethernet:]); err == nil {
		c.VXLAN, c.Inner = true, inner
		c.VNI = binary.BigEndian.Uint32(b[udp+4:]) >> 8
	}
}

func parseHeader(b []byte) (h Header, rest []byte, err error) {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4 && len(b) >= int(b[0]&15)*4:
		h.From, _ = netip.AddrFromSlice(b[12:16])
		h.To, _ = netip.AddrFromSlice(b[16:20])
		h.HopLimit, h.Protocol = b[8], b[9]
		return h, b[int(b[0]&15)*4:], nil
	case len(b) >= 40 && b[0]>>4 == 6:
		h.From, _ = netip.AddrFromSlice(b[8:24])
		h.To, _ = netip.AddrFromSlice(b[24:40])
		h.HopLimit, h.Protocol = b[7], b[6]
		return h, b[40:], nil
	}
	return h, nil, fmt.Errorf("%d octets are no IP packet", len(b))
}
