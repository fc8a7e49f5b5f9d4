package main

import (
	"strings"
	"testing"
)

func TestReportShowsTrialsAndRatio(t *testing.T) {
	var out, lines strings.Builder
	r := &report{out: &out, lines: &lines}
	r.add(result{"medium", "local pod added", "ms", sample{2, 1, 30}, sample{0.5}, "why"})
	fields := strings.Fields(out.String())
	want := "medium local pod added ms 3 2.00 1.00 30.0 30.0 0.500 4.00 # why"
	if got := strings.Join(fields, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	wantLines := "Benchmarkmedium/local-pod-added 1 2 ms 0.5 floor-ms\nBenchmarkmedium/local-pod-added 1 1 ms\nBenchmarkmedium/local-pod-added 1 30 ms\n"
	if lines.String() != wantLines {
		t.Errorf("got %q", lines.String())
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	for v, want := range map[float64]string{1234.5: "1234", 123.4: "123", 12.34: "12.3", 1.234: "1.23", 0.1234: "0.123"} {
		if got := number(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
