package dataplane

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/metrics"
)

// Stages are what Dump can print.
func Stages() []string { return []string{"desired", "kernel", "status"} }

// Dump prints a stage as text: desired is what the kernel ought to hold, kernel what the
// drivers know it to hold, in the words of nft and ip; status is what is not in order.
func (d *Dataplane) Dump(stage string, w io.Writer) error {
	var text string
	alive := d.Ask(func() {
		switch stage {
		case "desired":
			text = d.policyText(true) + d.tunnels.lines(true) + d.routeLines(func(f family.Family) []string { return d.routes.Get(f).Desired() })
		case "kernel":
			text = d.policyText(false) + d.tunnels.lines(false) + d.routeLines(func(f family.Family) []string { return d.routes.Get(f).Actual() })
		case "status":
			text = d.status()
		}
	})
	if !alive {
		return fmt.Errorf("dump %s: the dataplane has stopped", stage)
	}
	if text == "" {
		return fmt.Errorf("dump %s: there is no such stage; there are %s", stage, strings.Join(Stages(), ", "))
	}
	_, err := io.WriteString(w, text)
	return err
}

func (d *Dataplane) policyText(desired bool) string {
	var out strings.Builder
	for _, b := range d.backends {
		out.WriteString(b.text(desired))
	}
	return out.String()
}

func (d *Dataplane) routeLines(of func(family.Family) []string) string {
	var out strings.Builder
	for _, f := range family.All() {
		fmt.Fprintf(&out, "# %v routes\n", f)
		for _, line := range of(f) {
			fmt.Fprintln(&out, line)
		}
	}
	return out.String()
}

// Beat asks the loop whether it is alive, and lets health know. It is for whoever is
// asked for the agent's liveness, so that an idle loop need not wake up to say so. It
// gives up when the context ends: health then sees for how long nothing was heard.
func (d *Dataplane) Beat(ctx context.Context) {
	beat := func() {
		for _, f := range family.All() {
			d.health.Beat(time.Now(), component(f))
		}
	}
	select {
	case d.asks <- beat:
	case <-d.done:
	case <-ctx.Done():
	}
}

// Measure brings those metrics up to date that take a walk through everything. It is for
// whoever is asked for the metrics; it gives up when the context ends.
func (d *Dataplane) Measure(ctx context.Context) {
	measured := make(chan struct{})
	measure := func() {
		defer close(measured)
		var sizes family.Pair[metrics.TableSize]
		for _, f := range family.All() {
			*sizes.At(f) = d.backends[0].size(f)
			sizes.At(f).PolicySets = len(d.managers.Get(f).sets)
			d.metrics.Routes.SetSize(mainTable, f, d.routes.Get(f).Counts().Done, len(d.managers.Get(f).endpoints))
		}
		d.metrics.NFTables.SetSizes(sizes)
		d.measureEncryption()
	}
	select {
	case d.asks <- measure:
		<-measured
	case <-d.done:
	case <-ctx.Done():
	}
}

// mainTable is the number of the kernel's main routing table.
const mainTable = 254
