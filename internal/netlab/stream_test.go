package netlab_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// eachTraffic runs a test for every family, protocol and way of sending, from pod a to pod c.
func eachTraffic(t *testing.T, run func(t *testing.T, lab *netlab.Lab, traffic netlab.Traffic)) {
	lab := twoNodes(t)
	port := uint16(5000)
	for _, f := range family.All() {
		for _, protocol := range []netlab.Protocol{netlab.TCP, netlab.UDP} {
			for _, newFlows := range []bool{false, true} {
				port++
				traffic := netlab.Traffic{
					Protocol: protocol, NewFlows: newFlows, From: lab.Pod("a").Space, Receiver: lab.Pod("c").Space,
					To: netip.AddrPortFrom(lab.Pod("c").Address(f), port),
				}
				t.Run(fmt.Sprintf("%s %s new flows %t", f, protocol, newFlows), func(t *testing.T) { run(t, lab, traffic) })
			}
		}
	}
}

func TestNothingIsLostOnAnOpenPath(t *testing.T) {
	eachTraffic(t, func(t *testing.T, _ *netlab.Lab, traffic netlab.Traffic) {
		s, err := netlab.Start(context.Background(), traffic)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, err := s.Next(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if r := s.Stop(); len(r.Lost()) > 0 || len(r.Sent) < 20 {
			t.Errorf("%s: %s, want at least 20 sent and none lost", traffic, r)
		}
	})
}

// The path is cut and mended while traffic runs: the report shows both, and only that.
func TestAStreamShowsAnInterruption(t *testing.T) {
	eachTraffic(t, func(t *testing.T, lab *netlab.Lab, traffic netlab.Traffic) {
		ctx, cancel := context.WithTimeout(context.Background(), 4*netlab.Patience)
		defer cancel()
		s, err := netlab.Start(ctx, traffic)
		if err != nil {
			t.Fatal(err)
		}
		cut := time.Now()
		setForwarding(t, lab.Node("node1"), family.Of(traffic.To.Addr()), "0")
		none, stop := context.WithTimeout(ctx, 20*time.Millisecond)
		defer stop()
		for err = nil; err == nil; { // what was on its way still arrives
			_, err = s.Next(none)
		}
		setForwarding(t, lab.Node("node1"), family.Of(traffic.To.Addr()), "1")
		if _, err := s.Next(ctx); err != nil {
			t.Fatalf("%s: nothing arrives after the path is mended: %v", traffic, err)
		}
		r := s.Stop()
		if traffic.Protocol == netlab.UDP && len(r.Lost()) == 0 {
			t.Errorf("%s: %s, want some lost", traffic, r)
		}
		// The last one before the cut may have been on its way, and a connection begun long before.
		before := r.Between(time.Time{}, cut)
		if lost := before.Lost(); traffic.Protocol == netlab.UDP && len(lost) > 0 && lost[0] < len(before.Sent)-1 {
			t.Errorf("%s: lost %v of %d before the cut", traffic, lost, len(before.Sent))
		}
		if traffic.Protocol == netlab.TCP && !traffic.NewFlows && (len(r.Lost()) > 0 || r.Slowest() < 10*time.Millisecond) {
			t.Errorf("%s: %s, slowest %s; want all there, some late", traffic, r, r.Slowest())
		}
	})
}

// setForwarding makes a node swallow what it is to forward in a family, or forward it again.
func setForwarding(t *testing.T, n *netlab.Node, f family.Family, value string) {
	t.Helper()
	key := map[family.Family]string{family.V4: "net/ipv4/ip_forward", family.V6: "net/ipv6/conf/all/forwarding"}[f]
	if err := n.SetSysctl(key, value); err != nil {
		t.Fatal(err)
	}
}

func TestAStreamThatNeverArrives(t *testing.T) {
	lab := twoNodes(t)
	setForwarding(t, lab.Node("node1"), family.V6, "0")
	traffic := netlab.Traffic{
		Protocol: netlab.UDP, From: lab.Pod("a").Space, Receiver: lab.Pod("c").Space,
		To: netip.AddrPortFrom(lab.Pod("c").Address(family.V6), 5000),
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := netlab.Start(ctx, traffic); err == nil {
		t.Error("a stream of which nothing arrives counts as started")
	}
	s, err := netlab.StartBlocked(traffic)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Stop(); len(r.Lost()) != len(r.Sent) {
		t.Errorf("%s, want all lost", r)
	}
}

// at is a moment some milliseconds into a test; 0 is the zero time, a message that was lost.
func at(ms int) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.Unix(1000, int64(ms)*int64(time.Millisecond))
}

func report(pairs ...[2]int) netlab.Report {
	var r netlab.Report
	for _, p := range pairs {
		r.Sent = append(r.Sent, at(p[0]))
		r.Arrived = append(r.Arrived, at(p[1]))
	}
	return r
}

func TestReportTellsWhenThePathTurned(t *testing.T) {
	closes := report([2]int{10, 11}, [2]int{20, 21}, [2]int{30, 0}, [2]int{40, 0})
	opens := report([2]int{10, 0}, [2]int{20, 21}, [2]int{30, 0}, [2]int{40, 48}, [2]int{50, 51})
	for _, c := range []struct {
		name   string
		report netlab.Report
		after  int
		open   bool
		want   int
	}{
		{"closes", closes, 15, false, 30},
		{"closes, asked later", closes, 35, false, 40},
		{"never opens", closes, 5, true, 0},
		{"opens for good with the fourth", opens, 5, true, 40},
		{"does not close", opens, 5, false, 0},
		{"nothing sent", netlab.Report{}, 0, true, 0},
	} {
		if got := c.report.Turn(at(c.after), c.open); !got.Equal(at(c.want)) {
			t.Errorf("%s: turned at %v, want %v", c.name, got, at(c.want))
		}
	}
}

func TestReportInFigures(t *testing.T) {
	r := report([2]int{10, 12}, [2]int{20, 0}, [2]int{30, 31}, [2]int{40, 70}, [2]int{50, 0})
	if got, want := r.Lost(), []int{1, 4}; !slices.Equal(got, want) {
		t.Errorf("lost %v, want %v", got, want)
	}
	if got, want := r.Slowest(), 30*time.Millisecond; got != want {
		t.Errorf("slowest took %s, want %s", got, want)
	}
	if got, want := r.String(), "sent 5, lost 2 (first 1, last 4), longest gap 39ms"; got != want {
		t.Errorf("reads %q, want %q", got, want)
	}
	part := r.Between(at(10), at(40))
	if got, want := part.String(), "sent 3, lost 1 (first 0, last 0), longest gap 39ms"; got != want {
		t.Errorf("part reads %q, want %q", got, want)
	}
}
