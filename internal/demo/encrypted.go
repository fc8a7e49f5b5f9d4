package demo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// wireguardKind is the Encapsulation that nobody on the wire can read.
const wireguardKind = "wireguard"

// encrypting are the replacements that have the manifests ask for WireGuard in both families, and
// for nothing to leave in the clear while nodes do not know each other's keys yet.
func encrypting() []string {
	const clear = "  programClusterRoutes: Enabled\n"
	return []string{clear, clear + "  wireguardEnabled: true\n  wireguardEnabledV6: true\n  wireguardRequired: true\n"}
}

// wireguardDevice and wireguardPort are the defaults of the settings.
func wireguardDevice(f family.Family) string {
	p := family.PairOf("wireguard.cali", "wg-v6.cali")
	return p.Get(f)
}

func wireguardPort(f family.Family) uint16 {
	p := family.PairOf[uint16](51820, 51821)
	return p.Get(f)
}

// captureEncrypted sends marked packets between every two nodes, and shows in what they crossed
// the wire: they must come out of the other node's device, and not be readable before.
func (d *demo) captureEncrypted(ctx context.Context) error {
	crossings := d.cluster.crossings()
	d.console.begin("Looking at the wire between the nodes")
	var lines []string
	var reasons []error
	for i, c := range crossings {
		line, err := d.captureSecret(ctx, c)
		if errors.Is(err, ErrDiffers) {
			reasons = append(reasons, err)
		} else if err != nil {
			return err
		}
		d.console.progress(i+1, len(crossings))
		lines = append(lines, line)
	}
	if len(reasons) == 0 {
		d.console.end("nothing of pods in the clear")
	} else {
		d.console.end("%d are not as expected", len(reasons))
	}
	fmt.Fprintf(d.console, "\n%s\n", strings.Join(lines, "\n"))
	return errors.Join(reasons...)
}

// captureSecret sends a marked packet from pod to pod until one comes out of the tunnel, and
// returns a line about what was on the wire meanwhile. ErrDiffers says that it could be read there.
func (d *demo) captureSecret(ctx context.Context, c crossing) (line string, err error) {
	wire, err := d.lab.Node(c.to).TapWire(netlab.Uplink)
	if err != nil {
		return "", err
	}
	defer func() { go wire.Close() }() // the kernel takes its time, see capture
	tunnel, err := d.lab.Node(c.to).TapWire(wireguardDevice(c.family))
	if err != nil {
		return "", err
	}
	defer func() { go tunnel.Close() }()
	if err := d.sendUntilHeard(ctx, tunnel, c); err != nil {
		return "", err
	}
	from, to := d.lab.Node(c.from).Address(c.family), d.lab.Node(c.to).Address(c.family)
	seen := wire.Seen()
	hidden, open := d.count(seen, from, to, wireguardPort(c.family))
	line = fmt.Sprintf("  %s > %s  %v > %v, UDP to port %d: %d packets; of pods in the clear: %d",
		c.from, c.to, from, to, wireguardPort(c.family), hidden, open)
	if hidden == 0 || open > 0 {
		err = fmt.Errorf("%w: %v from %s to %s is not encrypted: on the wire were %v", ErrDiffers, c.family, c.from, c.to, seen)
	}
	return line, err
}

func (d *demo) sendUntilHeard(ctx context.Context, tunnel *netlab.Tap, c crossing) error {
	sender, receiver := d.lab.Pod(c.sender), d.lab.Pod(c.receiver)
	for end := time.Now().Add(d.Patience); time.Now().Before(end); d.port++ {
		token := netlab.Token()
		packet := netlab.Packet{
			From: sender.Address(c.family), To: receiver.Address(c.family), Payload: netlab.Segment(firstCapturePort+d.port, Port, netlab.SYN, token),
		}
		if err := sender.Transmit(packet.Bytes()); err != nil {
			return err
		}
		if heard, err := tunnel.Hears(token, again); heard || err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%v from %s on %s to %s on %s: nothing comes out of the tunnel within %s",
		c.family, c.sender, c.from, c.receiver, c.to, d.Patience)
}

// count counts the packets of the tunnel from one node to another, and those that are of pods and
// can be read.
func (d *demo) count(seen []netlab.Capture, from, to netip.Addr, port uint16) (hidden, open int) {
	for _, p := range seen {
		switch {
		case d.ofPods(p):
			open++
		case p.Port == port && p.From == from && p.To == to:
			hidden++
		}
	}
	return hidden, open
}

// ofPods says whether a packet is from a pod, or to one.
func (d *demo) ofPods(c netlab.Capture) bool {
	return slices.ContainsFunc(d.cluster, func(n netlab.NodeSpec) bool {
		return slices.ContainsFunc(n.Pods, func(p netlab.PodSpec) bool {
			return slices.ContainsFunc(p.Addresses, func(a netip.Addr) bool { return a == c.From || a == c.To })
		})
	})
}
