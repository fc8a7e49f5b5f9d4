package nft

import (
	"strconv"
	"strings"
)

// State is a set of connection states, for CTState.
type State uint32

// The states of a connection as the kernel's bits (NF_CT_STATE_BIT).
const (
	Invalid     State = 1 << 0
	Established State = 1 << 1
	Related     State = 1 << 2
	New         State = 1 << 3
	Untracked   State = 1 << 6
)

// String lists the states as nft does: "established,related".
func (s State) String() string {
	return bitsText(uint32(s), func(bit uint32) string {
		switch State(bit) {
		case Invalid:
			return "invalid"
		case Established:
			return "established"
		case Related:
			return "related"
		case New:
			return "new"
		case Untracked:
			return "untracked"
		}
		return ""
	})
}

// Status is a set of connection status bits, for CTStatus.
type Status uint32

// The status bits that a rule has a use for (enum ip_conntrack_status).
const (
	Expected  Status = 1 << 0
	SeenReply Status = 1 << 1
	Assured   Status = 1 << 2
	SourceNAT Status = 1 << 4
	DestNAT   Status = 1 << 5
)

// String lists the bits as nft does: "snat,dnat".
func (s Status) String() string {
	return bitsText(uint32(s), func(bit uint32) string {
		switch Status(bit) {
		case Expected:
			return "expected"
		case SeenReply:
			return "seen-reply"
		case Assured:
			return "assured"
		case SourceNAT:
			return "snat"
		case DestNAT:
			return "dnat"
		}
		return ""
	})
}

// bitsText joins the names of the bits set; a bit without a name is its number.
func bitsText(bits uint32, name func(bit uint32) string) string {
	var names []string
	for bit := uint32(1); bit != 0; bit <<= 1 {
		if bits&bit == 0 {
			continue
		}
		if n := name(bit); n != "" {
			names = append(names, n)
		} else {
			names = append(names, "0x"+strconv.FormatUint(uint64(bit), 16))
		}
	}
	if len(names) == 0 {
		return "0"
	}
	return strings.Join(names, ",")
}
