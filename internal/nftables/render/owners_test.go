package render

import (
	"maps"
	"net/netip"
	"testing"

	"github.com/margay-net/margay/internal/family"
)

// Owners are read out of a table that may be another version's, or damaged: what is not an
// interface and an address of the family is nobody's.
func TestOwners(t *testing.T) {
	standing := map[string][]string{
		"cali-sources4": {`"cali1" . 10.65.0.1`, `"cali2" . 10.65.0.2`, `"cali3" . fd00:65::3`, `cali4 . 10.65.0.4`, `"cali5"`, "0a410001"},
		"cali-sources6": {`"cali1" . fd00:65::1`},
		"cali-pods":     {`"cali9" . 10.65.0.9`},
	}
	want := family.PairOf(
		map[netip.Addr]string{netip.MustParseAddr("10.65.0.1"): "cali1", netip.MustParseAddr("10.65.0.2"): "cali2"},
		map[netip.Addr]string{netip.MustParseAddr("fd00:65::1"): "cali1"},
	)
	for _, f := range family.All() {
		got := Owners(f, func(set string) []string { return standing[set] })
		if !maps.Equal(got, want.Get(f)) {
			t.Errorf("%v: %v, want %v", f, got, want.Get(f))
		}
	}
}
