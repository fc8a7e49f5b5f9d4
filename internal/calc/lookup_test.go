package calc

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestLookupFindsWhatIsThere holds lookups against a plain list, with hashes so few that
// runs of slots form, merge and wrap around.
func TestLookupFindsWhatIsThere(t *testing.T) {
	type entry struct{ hash, id uint32 }
	rapid.Check(t, func(t *rapid.T) {
		var l lookup
		var there []entry
		hash := rapid.SampledFrom([]uint32{0, 1, 2, 13, 14, 15, 16, 17, 31, 1 << 31})
		for next := range uint32(rapid.SampledFrom([]int{10, 50, 300}).Draw(t, "steps")) {
			if len(there) > 0 && rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				i := rapid.IntRange(0, len(there)-1).Draw(t, "which")
				l.remove(there[i].hash, there[i].id)
				there = slices.Delete(there, i, i+1)
			} else {
				e := entry{hash.Draw(t, "hash"), next + 1}
				l.insert(e.hash, e.id)
				there = append(there, e)
			}
			for _, e := range there {
				if l.find(e.hash, func(id uint32) bool { return id == e.id }) != e.id {
					t.Fatalf("%v is not found", e)
				}
			}
			h := hash.Draw(t, "asked")
			seen := 0
			l.find(h, func(uint32) bool { seen++; return false })
			want := 0
			for _, e := range there {
				if e.hash == h {
					want++
				}
			}
			if seen != want {
				t.Fatalf("%d records with hash %d, want %d", seen, h, want)
			}
		}
	})
}

func TestLookupGivesRoomBack(t *testing.T) {
	var l lookup
	const n = 10_000
	for id := uint32(1); id <= n; id++ {
		l.insert(id*0x9e3779b1, id)
	}
	for id := uint32(1); id <= n; id++ {
		l.remove(id*0x9e3779b1, id)
	}
	if len(l.slots) > 64 {
		t.Errorf("%d slots for nothing", len(l.slots))
	}
	if l.find(7, func(uint32) bool { return true }) != 0 {
		t.Error("something is found where nothing is")
	}
}

func TestSlabHandsOutZeroRecordsAndKeepsTheOthers(t *testing.T) {
	var s slab[[2]int]
	var ids []uint32
	for i := range 1000 {
		id := s.alloc()
		if id == 0 || *s.at(id) != [2]int{} {
			t.Fatalf("record %d is %v", id, *s.at(id))
		}
		*s.at(id) = [2]int{i, i}
		ids = append(ids, id)
	}
	for i := 0; i < len(ids); i += 2 {
		s.release(ids[i])
	}
	if s.size() != 500 {
		t.Errorf("%d records, want 500", s.size())
	}
	for range 500 {
		if id := s.alloc(); *s.at(id) != [2]int{} || int(id) > 1000 {
			t.Fatalf("record %d is %v, want one used before, and zero", id, *s.at(id))
		}
	}
	for i := 1; i < len(ids); i += 2 {
		if *s.at(ids[i]) != [2]int{i, i} {
			t.Fatalf("record %d has become %v", ids[i], *s.at(ids[i]))
		}
	}
}

func TestLedgerTellsOnlyWhatDiffers(t *testing.T) {
	l := newLedger[string](same[int])
	now := map[string]int{}
	flush := func() (changed, gone []string) {
		changed, gone = l.settle(func(name string) (int, bool) { v, ok := now[name]; return v, ok })
		slices.Sort(changed)
		slices.Sort(gone)
		return changed, gone
	}
	for _, step := range []struct {
		what          string
		to            map[string]int
		mark          []string
		changed, gone []string
	}{
		{"added", map[string]int{"a": 1, "b": 2}, []string{"a", "b"}, []string{"a", "b"}, nil},
		{"marked for nothing", map[string]int{"a": 1, "b": 2}, []string{"a", "b", "c"}, nil, nil},
		{"changed and gone", map[string]int{"a": 3}, []string{"a", "b"}, []string{"a"}, []string{"b"}},
		{"come and gone in between", map[string]int{"a": 3}, []string{"d", "d"}, nil, nil},
		{"not marked", map[string]int{"a": 4}, nil, nil, nil},
	} {
		now = step.to
		for _, name := range step.mark {
			l.mark(name)
		}
		if changed, gone := flush(); !slices.Equal(changed, step.changed) || !slices.Equal(gone, step.gone) {
			t.Errorf("%s: changed %v, gone %v", step.what, changed, gone)
		}
	}
}
