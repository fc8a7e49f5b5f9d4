package netlab

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Tap hears packets that arrive at a space. It keeps all that it has heard.
type Tap struct {
	file  *os.File
	heard [][]byte
}

// Token is a mark to put into a packet and to look for in a tap; no two are equal.
func Token() []byte { return []byte("token-" + rand.Text()) }

// TapWire hears every IP packet that arrives on a device, as it arrives: before any filter and
// before fragments are put together.
func (s *Space) TapWire(device string) (*Tap, error) {
	l, err := s.links.LinkByName(device)
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", device, s.name, err)
	}
	f, err := s.socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0, func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL), Ifindex: l.Attrs().Index})
	})
	if err != nil {
		return nil, fmt.Errorf("tap %s of %s: %w", device, s.name, err)
	}
	return &Tap{file: f}, nil
}

// TapDelivered hears the packets of one IP protocol that the kernel delivers in the space itself:
// after its filters, and with fragments put together. In IPv6 they begin after the IP header and
// its extensions.
func (s *Space) TapDelivered(f family.Family, protocol int) (*Tap, error) {
	domain := unix.AF_INET6
	if f == family.V4 {
		domain = unix.AF_INET
	}
	file, err := s.socket(domain, unix.SOCK_RAW, protocol, func(int) error { return nil })
	if err != nil {
		return nil, fmt.Errorf("tap %s protocol %d of %s: %w", f, protocol, s.name, err)
	}
	return &Tap{file: file}, nil
}

// Hears waits until a packet that holds the token has arrived, at most as long as given. A packet
// that came before the call counts.
func (t *Tap) Hears(token []byte, wait time.Duration) (bool, error) {
	for _, b := range t.heard {
		if bytes.Contains(b, token) {
			return true, nil
		}
	}
	if err := t.file.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return false, err
	}
	for {
		buf := make([]byte, 65536)
		n, err := t.file.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		t.heard = append(t.heard, buf[:n:n])
		if bytes.Contains(buf[:n], token) {
			return true, nil
		}
	}
}

// Heard is how many of the packets that have arrived until now hold the token.
func (t *Tap) Heard(token []byte) int {
	t.drain()
	n := 0
	for _, b := range t.heard {
		if bytes.Contains(b, token) {
			n++
		}
	}
	return n
}

// Forget forgets all that has arrived until now.
func (t *Tap) Forget() {
	t.drain()
	t.heard = nil
}

// drain reads what has arrived, without waiting.
func (t *Tap) drain() {
	if t.file.SetReadDeadline(time.Time{}) != nil {
		return // closed
	}
	raw, err := t.file.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 65536)
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, _, err := unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
			if err != nil {
				return true
			}
			t.heard = append(t.heard, bytes.Clone(buf[:n]))
		}
	})
}

// Close ends the tap.
func (t *Tap) Close() { t.file.Close() }
