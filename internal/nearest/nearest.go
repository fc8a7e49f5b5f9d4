// Package nearest guesses what somebody meant who has misspelt a name.
//
// It owns nothing in the kernel.
package nearest

import "strings"

// longest is the length in bytes of words that are guessed at. No name that we know comes
// near; it keeps the work small on junk.
const longest = 64

// Of is the candidate that is most like word, or "" if none is close: a third of the letters
// may differ, four at most. Case does not count. Of candidates that are equally close it is
// the first in the alphabet.
func Of(word string, candidates []string) string {
	if word == "" || len(word) > longest {
		return ""
	}
	best, least := "", most(word)
	for _, c := range candidates {
		d := distance(strings.ToLower(word), strings.ToLower(c), least)
		if d < least || d == least && (best == "" || c < best) {
			best, least = c, d
		}
	}
	return best
}

// most is how many letters may differ from a word for it to be taken for misspelt.
func most(word string) int { return max(1, min(len(word)/3, 4)) }

// distance is how many letters are to be added, taken away, changed, or made to change places
// with the next to make b of a, none of them twice (optimal string alignment), in bytes. It is
// more than limit if that is.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	// Row i has the distances of the first i letters of a from the beginnings of b.
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
