package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/margay-net/margay/internal/netlab"
)

// capture shows how packets look on the wire between every two nodes, and holds that against what
// the pools ask for.
func (d *demo) capture(ctx context.Context) error {
	switch d.Encapsulation.Kind {
	case "":
		return nil
	case wireguardKind:
		return d.captureEncrypted(ctx)
	}
	crossings := d.cluster.crossings()
	d.console.begin("Looking at the wire between the nodes")
	taps, err := d.tap()
	if err != nil {
		return err
	}
	// The kernel takes its time over the closing, and nobody need wait for it.
	defer func() {
		for _, t := range taps {
			go t.Close()
		}
	}()
	var lines []string
	var reasons []error
	for i, c := range crossings {
		seen, err := d.captureOne(ctx, taps[c.to], c)
		if err != nil {
			return err
		}
		d.console.progress(i+1, len(crossings))
		lines = append(lines, fmt.Sprintf("  %s > %s  %v", c.from, c.to, seen))
		if want := d.Encapsulation.hides(d.cluster, c.from, c.to); seen.VXLAN != want {
			reasons = append(reasons, fmt.Errorf("%v from %s to %s: encapsulated %v, want %v", c.family, c.from, c.to, seen.VXLAN, want))
		}
	}
	if len(reasons) == 0 {
		d.console.end("encapsulated where they should be")
	} else {
		d.console.end("%d are not as expected", len(reasons))
		reasons = append([]error{ErrDiffers}, reasons...)
	}
	fmt.Fprintln(d.console)
	for _, line := range lines {
		fmt.Fprintln(d.console, line)
	}
	return errors.Join(reasons...)
}

// tap listens to what arrives at the nodes.
func (d *demo) tap() (map[string]*netlab.Tap, error) {
	taps := map[string]*netlab.Tap{}
	for _, n := range d.cluster {
		t, err := d.lab.Node(n.Name).TapWire(netlab.Uplink)
		if err != nil {
			return nil, err
		}
		taps[n.Name] = t
	}
	return taps, nil
}

// firstCapturePort is the first source port of marked packets.
const firstCapturePort = 20000

// again is how long a packet is waited for before another one is sent: right after the start,
// nodes have yet to hear of each other's tunnel addresses.
const again = 100 * time.Millisecond

// captureOne sends marked packets from pod to pod until one arrives at the receiver's node.
// Whether the receiving pod would take it does not matter. Each begins a connection of its own:
// one the other way round between the same ports would count as an odd answer.
func (d *demo) captureOne(ctx context.Context, tap *netlab.Tap, c crossing) (netlab.Capture, error) {
	sender, receiver := d.lab.Pod(c.sender), d.lab.Pod(c.receiver)
	for end := time.Now().Add(d.Patience); time.Now().Before(end); d.port++ {
		token := netlab.Token()
		packet := netlab.Packet{
			From: sender.Address(c.family), To: receiver.Address(c.family), Payload: netlab.Segment(firstCapturePort+d.port, Port, netlab.SYN, token),
		}
		if err := sender.Transmit(packet.Bytes()); err != nil {
			return netlab.Capture{}, err
		}
		seen, heard, err := tap.Captures(token, again)
		if heard || err != nil {
			return seen, err
		}
		if err := ctx.Err(); err != nil {
			return netlab.Capture{}, err
		}
	}
	return netlab.Capture{}, fmt.Errorf("%v from %s on %s to %s on %s: nothing on the wire within %s",
		c.family, c.sender, c.from, c.receiver, c.to, d.Patience)
}
