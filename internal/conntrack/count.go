package conntrack

import (
	"encoding/binary"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// counter asks the kernel how many connections its namespace has. It has a socket of its
// own: the answer is marked as the first of several, and no other follows, so that a
// library which knows the protocol would wait for ever.
type counter struct{ fd int }

func newCounter() (*counter, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	return &counter{fd}, err
}

func (c *counter) close() error { return unix.Close(c.fd) }

// count is how many entries there are, of both families; false if that cannot be learnt.
// The kernel counts an entry from before it is in the table until after it has left it
// (nf_conntrack_alloc, nf_conntrack_free), so that none is missed.
func (c *counter) count() (n uint32, ok bool) {
	m := request(ctGetStats, 0, family.V4, nil)
	m.Header.Length = unix.NLMSG_HDRLEN + uint32(len(m.Data))
	question, err := m.MarshalBinary()
	if err != nil || unix.Sendto(c.fd, question, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return 0, false
	}
	// The kernel has answered before sendto returns.
	answer := make([]byte, 4096)
	size, _, err := unix.Recvfrom(c.fd, answer, unix.MSG_DONTWAIT)
	if err != nil || size < unix.NLMSG_HDRLEN {
		return 0, false
	}
	if kind := binary.NativeEndian.Uint16(answer[4:]); kind != unix.NFNL_SUBSYS_CTNETLINK<<8|ctGetStats {
		return 0, false
	}
	return entriesIn(answer[unix.NLMSG_HDRLEN:size])
}

// ctaStatsEntries is CTA_STATS_GLOBAL_ENTRIES.
const ctaStatsEntries = 1

// entriesIn reads how many entries there are out of the answer's body.
func entriesIn(body []byte) (n uint32, ok bool) {
	if len(body) < headerSize {
		return 0, false
	}
	d, err := netlink.NewAttributeDecoder(body[headerSize:])
	if err != nil {
		return 0, false
	}
	d.ByteOrder = binary.BigEndian
	for d.Next() {
		if d.Type() == ctaStatsEntries {
			n, ok = d.Uint32(), true
		}
	}
	return n, ok && d.Err() == nil
}
