package render_test

import (
	"fmt"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/iptables/render"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/rules"
)

// recorder passes on what it is told, and keeps it.
type recorder struct {
	iptables.Kernel
	inputs [][]byte
	tables []string
}

func (r *recorder) Restore(table string, input []byte) error {
	r.inputs, r.tables = append(r.inputs, input), append(r.tables, table)
	return r.Kernel.Restore(table, input)
}

// busy is a node with 200 pods and 1,000 policies, of which five apply to each pod, and with a
// set of 100,000 members.
type busy struct {
	*node
	kernel   *recorder
	renderer *render.Renderer
	policies map[model.PolicyID]*rules.Policy
}

const (
	busyPods     = 200
	busyPolicies = 1000
	busyMembers  = 100_000
)

func newBusy(b *testing.B, f family.Family, v iptables.Variant) *busy {
	b.Helper()
	lab := netlab.Test(b, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node"}}})
	start := func(c *exec.Cmd) error { return lab.Node("node").Do(c.Start) }
	n := &busy{
		kernel:   &recorder{Kernel: &iptables.Programs{Family: f, Variant: v, Start: start}},
		renderer: render.New(f, felixDefaults(), idiom()), policies: map[model.PolicyID]*rules.Policy{},
	}
	d := iptables.New(iptables.Options{Family: f, Kernel: n.kernel, Sets: &ipset.Programs{Start: start}})
	d.InSync()
	n.node = &node{family: f, driver: d, render: render.In(d)}
	return n
}

func policyID(i int) model.PolicyID {
	return model.Key{Kind: model.KindKubernetesPolicy, Namespace: "shop", Name: fmt.Sprintf("policy-%d", i)}
}

// policy has a few rules, one of which is for a port.
func (n *busy) policy(i int, port uint16) *rules.Policy {
	in := model.Directions(0).With(model.Ingress)
	p := &model.ActivePolicy{ID: policyID(i), Types: in}
	for k := range 4 {
		p.Ingress = append(p.Ingress, model.Rule{Action: model.Allow, Protocol: model.TCP,
			Source:      model.Peer{Selector: "x", Sets: []model.SetID{"a"}},
			Destination: model.Peer{Ports: []model.PortRange{{First: port + uint16(k), Last: port + uint16(k)}}}})
	}
	return rules.Reduce(p, n.family)
}

func (n *busy) pod(i int) *model.LocalEndpoint {
	a := addrs("10.65.0.0", "fd00:65::").Get(n.family).AsSlice()
	a[len(a)-1], a[len(a)-2] = byte(i+1), byte(i>>8)
	address, _ := netip.AddrFromSlice(a)
	ep := &model.LocalEndpoint{
		ID:        model.Key{Kind: model.KindPod, Namespace: "shop", Name: fmt.Sprintf("pod-%d", i)},
		Interface: fmt.Sprintf("cali%011x", i*2654435761%(1<<44)),
	}
	*ep.Addresses.At(n.family) = address
	tier := model.TierPolicies{Name: "default", Default: model.Deny}
	for k := range 5 {
		tier.Ingress = append(tier.Ingress, policyID((i*5+k)%busyPolicies))
	}
	ep.Tiers = []model.TierPolicies{tier}
	return ep
}

// all is everything that the node is to have.
func (n *busy) all() (out []render.Change) {
	set := model.Set{ID: "a", Kind: model.AddressSet}
	var members []model.Member
	base := addrs("10.128.0.0", "fd00:128::").Get(n.family).AsSlice()
	for i := range busyMembers {
		k := len(base)
		base[k-1], base[k-2], base[k-3] = byte(i), byte(i>>8), byte(i>>16)
		a, _ := netip.AddrFromSlice(base)
		members = append(members, model.Member{Prefix: family.HostPrefix(a)})
	}
	put := func(p render.Part) { out = append(out, render.Change{New: p}) }
	put(n.renderer.Base())
	put(n.renderer.Tunnel(rules.Tunnel{}))
	put(n.renderer.Set(set))
	put(n.renderer.Members(set, members[1:]))
	for i := range busyPolicies {
		p := n.policy(i, 8000)
		n.policies[p.ID] = p
		put(n.renderer.Policy(p))
	}
	for i := range busyPods {
		ep := n.pod(i)
		put(n.renderer.Endpoint(ep))
		for _, d := range []model.Direction{model.Ingress, model.Egress} {
			put(n.renderer.Direction(ep, d, func(id model.PolicyID) *rules.Policy { return n.policies[id] }))
		}
	}
	return out
}

func eachVariant(b *testing.B, run func(*testing.B, *busy)) {
	for _, v := range []iptables.Variant{iptables.NFT, iptables.Legacy} {
		for _, f := range family.All() {
			b.Run(fmt.Sprintf("%s/%v", v, f), func(b *testing.B) { run(b, newBusy(b, f, v)) })
		}
	}
}

// One policy changes, forth and back: by the driver, with all that it does, and by the bare
// program with the same lines.
func BenchmarkPolicyChange(b *testing.B) {
	eachVariant(b, func(b *testing.B, n *busy) {
		n.render.Put(n.all()...)
		n.apply(b)
		versions := []render.Part{n.renderer.Policy(n.policy(7, 8000)), n.renderer.Policy(n.policy(7, 9000))}
		change := func(i int) {
			n.render.Put(render.Change{Old: versions[i%2], New: versions[(i+1)%2]})
			n.apply(b)
		}
		n.kernel.inputs = nil
		change(0)
		change(1)
		if len(n.kernel.inputs) != 2 || n.kernel.tables[len(n.kernel.tables)-1] != iptables.Filter {
			b.Fatalf("%d processes for two changes", len(n.kernel.inputs))
		}
		inputs := n.kernel.inputs
		// In turns: whatever else the machine does, it does to both.
		var driver, bare time.Duration
		for b.Loop() {
			for i := range 2 {
				start := time.Now()
				change(i)
				between := time.Now()
				if err := n.kernel.Kernel.Restore(iptables.Filter, inputs[i]); err != nil {
					b.Fatal(err)
				}
				driver, bare = driver+between.Sub(start), bare+time.Since(between)
			}
		}
		b.ReportMetric(float64(driver.Microseconds())/float64(2*b.N)/1000, "driver-ms")
		b.ReportMetric(float64(bare.Microseconds())/float64(2*b.N)/1000, "bare-ms")
		b.ReportMetric(driver.Seconds()/bare.Seconds(), "ratio")
	})
}

// One member comes and goes among 100,000.
func BenchmarkMember(b *testing.B) {
	eachVariant(b, func(b *testing.B, n *busy) {
		n.render.Put(n.all()...)
		n.apply(b)
		one := n.renderer.Members(model.Set{ID: "a", Kind: model.AddressSet},
			[]model.Member{{Prefix: family.HostPrefix(addrs("10.128.0.0", "fd00:128::").Get(n.family).Next().Next())}, {Prefix: family.HostPrefix(addrs("192.0.2.1", "2001:db8::1").Get(n.family))}}[1:])
		before := n.driver.Stats()
		for b.Loop() {
			n.render.Put(render.Change{New: one})
			n.apply(b)
			n.render.Put(render.Change{Old: one})
			n.apply(b)
		}
		after := n.driver.Stats()
		if lines := after.Sets.Lines - before.Sets.Lines; lines != 2*b.N || after.Restores != before.Restores {
			b.Errorf("%d lines for %d changes, and %d writes of tables", lines, 2*b.N, after.Restores-before.Restores)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(2*b.N)/1000, "ms/member")
	})
}

// All of it at once, on an empty kernel: sets with 100,000 members, 1,000 policies, 200 pods.
func BenchmarkFirstSync(b *testing.B) {
	for _, v := range []iptables.Variant{iptables.NFT, iptables.Legacy} {
		for _, f := range family.All() {
			b.Run(fmt.Sprintf("%s/%v", v, f), func(b *testing.B) {
				for b.Loop() {
					n := newBusy(b, f, v)
					start := time.Now()
					n.render.Put(n.all()...)
					n.apply(b)
					b.ReportMetric(float64(time.Since(start).Milliseconds()), "sync-ms")
				}
			})
		}
	}
}
