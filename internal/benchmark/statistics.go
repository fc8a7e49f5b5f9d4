package main

import (
	"math"
	"slices"
	"time"
)

// sample is the results of the trials of one thing, in some unit.
type sample []float64

// milliseconds is the unit of most samples.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile is the smallest value that at least a share q of the values do not exceed;
// NaN of none.
func (s sample) quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

func (s sample) min() float64    { return s.quantile(0) }
func (s sample) max() float64    { return s.quantile(1) }
func (s sample) median() float64 { return s.quantile(0.5) }
