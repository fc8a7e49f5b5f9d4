package manifest

import "github.com/margay-net/margay/internal/nearest"

// didYouMean returns ", did you mean X" for the candidate that is nearest to a misspelt word, and nothing if
// none is near.
func didYouMean(word string, candidates []string) string {
	if best := nearest.Of(word, candidates); best != "" {
		return ", did you mean " + best
	}
	return ""
}
