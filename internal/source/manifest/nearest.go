package manifest

import "strings"

// didYouMean returns ", did you mean X" for the candidate that is nearest to a misspelt word, and nothing if
// none is near.
func didYouMean(word string, candidates []string) string {
	best, least := "", min(len(word)/3+1, 4)
	for _, c := range candidates {
		if strings.EqualFold(c, word) {
			best = c
			break
		}
		if d := distance(strings.ToLower(word), strings.ToLower(c), least); d < least || d == least && best == "" {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best
}

// distance returns how many letters must be added, taken away or changed to make b of a; more than limit if
// it is more than limit.
func distance(a, b string, limit int) int {
	if len(a) > 64 || len(b) > 64 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
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
