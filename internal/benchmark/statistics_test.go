package main

import (
	"math"
	"testing"
)

func TestQuantiles(t *testing.T) {
	s := sample{5, 1, 4, 2, 3}
	for _, c := range []struct{ q, want float64 }{{0, 1}, {0.2, 1}, {0.21, 2}, {0.5, 3}, {0.9, 5}, {0.99, 5}, {1, 5}} {
		if got := s.quantile(c.q); got != c.want {
			t.Errorf("quantile %v of %v is %v, want %v", c.q, s, got, c.want)
		}
	}
	if s[0] != 5 {
		t.Error("the sample was sorted in place: trials belong to each other by their index")
	}
	if !math.IsNaN(sample(nil).median()) {
		t.Error("nothing has a median")
	}
}
