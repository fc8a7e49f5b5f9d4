package config

import (
	"slices"
	"strings"
)

// nearest picks the candidate that a person who typed word most probably meant, or ""
// where none is close: at most a third of the letters may differ. Letter case does not
// count; ties go to the first in alphabetical order.
func nearest(word string, candidates []string) string {
	const longest = 64 // no setting's name comes near; keeps the work small on junk
	if len(word) > longest {
		return ""
	}
	slices.Sort(candidates)
	best, bestDistance := "", 1+len(word)/3
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
