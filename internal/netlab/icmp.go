package netlab

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// askICMP sends an echo request from a raw socket and waits for the reply that has its number.
// Raw sockets of one space all see all replies.
func (s *Space) askICMP(ctx context.Context, p Probe) (Answer, error) {
	to := netip.AddrPortFrom(p.To.Addr(), 0)
	protocol := unix.IPPROTO_ICMPV6
	if family.Of(to.Addr()) == family.V4 {
		protocol = unix.IPPROTO_ICMP
	}
	f, err := s.socket(domainOf(to.Addr()), unix.SOCK_RAW, protocol, func(fd int) error {
		if p.From.Addr().IsValid() {
			if err := unix.Bind(fd, sockaddr(p.From)); err != nil {
				return err
			}
		}
		return unix.Connect(fd, sockaddr(to))
	})
	if err != nil {
		return Answer{}, err
	}
	defer f.Close()
	if err := followContext(ctx, f); err != nil {
		return Answer{}, err
	}
	number := rand.Uint32()
	request, err := echoRequest(family.Of(to.Addr()), number, p.Size)
	if err != nil {
		return Answer{}, err
	}
	if _, err := f.Write(request); err != nil {
		return Answer{}, err
	}
	buf := make([]byte, 65536)
	for {
		n, err := f.Read(buf)
		if err != nil {
			return Answer{}, err
		}
		if isEchoReply(family.Of(to.Addr()), buf[:n], number) {
			return Answer{Verdict: Answered}, nil
		}
	}
}

// echoRequest is an echo request whose identifier and sequence number are those of number. The
// kernel fills in ICMPv6's checksum, which covers addresses that it chooses.
func echoRequest(f family.Family, number uint32, size int) ([]byte, error) {
	m := icmp.Message{
		Type: ipv4.ICMPTypeEcho,
		Body: &icmp.Echo{ID: int(number >> 16), Seq: int(number & 0xffff), Data: make([]byte, max(size-8, 0))},
	}
	if f == family.V6 {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	return m.Marshal(nil)
}

// isEchoReply looks at what a raw socket received: in IPv4 that begins with the IP header.
func isEchoReply(f family.Family, b []byte, number uint32) bool {
	want := byte(ipv6.ICMPTypeEchoReply)
	if f == family.V4 {
		want = byte(ipv4.ICMPTypeEchoReply)
		if len(b) == 0 {
			return false
		}
		b = b[min(len(b), int(b[0]&0x0f)*4):]
	}
	return len(b) >= 8 && b[0] == want && binary.BigEndian.Uint32(b[4:8]) == number
}
