package calc

// lookup finds records of a slab by a hash of what names them. It stores no keys: whoever
// asks compares with the record itself. Several records may have equal keys. Open
// addressing with linear probing, 8 bytes a slot, at most 13 of 16 slots in use.
type lookup struct {
	slots []lookupSlot
	used  int
}

// lookupSlot is empty if id is 0.
type lookupSlot struct{ hash, id uint32 }

// find returns the first record with the hash that is the one asked for, or 0.
func (l *lookup) find(hash uint32, is func(id uint32) bool) uint32 {
	if len(l.slots) == 0 {
		return 0
	}
	mask := uint32(len(l.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := l.slots[i]
		if slot.id == 0 {
			return 0
		}
		if slot.hash == hash && is(slot.id) {
			return slot.id
		}
	}
}

func (l *lookup) insert(hash, id uint32) {
	if l.used >= len(l.slots)/16*13 {
		l.resize(max(16, 2*len(l.slots)))
	}
	l.place(lookupSlot{hash, id})
	l.used++
}

// remove takes the record out; it must be there.
func (l *lookup) remove(hash, id uint32) {
	mask := uint32(len(l.slots) - 1)
	i := hash & mask
	for l.slots[i].id != id {
		i = (i + 1) & mask
	}
	// Close the gap: move back every later slot of the run that may stand here.
	for j := (i + 1) & mask; l.slots[j].id != 0; j = (j + 1) & mask {
		if home := l.slots[j].hash & mask; (j-home)&mask >= (j-i)&mask {
			l.slots[i] = l.slots[j]
			i = j
		}
	}
	l.slots[i] = lookupSlot{}
	l.used--
	if len(l.slots) > 64 && l.used < len(l.slots)/8 {
		l.resize(len(l.slots) / 2)
	}
}

func (l *lookup) place(slot lookupSlot) {
	mask := uint32(len(l.slots) - 1)
	i := slot.hash & mask
	for l.slots[i].id != 0 {
		i = (i + 1) & mask
	}
	l.slots[i] = slot
}

// resize keeps the slots' number a power of two.
func (l *lookup) resize(n int) {
	old := l.slots
	l.slots = make([]lookupSlot, n)
	for _, slot := range old {
		if slot.id != 0 {
			l.place(slot)
		}
	}
}
