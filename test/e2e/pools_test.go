package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// Pods of pools with and without tunnels reach each other across nodes, by routes that the agents
// make of pools and blocks, and reach the world by their node's address.
func TestPools(t *testing.T) {
	for _, vxlan := range []string{"Never", "Always"} {
		for name, options := range variants {
			t.Run("vxlan "+vxlan+", "+name, func(t *testing.T) {
				options.Nodes, options.WithoutNodeRoutes = 3, true
				c := cluster.Start(t, options)
				c.Install(overlays[name])
				c.Apply(poolsOf(c, vxlan))
				c.UseIPAM()
				shop(c)
				startAgents(c)
				c.AwaitFlows(c.Table(`
					FROM        TO            IPv4 TCP  IPv6 TCP  IPv4 ICMP  IPv6 ICMP
					shop/web    shop/db:5432  yes       yes       -          -
					else/guest  shop/db:5432  yes       yes       -          -
					shop/cache  else/guest    -         -         yes        yes`))
				checkTranslation(t, c)
				checkDevices(t, c, vxlan == "Always")
			})
		}
	}
}

// poolsOf is a pool for each of the cluster's families.
func poolsOf(c *cluster.Cluster, vxlan string) string {
	nets := family.PairOf("10.244.0.0/16", "fd00:10:244::/48")
	var text strings.Builder
	for _, f := range c.Families().Families() {
		fmt.Fprintf(&text, `---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: %s}
spec: {cidr: %q, vxlanMode: %s, natOutgoing: true}
`, strings.ToLower(f.String()), nets.Get(f), vxlan)
	}
	return text.String()
}

// checkDevices checks that routes to other nodes' blocks lead through the tunnels, or not.
func checkDevices(t *testing.T, c *cluster.Cluster, tunnels bool) {
	t.Helper()
	devices := family.PairOf("dev vxlan.calico", "dev vxlan-v6.calico")
	kernel := c.Node("node1").Dump("kernel")
	for _, f := range c.Families().Families() {
		if got := strings.Contains(kernel, devices.Get(f)); got != tunnels {
			t.Errorf("routes with %s: %t, want %t:\n%s", devices.Get(f), got, tunnels, kernel)
		}
	}
}

// checkTranslation checks whom a server sees that a pod asks: the pod where that is in a pool, its
// node where it is outside.
func checkTranslation(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	server, err := c.Lab.Link().Serve(80)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	web := c.Lab.Pod("shop/web")
	for _, f := range c.Families().Families() {
		for _, asked := range []struct {
			to   netlab.Member
			port uint16
			seen netip.Addr
		}{
			{c.Lab.Pod("shop/db"), 5432, web.Address(f)},
			{c.Lab.Link(), 80, c.Node("node1").Address(f)},
		} {
			answer, err := web.Probe(t.Context(), netlab.Probe{
				Protocol: netlab.TCP, To: netip.AddrPortFrom(asked.to.Address(f), asked.port), Wait: netlab.Patience,
			})
			if err != nil || answer.Seen.Addr() != asked.seen {
				t.Errorf("%s: %s sees %s, want %s (%v)", f, asked.to.Name(), answer.Seen, asked.seen, err)
			}
		}
	}
}
