package routes_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/routes"
	"github.com/margay-net/margay/internal/routes/fakekernel"
)

// whole is the slow, obvious form of the driver: what the kernel's table must be in the
// end, computed from nothing but what is desired and which links are up.
type whole struct {
	pods  map[int]string // number of the address to interface
	links map[string]bool
}

func (m whole) routes(f family.Family, claimed bool) []string {
	var out []string
	for number, name := range m.pods {
		if m.links[name] {
			suffix := family.PairOf(" dev %s proto 3 scope link metric 1024", " dev %s proto 3 metric 1024")
			out = append(out, pod(f, number, name).Destination.String()+fmt.Sprintf(suffix.Get(f), name))
		}
	}
	if f == family.V4 && claimed {
		out = append(out, "169.254.1.1/32 dev lo proto 80 scope link")
	}
	slices.Sort(out)
	return out
}

// Whatever happens in whatever order, with what events are lost and which writes fail:
// once all has been said and tried, the kernel has what the model says.
func TestDriverAgreesWithTheModel(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { runProperty(t, rt, f) })
		})
	}
}

func runProperty(t *testing.T, rt *rapid.T, f family.Family) {
	k := fakekernel.New()
	n := &node{t: t, w: k, families: []family.Family{f}, now: time.Unix(1000, 0), counting: &counting{Kernel: k}, names: map[int]string{1: "lo"}}
	n.start(routes.Settings{})
	d := n.drivers[f]
	d.InSync()
	m := whole{pods: map[int]string{}, links: map[string]bool{}}
	for _, name := range []string{"cali1", "cali2"} {
		d.Claim(name)
	}
	names := rapid.SampledFrom([]string{"cali1", "cali2"})
	numbers := rapid.IntRange(1, 3)
	rt.Repeat(map[string]func(*rapid.T){
		"want": func(t *rapid.T) {
			number, name := numbers.Draw(t, "number"), names.Draw(t, "name")
			m.pods[number] = name
			d.Want(pod(f, number, name))
		},
		"unwant": func(t *rapid.T) {
			number := numbers.Draw(t, "number")
			delete(m.pods, number)
			d.Unwant(pod(f, number, "").Destination)
		},
		"link": func(t *rapid.T) {
			name := names.Draw(t, "name")
			up, there := m.links[name]
			switch {
			case !there:
				n.names[k.AddLink(name)] = name
				m.links[name] = false
			case rapid.IntRange(0, 2).Draw(t, "gone") == 0:
				k.DeleteLink(name)
				delete(m.links, name)
			default:
				k.SetLink(name, !up)
				m.links[name] = !up
			}
		},
		"stranger": func(t *rapid.T) {
			all, _ := k.Routes(f)
			// Somebody else's way to the gateway does as well as ours.
			all = slices.DeleteFunc(all, func(r routes.Route) bool { return r.Link == 1 })
			if len(all) == 0 {
				return
			}
			r := rapid.SampledFrom(all).Draw(t, "route")
			verb := rapid.SampledFrom([]routes.Verb{routes.Delete, routes.Replace}).Draw(t, "verb")
			if verb == routes.Replace {
				r.Protocol = 4
			}
			_ = k.Stranger(routes.Write{Verb: verb, Route: r})
		},
		"lose events": func(*rapid.T) { k.Overrun() },
		"fail":        func(*rapid.T) { k.FailWrites(errDown) },
		"restart": func(*rapid.T) {
			n.start(routes.Settings{})
			d = n.drivers[f]
			for _, name := range []string{"cali1", "cali2"} {
				d.Claim(name)
			}
			for number, name := range m.pods {
				d.Want(pod(f, number, name))
			}
			d.InSync()
		},
		"step": func(*rapid.T) { n.turn(f) },
	})
	k.FailWrites()
	for range 20 {
		n.now = n.now.Add(time.Minute)
		n.turn(f)
	}
	got := n.routesOf(f)
	got = slices.DeleteFunc(got, func(s string) bool { return strings.Contains(s, "192.0.2.77") })
	if want := m.routes(f, true); !slices.Equal(got, want) {
		rt.Fatalf("routes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !d.Settled() {
		rt.Fatalf("not settled: desired\n%s\nactual\n%s", strings.Join(d.Desired(), "\n"), strings.Join(d.Actual(), "\n"))
	}
}

// turn is a step that never fails the test.
func (n *node) turn(f family.Family) {
	d := n.drivers[f]
	d.Handle(settled(n.t, n.w, f, n.events[f]), n.now)
	n.feed.Events()
	_, _ = d.Apply(n.now)
	n.feed.Events()
}

func trap() error { return &rtnetlink.Error{Errno: syscall.EINVAL} }

// A change in place that the kernel refuses is made in two steps: the onlink trap.
func TestAReplacementInTwoSteps(t *testing.T) {
	n := fakeNode(t)
	n.uplink()
	n.inSync()
	n.each(func(f family.Family, d *routes.Driver) {
		d.Want(remote(f, 2))
	})
	n.step()
	n.each(func(f family.Family, d *routes.Driver) {
		k := n.w.(*fakekernel.Kernel)
		r := remote(f, 2)
		r.Gateway = remote(f, 3).Gateway
		k.FailWrites(trap())
		d.Want(r)
		n.counting.writes = nil
		n.turn(f)
		var verbs []string
		for _, w := range n.counting.writes {
			verbs = append(verbs, w.Verb.String())
		}
		if !slices.Equal(verbs, []string{"replace", "del", "add"}) {
			t.Errorf("%s: %q", f, verbs)
		}
	})
	n.shows("another gateway", []string{"10.244.2.0/24 via 172.16.0.3 dev up0 proto 80"},
		[]string{"fd00:244:2::/64 via fd00:16::3 dev up0 proto 80 metric 1024"})
	n.allDone("another gateway")
}
