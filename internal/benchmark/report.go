package main

import (
	"fmt"
	"io"
	"strings"
)

// result is one row of the report: a sample, what it is to be compared with, and what
// else there is to say.
type result struct {
	size string
	what string
	unit string
	// values are the trials.
	values sample
	// floor is the baseline of the same run, in the same unit; may be empty.
	floor sample
	// note says what the floor is, and anything else.
	note string
}

// report collects results, and prints each as it comes.
type report struct {
	out io.Writer
	// lines takes a line for each trial in the form of Go's benchmarks; may be nil.
	lines io.Writer
}

// heading prints the columns' names.
func (r *report) heading(title string) {
	fmt.Fprintf(r.out, "\n%s\n%-7s %-46s %-5s %3s %10s %10s %10s %10s %10s %7s\n", title,
		"size", "what", "unit", "n", "median", "min", "p90", "max", "floor", "ratio")
}

func (r *report) add(x result) {
	fmt.Fprintf(r.out, "%-7s %-46s %-5s %3d %10s %10s %10s %10s", x.size, x.what, x.unit, len(x.values),
		number(x.values.median()), number(x.values.min()), number(x.values.quantile(0.9)), number(x.values.max()))
	if len(x.floor) > 0 {
		fmt.Fprintf(r.out, " %10s %7s", number(x.floor.median()), number(x.values.median()/x.floor.median()))
	}
	if x.note != "" {
		fmt.Fprintf(r.out, "  # %s", x.note)
	}
	fmt.Fprintln(r.out)
	r.addLines(x)
}

// addLines writes what benchstat reads.
func (r *report) addLines(x result) {
	if r.lines == nil {
		return
	}
	name := strings.NewReplacer(" ", "-", ",", "", "(", "", ")", "", ":", "").Replace(x.what)
	for i, v := range x.values {
		fmt.Fprintf(r.lines, "Benchmark%s/%s 1 %g %s", x.size, name, v, x.unit)
		if i < len(x.floor) {
			fmt.Fprintf(r.lines, " %g floor-%s", x.floor[i], x.unit)
		}
		fmt.Fprintln(r.lines)
	}
}

// number prints three digits that count.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
