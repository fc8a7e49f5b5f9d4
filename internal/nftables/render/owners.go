package render

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// Owners tells from a standing table which interface each pod's address of a family belongs to;
// stand lists a set of it by name, each element as nft writes it. It is what an agent that starts
// knows of the one before.
func Owners(f family.Family, stand func(set string) []string) map[netip.Addr]string {
	out := map[netip.Addr]string{}
	for _, text := range stand(ofFamily(sources, f)) {
		quoted, address, _ := strings.Cut(text, " . ")
		name, unquoted := strconv.Unquote(quoted)
		a, parsed := netip.ParseAddr(address)
		if unquoted == nil && parsed == nil && family.Of(a) == f {
			out[a] = name
		}
	}
	return out
}
