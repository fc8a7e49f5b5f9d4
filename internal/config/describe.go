package config

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
)

// Describe writes every setting with its value and where that comes from, as a table.
func (r *Resolved) Describe(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
	for _, s := range r.table.all {
		from := r.Origin(s.Name)
		if text, waiting := r.waiting[s.Name]; waiting {
			from += fmt.Sprintf(" (%s after a restart)", cmp.Or(text, none))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, cmp.Or(s.Value.text(&r.Settings), none), from)
	}
	return table.Flush()
}
