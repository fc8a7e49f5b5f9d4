package render_test

import (
	"os/exec"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/iptables/render"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/rules/rulestest"
)

// inKernel is a driver on the kernel of a lab's node, through the programs of a variant.
func inKernel(t *testing.T, f family.Family, v iptables.Variant) *node {
	t.Helper()
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node"}}})
	start := func(c *exec.Cmd) error { return lab.Node("node").Do(c.Start) }
	d := iptables.New(iptables.Options{
		Family: f, Kernel: &iptables.Programs{Family: f, Variant: v, Start: start}, Sets: &ipset.Programs{Start: start},
	})
	d.InSync()
	return &node{family: f, driver: d, render: render.In(d)}
}

// Whatever is rendered, the programs and the kernel take: nothing is refused, and what they
// print of it is recognised, so that nothing is written again.
func TestKernelTakesWhateverIsRendered(t *testing.T) {
	worlds := rapid.Custom(drawWorld)
	for _, v := range []iptables.Variant{iptables.NFT, iptables.Legacy} {
		eachFamily(t, func(t *testing.T, f family.Family) {
			t.Run(string(v), func(t *testing.T) {
				t.Parallel()
				n := inKernel(t, f, v)
				all := []*rulestest.World{shop(), withEverything(), v6Off(shop()), shop()}
				for seed := range 60 {
					all = append(all, worlds.Example(seed))
				}
				n.withTunnels()
				for _, w := range all {
					n.change(t, w)
					before := n.driver.Stats()
					n.driver.Resync()
					n.change(t, w)
					if s := n.driver.Stats(); s.Restores != before.Restores || s.Sets.Restores != before.Sets.Restores {
						t.Fatalf("written again: %+v, was %+v\n%s", s, before, n.driver.Text(true))
					}
				}
			})
		})
	}
}
