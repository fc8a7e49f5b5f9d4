package reconcile

import (
	"net/netip"
	"runtime"
	"testing"
)

func member(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// BenchmarkSettledMember shows what a member that is in sync costs in memory, beside
// what it costs in a plain map.
func BenchmarkSettledMember(b *testing.B) {
	const members = 100_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		plain := map[netip.Addr]struct{}{}
		for i := range members {
			plain[member(i)] = struct{}{}
		}
		b.ReportMetric(float64(heap()-before)/members, "B/plain")
		runtime.KeepAlive(plain)
		plain = nil

		before = heap()
		tr := NewSet[netip.Addr]()
		for i := range members {
			tr.Desire(member(i), struct{}{})
		}
		tr.Update(at(0), func(netip.Addr, Change[struct{}]) error { return nil })
		b.ReportMetric(float64(heap()-before)/members, "B/member")
		runtime.KeepAlive(tr)
	}
}

// BenchmarkOneChange is one member coming and going in a large set that is in sync.
func BenchmarkOneChange(b *testing.B) {
	tr := NewSet[netip.Addr]()
	tr.InSync()
	for i := range 100_000 {
		tr.Desire(member(i), struct{}{})
	}
	done := func(netip.Addr, Change[struct{}]) error { return nil }
	gone := func(netip.Addr, struct{}) error { return nil }
	tr.Update(at(0), done)
	b.ReportAllocs()
	for b.Loop() {
		tr.Desire(member(1<<20), struct{}{})
		tr.Update(at(0), done)
		tr.Undesire(member(1 << 20))
		tr.Delete(at(0), gone)
	}
}
