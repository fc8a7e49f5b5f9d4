package calc

// slab keeps records of one type in chunks and names them by number, so that they can
// refer to each other by four bytes and the garbage collector sees few objects. The
// number 0 names nothing. A record's address stays the same until it is released.
type slab[T any] struct {
	chunks [][]T
	free   []uint32
	last   uint32 // the highest number handed out so far
}

const chunkBits = 8

func (s *slab[T]) at(id uint32) *T {
	return &s.chunks[id>>chunkBits][id&(1<<chunkBits-1)]
}

// alloc hands out a zero record.
func (s *slab[T]) alloc() uint32 {
	if n := len(s.free); n > 0 {
		id := s.free[n-1]
		s.free = s.free[:n-1]
		return id
	}
	s.last++
	if int(s.last>>chunkBits) == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, 1<<chunkBits))
	}
	return s.last
}

func (s *slab[T]) release(id uint32) {
	var zero T
	*s.at(id) = zero
	s.free = append(s.free, id)
}

// size is the number of records in use.
func (s *slab[T]) size() int { return int(s.last) - len(s.free) }
