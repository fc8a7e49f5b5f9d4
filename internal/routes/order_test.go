package routes

import (
	"cmp"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Writes are in the order of netip and of the metric, whatever order they came in, and none gets
// lost.
func TestWritesInTheOrderOfTheirAddresses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v6 := rapid.Bool().Draw(t, "IPv6")
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Write {
			// Few different octets, so that many are equal in part.
			octet := rapid.SampledFrom([]byte{0, 1, 127, 128, 255})
			var b [16]byte
			for i := range b {
				b[i] = octet.Draw(t, "octet")
			}
			a, bits := netip.AddrFrom4([4]byte(b[:4])), 32
			if v6 {
				a, bits = netip.AddrFrom16(b), 128
			}
			to, _ := a.Prefix(rapid.IntRange(0, bits).Draw(t, "bits"))
			return Write{Verb: Create, Route: Route{Destination: to, Metric: rapid.Uint32Range(0, 2).Draw(t, "metric")}}
		}), 0, 40).Draw(t, "writes")
		want := slices.Clone(list)
		slices.SortStableFunc(want, func(a, b Write) int {
			return cmp.Or(a.Route.Destination.Compare(b.Route.Destination), cmp.Compare(a.Route.Metric, b.Route.Metric))
		})
		sortWrites(list)
		if !slices.Equal(list, want) {
			t.Fatalf("%v\nwant %v", list, want)
		}
	})
}
