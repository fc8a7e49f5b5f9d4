package routes_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/routes"
)

// The largest cluster that is thought of: 1,024 nodes with 64 blocks each.
const (
	manyNodes = 1024
	manyEach  = 64
)

// blocksThroughVXLAN are the routes to all those blocks, each through its node's first address.
func blocksThroughVXLAN(f family.Family) []model.Route {
	var out []model.Route
	for node := range manyNodes {
		gateway := netip.Addr{}
		for block := range manyEach {
			i := node*manyEach + block
			to := prefix(f, fmt.Sprintf("10.%d.%d.%d/26", i>>10, i>>2&255, i&3<<6), fmt.Sprintf("fd00:1::%x:%x/122", i>>10, i&1023<<6))
			if block == 0 {
				gateway = to.Addr()
			}
			out = append(out, model.Route{
				Destination: to, Kind: model.RouteRemote, Node: fmt.Sprint("n", node), Gateway: gateway,
				Encapsulation: model.VXLAN, Pool: model.VXLAN, Underlay: f,
			})
		}
	}
	return out
}

// tunnelBench is a namespace with a tunnel's device, and a driver of its routes.
type tunnelBench struct {
	*testing.B
	w    *namespace
	f    family.Family
	want []model.Route

	spent time.Duration
	done  int
}

// timed runs what is measured, and counts the processor time of the process, which says more
// than the clock where other programs run: user and system, the kernel's part of writing included.
func (b *tunnelBench) timed(run func()) {
	b.StartTimer()
	before := b.processor()
	run()
	b.spent += b.processor() - before
	b.StopTimer()
	b.ReportMetric(b.spent.Seconds()*1000/float64(max(1, b.rounds())), "cpu-ms/op")
}

func (b *tunnelBench) rounds() int { b.done++; return b.done }

func (b *tunnelBench) processor() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (b *tunnelBench) driver() *routes.Driver {
	d := routes.New(routes.Options{Family: b.f, Kernel: b.w, Flusher: noFlush{}, Settings: tunnelSettings()})
	d.InSync()
	b.apply(d)
	return d
}

func (b *tunnelBench) apply(d *routes.Driver) {
	if _, err := d.Apply(time.Now()); err != nil {
		b.Fatal(err)
	}
}

func (b *tunnelBench) wantAll(d *routes.Driver) {
	for _, r := range b.want {
		d.Want(r)
	}
}

// filled is a driver with all its routes in the kernel.
func (b *tunnelBench) filled() *routes.Driver {
	d := b.driver()
	b.wantAll(d)
	b.apply(d)
	if !d.Settled() {
		b.Fatal("not settled")
	}
	return d
}

// BenchmarkTunnelRoutes measures 65,536 routes through VXLAN. Each of write, resync and restart is
// to be read beside what it cannot do without: batch, the same routes written by nobody in
// particular, and dump, the table read and decoded.
func BenchmarkTunnelRoutes(b *testing.B) {
	for _, f := range family.All() {
		for _, part := range []struct {
			name string
			run  func(*tunnelBench)
		}{
			{"batch", (*tunnelBench).batch}, {"write", (*tunnelBench).write}, {"dump", (*tunnelBench).dump},
			{"resync", (*tunnelBench).resync}, {"restart", (*tunnelBench).restart}, {"one", (*tunnelBench).one},
		} {
			b.Run(f.String()+"/"+part.name, func(b *testing.B) {
				t := &tunnelBench{B: b, w: benchNamespace(b), f: f, want: blocksThroughVXLAN(f)}
				linkUp(t.w, vxlan(f))
				part.run(t)
			})
		}
	}
}

// batch writes what write has written.
func (b *tunnelBench) batch() {
	b.filled()
	all, err := b.w.Routes(b.f)
	if err != nil {
		b.Fatal(err)
	}
	var gateways, others, remove []routes.Write
	for _, r := range all {
		switch {
		case r.Protocol != routes.Protocol:
			continue
		case r.Gateway.IsValid():
			others = append(others, routes.Write{Verb: routes.Create, Route: r})
		default:
			gateways = append(gateways, routes.Write{Verb: routes.Create, Route: r})
		}
		remove = append(remove, routes.Write{Verb: routes.Delete, Route: r})
	}
	for b.Loop() {
		b.StopTimer()
		b.w.Write(remove)
		b.timed(func() {
			if err := errors.Join(b.w.Write(append(gateways, others...))...); err != nil {
				b.Fatal(err)
			}
		})
		b.StartTimer()
	}
}

// write is what a driver does that has just been told what to want: it reads, plans and writes.
func (b *tunnelBench) write() {
	for b.Loop() {
		b.StopTimer()
		b.driver() // removes what stands
		d := routes.New(routes.Options{Family: b.f, Kernel: b.w, Flusher: noFlush{}, Settings: tunnelSettings()})
		d.InSync()
		b.wantAll(d)
		b.timed(func() { b.apply(d) })
		b.StartTimer()
	}
}

func (b *tunnelBench) dump() {
	b.filled()
	for b.Loop() {
		b.timed(func() {
			if all, err := b.w.Routes(b.f); err != nil || len(all) < len(b.want) {
				b.Fatal(len(all), err)
			}
		})
		b.StartTimer()
	}
}

// resync is after events were lost.
func (b *tunnelBench) resync() {
	d := b.filled()
	for b.Loop() {
		d.Handle([]routes.Event{{Overrun: true}}, time.Now())
		b.timed(func() { b.apply(d) })
		b.StartTimer()
	}
}

// restart is by a driver that knows nothing yet.
func (b *tunnelBench) restart() {
	b.filled()
	for b.Loop() {
		d := routes.New(routes.Options{Family: b.f, Kernel: b.w, Flusher: noFlush{}, Settings: tunnelSettings()})
		b.wantAll(d)
		d.InSync()
		b.timed(func() { b.apply(d) })
		b.StartTimer()
	}
}

// one changes the way of one route among all.
func (b *tunnelBench) one() {
	d := b.filled()
	to := [2]model.Route{b.want[100], b.want[100]}
	to[1].Gateway = b.want[200].Gateway
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.Want(to[i&1])
		b.apply(d)
	}
	if !d.Settled() {
		b.Fatal("not settled")
	}
}
