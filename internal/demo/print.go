package demo

import (
	"fmt"
	"io"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// legend says what the letters of a table mean.
const legend = "T TCP, U UDP, - denied, . not both have an address of this family"

// observed is the row as it turned out to be.
func (r Row) observed(answers map[netlab.Flow]netlab.Observation) Row {
	for _, f := range family.All() {
		cell := r.Cells.At(f)
		if *cell == notApplicable {
			continue
		}
		seen := make([]byte, len(letters))
		for i, l := range letters {
			o := answers[netlab.Flow{From: r.From, To: r.To, Family: f, Protocol: l.protocol, Port: Port}]
			if seen[i] = '-'; o.Answer.Verdict == netlab.Answered {
				seen[i] = l.letter
			}
		}
		*cell = string(seen)
	}
	return r
}

// Print writes the table, expected beside observed; cells that differ are marked, and with colours
// it is green and red as well.
func (t Table) Print(w io.Writer, m netlab.Matrix, c colours) {
	answers := make(map[netlab.Flow]netlab.Observation, len(m))
	for _, o := range m {
		answers[o.Flow] = o
	}
	fmt.Fprintf(w, "  %-13s%-13s%-22s%s\n", "", "", "IPv4", "IPv6")
	fmt.Fprintf(w, "  %-13s%-13s%-10s%-12s%-10s%s\n", "from", "to", "expected", "observed", "expected", "observed")
	for i, want := range t {
		if i > 0 && t[i-1].From != want.From {
			fmt.Fprintln(w)
		}
		got := want.observed(answers)
		fmt.Fprintf(w, "  %-13s%-13s", want.From, want.To)
		for _, f := range family.All() {
			text, paint := got.Cells.Get(f), c.good
			if text != want.Cells.Get(f) {
				text, paint = text+" differs", c.bad
			}
			if text == notApplicable {
				paint = c.faint
			}
			if f == family.V4 {
				text = fmt.Sprintf("%-12s", text)
			}
			fmt.Fprintf(w, "%-10s%s", want.Cells.Get(f), paint(text))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "  %s\n", legend)
}

// difference says in words what is not as expected.
func difference(o netlab.Observation) string {
	want := "be denied"
	if o.Allowed {
		want = "be answered"
	}
	text := fmt.Sprintf("%s to %s, %s %s: should %s, is %s", o.From, o.To, o.Family, o.Protocol, want, o.Answer.Verdict)
	if o.Answer.Err != nil && o.Answer.Verdict != netlab.Silent {
		text += fmt.Sprintf(" (%v)", o.Answer.Err)
	}
	return text
}
