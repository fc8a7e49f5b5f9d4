package routes_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/routes"
)

type noFlush struct{}

func (noFlush) Flush([]netip.Addr) error { return nil }

// many are routes to n other nodes' pods.
func many(f family.Family, n int) []model.Route {
	out := make([]model.Route, n)
	for i := range out {
		a := addr(f, fmt.Sprintf("10.%d.%d.%d", 1+i>>16, i>>8&255, i&255), fmt.Sprintf("fd00::%x:%x", i>>16, i&0xffff))
		out[i] = model.Route{Destination: family.HostPrefix(a), Kind: model.RouteRemote, Gateway: remote(f, 2).Gateway}
	}
	return out
}

func newDriver(f family.Family, w *namespace) *routes.Driver {
	return routes.New(routes.Options{Family: f, Kernel: w, Flusher: noFlush{}, Settings: routes.Settings{ClusterRoutes: true}})
}

func benchDriver(b *testing.B, f family.Family, w *namespace) *routes.Driver {
	d := newDriver(f, w)
	d.Claim("cali1")
	d.InSync()
	if _, err := d.Apply(time.Now()); err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkRoutes writes n routes into an empty table: the driver, the bare batch that it
// uses, and ip(8) with the same as a file. Then one pod more, with all of them standing.
func BenchmarkRoutes(b *testing.B) {
	for _, f := range family.All() {
		for _, n := range []int{1000, 10000} {
			name := fmt.Sprintf("%s/%d", f, n)
			b.Run(name+"/driver", func(b *testing.B) { benchAll(b, f, n) })
			b.Run(name+"/batch", func(b *testing.B) { benchBatch(b, f, n) })
			b.Run(name+"/ip", func(b *testing.B) { benchIP(b, f, n) })
			b.Run(name+"/one", func(b *testing.B) { benchOne(b, f, n) })
			b.Run(name+"/restart", func(b *testing.B) { benchRestart(b, f, n) })
		}
	}
}

func benchNamespace(b *testing.B) *namespace {
	w := newNamespace(b)
	linkUp(w, "cali1")
	linkUp(w, "up0")
	for _, f := range family.All() {
		w.AddAddress("up0", own(f))
	}
	return w
}

func benchAll(b *testing.B, f family.Family, n int) {
	w := benchNamespace(b)
	want := many(f, n)
	d := benchDriver(b, f, w)
	for b.Loop() {
		for _, r := range want {
			d.Want(r)
		}
		_, _ = d.Apply(time.Now())
		b.StopTimer()
		for _, r := range want {
			d.Unwant(r.Destination)
		}
		_, _ = d.Apply(time.Now())
		b.StartTimer()
	}
}

func benchBatch(b *testing.B, f family.Family, n int) {
	w := benchNamespace(b)
	var add, del []routes.Write
	for _, m := range many(f, n) {
		r := via(f, w.link("up0").Attrs().Index, m.Gateway, false)
		r.Destination = m.Destination
		add, del = append(add, routes.Write{Verb: routes.Create, Route: r}), append(del, routes.Write{Verb: routes.Delete, Route: r})
	}
	for b.Loop() {
		if err := errors.Join(w.Write(add)...); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		w.Write(del)
		b.StartTimer()
	}
}

func benchIP(b *testing.B, f family.Family, n int) {
	w := benchNamespace(b)
	var add, del bytes.Buffer
	for _, m := range many(f, n) {
		_, _ = fmt.Fprintf(&add, "route add %s via %s\n", m.Destination, m.Gateway)
		_, _ = fmt.Fprintf(&del, "route del %s via %s\n", m.Destination, m.Gateway)
	}
	run := func(lines *bytes.Buffer) {
		c := w.node.Command("ip", fmt.Sprintf("-%d", f.Version()), "-batch", "-")
		c.Stdin = bytes.NewReader(lines.Bytes())
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	for b.Loop() {
		run(&add)
		b.StopTimer()
		run(&del)
		b.StartTimer()
	}
}

func benchOne(b *testing.B, f family.Family, n int) {
	w := benchNamespace(b)
	d := benchDriver(b, f, w)
	for _, r := range many(f, n) {
		d.Want(r)
	}
	one := pod(f, 5, "cali1")
	_, _ = d.Apply(time.Now())
	b.ReportAllocs()
	for b.Loop() {
		d.Want(one)
		_, _ = d.Apply(time.Now())
		d.Unwant(one.Destination)
		_, _ = d.Apply(time.Now())
	}
}

func benchRestart(b *testing.B, f family.Family, n int) {
	w := benchNamespace(b)
	want := many(f, n)
	d := benchDriver(b, f, w)
	for _, r := range want {
		d.Want(r)
	}
	_, _ = d.Apply(time.Now())
	for b.Loop() {
		d := newDriver(f, w)
		for _, r := range want {
			d.Want(r)
		}
		d.InSync()
		if _, err := d.Apply(time.Now()); err != nil || !d.Settled() {
			b.Fatal("not settled", err)
		}
	}
}
