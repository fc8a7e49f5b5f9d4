package calc_test

import (
	"testing"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/calc/calctest"
	"github.com/margay-net/margay/internal/workload"
)

func TestSnapshotAddsUpToTheOutput(t *testing.T) {
	g := calc.New(calc.Options{Node: workload.LocalNode})
	for _, e := range workload.New(workload.Small()).BaseEvents() {
		g.Update(e)
	}
	g.SetInSync()
	first := g.Flush()
	snapshot := g.Snapshot()
	for name, b := range map[string]*calc.Batch{"the first batch": first, "a snapshot": snapshot} {
		out := calctest.NewSink()
		if err := out.Apply(b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, want := out.String(), g.Output().String(); got != want {
			t.Errorf("%s adds up to\n%s\nwant\n%s", name, got, want)
		}
	}
	if again := g.Flush(); !again.Empty() {
		t.Errorf("a snapshot has changed the graph: %+v", again)
	}
}
