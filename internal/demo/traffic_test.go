package demo

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// shopLab has the three pods between which traffic runs, on one node that forwards.
func shopLab(t *testing.T) *netlab.Lab {
	t.Helper()
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "n", Pods: []netlab.PodSpec{
		{Name: steadySender, Addresses: netlab.Addrs("10.65.1.10", "fd00:10:65:1::10")},
		{Name: guestSender, Addresses: netlab.Addrs("10.65.1.11", "fd00:10:65:1::11")},
		{Name: receiver, Addresses: netlab.Addrs("10.65.1.12", "fd00:10:65:1::12")},
	}}}})
	if err := lab.Node("n").RouteByHand(); err != nil {
		t.Fatal(err)
	}
	return lab
}

func TestTrafficOnAnOpenPath(t *testing.T) {
	lab := shopLab(t)
	traffic, err := startTraffic(t.Context(), lab)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*netlab.Patience)
	defer cancel()
	for _, step := range []func(context.Context) error{traffic.runOn, traffic.awaitOpen} {
		if err := step(ctx); err != nil {
			t.Error(err)
		}
	}
	closing, stop := context.WithTimeout(ctx, 2*quiet)
	defer stop()
	if err := traffic.awaitClosed(closing); err == nil {
		t.Error("a flow that passes counts as denied")
	}
	traffic.stop()
	for _, s := range traffic.streams() {
		if r := s.Report(); len(r.Lost()) > 0 {
			t.Errorf("lost on an open path: %s", r)
		}
	}
}

func TestTrafficOfWhichOneFamilyIsClosed(t *testing.T) {
	lab := shopLab(t)
	if err := lab.Node("n").SetSysctl("net/ipv6/conf/all/forwarding", "0"); err != nil {
		t.Fatal(err)
	}
	if _, err := startTraffic(t.Context(), lab); err == nil || !strings.Contains(err.Error(), "IPv6 UDP stream from shop/web to shop/api: nothing arrives") {
		t.Errorf("traffic starts: %v", err)
	}
}

func TestTrafficThatTurnsAway(t *testing.T) {
	lab := shopLab(t)
	traffic, err := startTraffic(t.Context(), lab)
	if err != nil {
		t.Fatal(err)
	}
	defer traffic.stop()
	for _, setting := range []string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"} {
		if err := lab.Node("n").SetSysctl(setting, "0"); err != nil {
			t.Fatal(err)
		}
	}
	if err := traffic.awaitClosed(t.Context()); err != nil {
		t.Errorf("a flow of which nothing passes counts as open: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := traffic.awaitOpen(ctx); err == nil || !strings.Contains(err.Error(), "from shop/db to shop/api: nothing passes") {
		t.Errorf("awaited open: %v", err)
	}
	if err := traffic.runOn(ctx); err == nil || !strings.Contains(err.Error(), family.V4.String()[:2]) {
		t.Errorf("ran on: %v", err)
	}
}
