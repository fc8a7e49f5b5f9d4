package render

import (
	"net/netip"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
)

// Owners tells from the sets that stand which interface each pod's address of a family belongs
// to; standing lists a set by its name. It is what an agent that starts knows of the one before.
func Owners(f family.Family, standing func(set string) []ipset.Member) map[netip.Addr]string {
	out := map[netip.Addr]string{}
	for _, m := range standing(ipset.Prefix(f) + sources) {
		address, name, _ := strings.Cut(string(m), ",")
		if a, err := netip.ParseAddr(address); err == nil {
			out[a] = name
		}
	}
	return out
}
