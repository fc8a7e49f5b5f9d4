package dataplane_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/nodetest"
)

// tunnelsOver is what health says of tunnels over a family; empty if all is well.
func tunnelsOver(d health.Detail, f family.Family) string {
	for _, c := range d.Conditions {
		if c.Name == "TunnelsUsable" && c.Family == f.String() {
			return c.Message
		}
	}
	return ""
}

// IPIP where the kernel has it. Where not, the node says which module it lacks, and pools of
// other encapsulations do not suffer. (make test-vm KERNEL_PACKAGES=internal/dataplane has it.)
func TestOverlayIPIP(t *testing.T) {
	t.Parallel()
	for _, mode := range []flavour{{"CrossSubnet", "ipipMode: CrossSubnet", false, true}, {"Always", "ipipMode: Always", true, true}} {
		t.Run(mode.name, func(t *testing.T) {
			pools := nodetest.Pools(family.NewSet(family.V4), mode.spec) + nodetest.Pools(family.NewSet(family.V6), "vxlanMode: Always")
			c := overlay{nodetest.StartCluster(t, nodetest.ClusterOptions{
				PodMTU: 1430, Manifests: map[string]string{"pools.yaml": pools},
			}), t}
			c.Settled()
			lacks := tunnelsOver(c.Nodes["a"].Readiness(), family.V4)
			if strings.Contains(lacks, "the kernel has no module ipip") {
				c.worksWithoutIPIP(t)
				return
			}
			for _, name := range nodetest.ClusterNodes() {
				c.awaitWhole(name)
			}
			for _, pair := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}} {
				beyond := pair[0] == nodetest.Far || pair[1] == nodetest.Far
				want := c.wire(pair[0], pair[1], family.V4, family.V4, false)
				if mode.near || beyond {
					want = c.ipip(pair[0], pair[1], beyond)
				}
				if got := c.sees(pair[0], pair[1], family.V4).String(); got != want {
					t.Errorf("from %s to %s: %s, want %s", pair[0], pair[1], got, want)
				}
				c.reaches(pair[0], pair[1], family.V4)
			}
		})
	}
}

// ipip is how a packet ought to look when it arrives at the other node. tunl0 takes the hop
// limit from what is inside.
func (c overlay) ipip(from, to string, beyond bool) string {
	hops := 63
	if beyond {
		hops--
	}
	return fmt.Sprintf("%v > %v ttl %d, IPIP: %v > %v ttl 63", c.Nodes[from].Address(family.V4), c.Nodes[to].Address(family.V4),
		hops, c.Address(from, family.V4), c.Address(to, family.V4))
}

func (c overlay) worksWithoutIPIP(t *testing.T) {
	t.Helper()
	a := c.Nodes["a"]
	a.Await(func() string {
		a.Pass()
		return tunnelsOver(a.Readiness(), family.V6)
	})
	for _, f := range family.All() {
		if d := a.Readiness(); !d.Ready {
			t.Errorf("%v: not ready: %+v", f, d)
		}
	}
	if got, want := c.sees("a", "b", family.V6).String(), c.wire("a", "b", family.V6, family.V6, true); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	c.reaches("a", "b", family.V6)
	if status := a.Dump("status"); strings.Count(status, "the kernel has no module ipip") == 0 {
		t.Errorf("%s", status)
	}
}

// Until the CNI plugin can be told the MTU, the node is not ready if that is asked for, and works
// all the same.
func TestRequireMTUFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, require string
		ready         bool
	}{
		{"/var/lib/calico/mtu", "true", true},
		{"/proc/mtu", "true", false},
		{"/proc/mtu", "false", true},
	} {
		n := nodetest.Start(t, nodetest.Options{Settings: map[string]string{"MTUFile": c.file, "RequireMTUFile": c.require}})
		n.Settled()
		d := n.Readiness()
		if d.Ready != c.ready {
			t.Errorf("%+v: %+v", c, d)
		}
		told := false
		for _, condition := range d.Conditions {
			told = told || condition.Name == "MTUFileWritten" && strings.Contains(condition.Message, "MTU for the CNI plugin")
		}
		if want := strings.HasPrefix(c.file, "/proc"); told != want {
			t.Errorf("%+v: told of it %v", c, told)
		}
	}
}
