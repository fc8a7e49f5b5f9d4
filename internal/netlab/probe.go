package netlab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Protocol is what a probe speaks.
type Protocol string

// The protocols of Probe. ICMP is ICMPv6 where the address is an IPv6 one.
const (
	TCP  Protocol = "TCP"
	UDP  Protocol = "UDP"
	ICMP Protocol = "ICMP"
)

// Verdict is what became of a probe.
type Verdict string

const (
	// Answered means that the other side got the question and its answer came back.
	Answered Verdict = "answered"
	// Refused means that the address is reached, but nothing listens there, or a policy rejects.
	Refused Verdict = "refused"
	// Unreachable means that a router, or the sender's own kernel, says that there is no way.
	Unreachable Verdict = "unreachable"
	// Silent means that nothing came back in time.
	Silent Verdict = "silent"
)

const (
	// Silence is how long nothing must come back before a probe counts as Silent.
	Silence = 400 * time.Millisecond
	// Patience is the same for a probe of which an answer is expected: it ends when the answer
	// comes, and only a failing test waits this long.
	Patience = 5 * time.Second
)

// Probe is one question to a Server, or for ICMP to the kernel that has the address.
type Probe struct {
	Protocol Protocol
	// To is the address asked, and unless the protocol is ICMP its port.
	To netip.AddrPort
	// From is the sender's address and port; the kernel chooses what is left zero.
	From netip.AddrPort
	// Size is the least length of the question in octets; one larger than the MTU travels in
	// fragments (UDP, ICMP) or segments (TCP).
	Size int
	// Wait is how long silence must last to count; 0 is Silence.
	Wait time.Duration
}

// Answer is what became of a probe.
type Answer struct {
	Verdict Verdict
	// By is the name of the space that answered; empty for ICMP.
	By string
	// Seen is the asker as the answering server saw it, so that address translation shows.
	Seen netip.AddrPort
	// Err is what the kernel said, if Verdict is Refused or Unreachable.
	Err error
	// Took is the time from the question to the verdict.
	Took time.Duration
}

// Probe asks once and returns as soon as the verdict is known. Its error means that the question
// could not be asked at all; whatever the network did to it is the Answer's.
func (s *Space) Probe(ctx context.Context, p Probe) (Answer, error) {
	if p.Wait == 0 {
		p.Wait = Silence
	}
	start := time.Now()
	limited, cancel := context.WithDeadline(ctx, start.Add(p.Wait))
	defer cancel()
	a, err := s.ask(limited, p)
	a.Took = time.Since(start)
	if verdict := verdictOf(err); ctx.Err() != nil {
		err = ctx.Err()
	} else if verdict != "" {
		a.Verdict, a.Err, err = verdict, err, nil
	}
	if err != nil {
		return a, fmt.Errorf("%s probe from %s to %s: %w", p.Protocol, s.name, p.To, err)
	}
	return a, nil
}

func (s *Space) ask(ctx context.Context, p Probe) (Answer, error) {
	if p.Protocol == ICMP {
		return s.askICMP(ctx, p)
	}
	c, err := s.dial(ctx, p)
	if err != nil {
		return Answer{}, err
	}
	defer c.Close()
	question := strings.Repeat("?", max(p.Size-1, 1))
	if _, err := c.WriteString(question + "\n"); err != nil {
		return Answer{}, err
	}
	return readAnswer(c, question)
}

// readAnswer reads what a Server says; over TCP it may come in pieces.
func readAnswer(c *os.File, question string) (Answer, error) {
	var text []byte
	buf := make([]byte, 65536)
	for {
		n, err := c.Read(buf)
		text = append(text, buf[:n]...)
		words := strings.Fields(string(text))
		if len(words) == 3 && words[2] == question {
			seen, err := netip.ParseAddrPort(words[1])
			return Answer{Verdict: Answered, By: words[0], Seen: seen}, err
		}
		if err != nil {
			return Answer{}, err
		}
	}
}

// verdictOf is the verdict that an error of the kernel stands for, empty if it is none.
func verdictOf(err error) Verdict {
	is := func(errs ...error) bool {
		for _, e := range errs {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	switch {
	case is(os.ErrDeadlineExceeded, context.DeadlineExceeded):
		return Silent
	case is(unix.ECONNREFUSED, unix.ECONNRESET):
		return Refused
	// EACCES: ICMPv6 "administratively prohibited", or a prohibit route. EPERM: dropped by a
	// filter in the sender's own output. EADDRNOTAVAIL: no source address of that family.
	case is(unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETDOWN, unix.EACCES, unix.EPERM, unix.EADDRNOTAVAIL, unix.ENOPROTOOPT, unix.EPROTO):
		return Unreachable
	}
	return ""
}
