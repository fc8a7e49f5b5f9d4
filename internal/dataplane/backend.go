package dataplane

import (
	"net/netip"
	"time"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/metrics"
)

// backend is where policy goes: the table of nftables, which both families share, or those of
// iptables and ip6tables.
type backend interface {
	kind() backendKind
	view(family.Family) policyView
	configure(*config.Settings)
	// inSync says that the sources have been read in full: what stood before may be replaced
	// and removed.
	inSync()
	// hold keeps what is wanted from being written before inSync: something else guards the
	// node.
	hold()
	// apply writes what differs. next is when it is to be called again if nothing else
	// happens; zero is never.
	apply(now time.Time) (errs family.Pair[error], next time.Time)
	// owners are the interfaces that pods' addresses of a family belong to, as far as what
	// stands says so; nothing before the first apply.
	owners(family.Family) map[netip.Addr]string
	report() backendReport
	// text is what ought to stand, or what does.
	text(desired bool) string
	size(family.Family) metrics.TableSize
	// close gives back what was opened. The kernel keeps what was written.
	close() error
}

// backendKind tells backends apart.
type backendKind struct {
	nftables bool
	variant  iptables.Variant // where it is iptables
}

func (k backendKind) String() string {
	if k.nftables {
		return "nftables"
	}
	return "iptables"
}

// backendReport is how a backend fares.
type backendReport struct {
	problems []problem
	// repairs are changes of others that have been undone so far.
	repairs int
	// conditions are things that the node's operator ought to know.
	conditions []condition
}

// problem is an object that is not in a backend as it ought to be.
type problem struct {
	families family.Set
	object   string
	err      error
}

func countOf(problems []problem, f family.Family) int {
	n := 0
	for _, p := range problems {
		if p.families.Has(f) {
			n++
		}
	}
	return n
}
