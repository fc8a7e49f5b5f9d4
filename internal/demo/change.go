package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// change lets a changed manifest take the place of an original one while traffic runs, and back, and
// shows how long each took to arrive in either family.
func (d *demo) change(ctx context.Context) error {
	name, err := findChange(d.Manifests)
	if err != nil {
		return err
	}
	d.console.begin("Changing %s while traffic runs", name)
	t, err := startTraffic(ctx, d.lab)
	if err != nil {
		return err
	}
	changed, back, err := d.thereAndBack(ctx, t, name)
	t.stop()
	if err != nil {
		return err
	}
	d.console.end("done")
	return d.showChange(t, changed, back)
}

// thereAndBack makes the change and takes it back, each when the one before has arrived. It returns
// the moments just before the two renames.
func (d *demo) thereAndBack(ctx context.Context, t *traffic, name string) (changed, back time.Time, err error) {
	if err := t.runOn(ctx); err != nil {
		return changed, back, err
	}
	changed, err = d.replace(name, name+changedSuffix)
	if err = errors.Join(err, t.awaitOpen(ctx)); err != nil {
		return changed, back, err
	}
	if err := t.runOn(ctx); err != nil {
		return changed, back, err
	}
	back, err = d.replace(name, name)
	if err = errors.Join(err, t.awaitClosed(ctx)); err != nil {
		return changed, back, err
	}
	return changed, back, t.runOn(ctx)
}

// replace lets a file of the example take the place of a manifest that the agents read, and returns
// the moment just before it did.
func (d *demo) replace(name, by string) (time.Time, error) {
	text, err := os.ReadFile(filepath.Join(d.Manifests, by))
	if err != nil {
		return time.Time{}, err
	}
	rename, err := prepareReplacement(filepath.Join(d.manifests(), name), string(text))
	if err != nil {
		return time.Time{}, err
	}
	at := time.Now()
	return at, rename()
}

// showChange prints what the streams say about a change, and returns as an error what is not as it
// should be.
func (d *demo) showChange(t *traffic, changed, back time.Time) error {
	var faults []error
	var opened, closed, lost family.Pair[string]
	for _, f := range family.All() {
		guest := judge(t.guest.Get(f).Report(), changed, back)
		for _, text := range guest.faults {
			faults = append(faults, fmt.Errorf("%s from %s to %s: %s", f, guestSender, receiver, text))
		}
		*opened.At(f), *closed.At(f) = milliseconds(guest.opened), milliseconds(guest.closed)
		steady := t.steady.Get(f).Report()
		*lost.At(f) = fmt.Sprintf("%d of %d", len(steady.Lost()), len(steady.Sent))
		if len(steady.Lost()) > 0 {
			faults = append(faults, fmt.Errorf("%s from %s to %s, allowed all the time: %s", f, steadySender, receiver, steady))
		}
	}
	line := func(what string, values family.Pair[string]) {
		fmt.Fprintf(d.console, "  %-56s%-12s%s\n", what, values.Get(family.V4), values.Get(family.V6))
	}
	fmt.Fprintln(d.console)
	line(fmt.Sprintf("UDP, a packet of a new flow every %s", pace), family.PairOf(family.V4.String(), family.V6.String()))
	line(guestSender+" to "+receiver+": let in after", opened)
	line("the same, when the change is taken back: denied after", closed)
	line(steadySender+" to "+receiver+", allowed all the time: lost", lost)
	fmt.Fprintln(d.console)
	return errors.Join(faults...)
}

// milliseconds is a duration as people are shown it; "-" is none.
func milliseconds(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
