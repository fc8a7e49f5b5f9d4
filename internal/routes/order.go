package routes

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// place is where a route stands in the order in which people read routes: by address, shorter
// prefixes first, then by metric. It is of one family; comparing and moving it costs a fraction of
// what the route itself would.
type place struct {
	high, low uint64 // the address
	last      uint64 // length and metric
	at        int    // where it is now
}

func placeOf(r *Route, at int) place {
	a := r.Destination.Addr().As16()
	return place{
		high: binary.BigEndian.Uint64(a[:8]), low: binary.BigEndian.Uint64(a[8:]),
		last: uint64(r.Destination.Bits())<<32 | uint64(r.Metric), at: at,
	}
}

func (p place) compare(q place) int {
	switch {
	case p.high != q.high:
		return cmp.Compare(p.high, q.high)
	case p.low != q.low:
		return cmp.Compare(p.low, q.low)
	}
	return cmp.Compare(p.last, q.last)
}

// sortWrites puts the writes into that order. The kernel, too, is faster if neighbours come one
// after the other.
func sortWrites(list []Write) {
	places := make([]place, len(list))
	for i := range list {
		places[i] = placeOf(&list[i].Route, i)
	}
	slices.SortFunc(places, place.compare)
	// Each ring of writes that take each other's places goes round once.
	for i := range places {
		if places[i].at == i {
			continue
		}
		first, to := list[i], i
		for from := places[to].at; from != i; from = places[to].at {
			list[to] = list[from]
			places[to].at = to
			to = from
		}
		list[to] = first
		places[to].at = to
	}
}
