package nftables

// pair says that a[A] and b[B] are equal.
type pair struct{ A, B int }

// maxCells bounds the table that common fills. Chains of more than two thousand rules that
// differ in the middle are compared greedily: right, but maybe not minimal.
const maxCells = 1 << 22

// common finds a longest common subsequence of a and b: pairs ascending in both.
func common[T comparable](a, b []T) []pair {
	pairs := make([]pair, 0, min(len(a), len(b)))
	first := 0
	for first < len(a) && first < len(b) && a[first] == b[first] {
		pairs = append(pairs, pair{first, first})
		first++
	}
	endA, endB := len(a), len(b)
	for endA > first && endB > first && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	middleA, middleB := a[first:endA], b[first:endB]
	inner := longest(middleA, middleB)
	if len(middleA)*len(middleB) > maxCells {
		inner = greedy(middleA, middleB)
	}
	for _, p := range inner {
		pairs = append(pairs, pair{first + p.A, first + p.B})
	}
	for i := range len(a) - endA {
		pairs = append(pairs, pair{endA + i, endB + i})
	}
	return pairs
}

// longest is the textbook's dynamic programming.
func longest[T comparable](a, b []T) []pair {
	if len(a) == 0 || len(b) == 0 || len(a)*len(b) > maxCells {
		return nil
	}
	width := len(b) + 1
	// length[i*width+j] is that of the longest common subsequence of a[i:] and b[j:].
	length := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i*width+j] = length[(i+1)*width+j+1] + 1
			} else {
				length[i*width+j] = max(length[(i+1)*width+j], length[i*width+j+1])
			}
		}
	}
	var pairs []pair
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			pairs = append(pairs, pair{i, j})
			i, j = i+1, j+1
		case length[(i+1)*width+j] >= length[i*width+j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// greedy pairs each of a with the next equal one of b that is not yet passed.
func greedy[T comparable](a, b []T) []pair {
	places := make(map[T][]int, len(b))
	for j, v := range b {
		places[v] = append(places[v], j)
	}
	var pairs []pair
	next := 0
	for i, v := range a {
		at := places[v]
		for len(at) > 0 && at[0] < next {
			at = at[1:]
		}
		if len(at) > 0 {
			pairs = append(pairs, pair{i, at[0]})
			next, at = at[0]+1, at[1:]
		}
		places[v] = at
	}
	return pairs
}
