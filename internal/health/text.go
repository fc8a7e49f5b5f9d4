package health

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Text is the detail for people, its times relative to now. The first line is the verdict.
func (d Detail) Text(now time.Time) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s\n", choose(d.Ready, "ready", "not ready"), choose(d.Live, "alive", "not alive"))
	for _, reason := range d.Reasons {
		fmt.Fprintf(&out, "  %s\n", reason)
	}
	for _, f := range d.Families {
		fmt.Fprintf(&out, "%s: %s\n", f.Family, f.State)
	}
	table := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
	if len(d.Components) > 0 {
		fmt.Fprintln(table, "\nCOMPONENT\tFAMILY\tREADY\tALIVE\tSINCE\tREPORTED\tREASON")
	}
	for _, c := range d.Components {
		reported := "never"
		if c.LastReport != nil {
			reported = ago(now, *c.LastReport)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Name, cmp.Or(c.Family, "-"),
			choose(c.Ready, "yes", "no"), choose(c.Live, "yes", "no"), ago(now, c.Since), reported, cmp.Or(c.Reason, "-"))
	}
	if len(d.Conditions) > 0 {
		fmt.Fprintln(table, "\nCONDITION\tFAMILY\tSTATUS\tSINCE\tMESSAGE")
	}
	for _, c := range d.Conditions {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.Name, cmp.Or(c.Family, "-"),
			c.Status, ago(now, c.Since), cmp.Or(c.Message, "-"))
	}
	table.Flush() // into a strings.Builder, which does not fail
	return out.String()
}

func ago(now, then time.Time) string { return now.Sub(then).Round(time.Second).String() + " ago" }

func choose(yes bool, whenTrue, whenFalse string) string {
	if yes {
		return whenTrue
	}
	return whenFalse
}
