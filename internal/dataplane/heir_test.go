package dataplane_test

import (
	"fmt"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// While no agent runs, a pod goes and another one gets its addresses, to which the CNI plugin makes
// the routes. The connections of the first one are not the second's: the table that stands says
// whose the addresses were.
func TestAddressTakenOverWhileNoAgentRuns(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			a := nodetest.Addresses(20)
			pods := []netlab.PodSpec{{Name: job, Addresses: a}, {Name: heir, Addresses: a}, {Name: api, Addresses: nodetest.Addresses(2)}}
			n := nodetest.Start(t, nodetest.Options{Families: on, Pods: pods, Manifests: map[string]string{
				"api.yaml": nodetest.PodManifest(pods[2], "app: api"), "policy.yaml": onlyJobs,
				"job.yaml": nodetest.PodManifest(pods[0], "app: job"),
			}})
			n.Settled()
			arrives := func(from string, want bool) {
				t.Helper()
				for _, f := range on.Families() {
					fl := flow{from: from, to: api, packet: rules.Packet{Source: a[f.Version()/6], Destination: address(n, api, f),
						Protocol: model.UDP, SourcePort: 500, DestinationPort: 501, HopLimit: 64}}
					if got := try(t, n, []flow{fl}) == 1; got != want {
						t.Errorf("%v: arrives %v", fl, got)
					}
				}
			}
			arrives(job, true)
			establish(t, n, on, api, a)

			n.Restart() // by which nothing changes hands
			n.Settled()
			arrives(job, true)

			n.Stop()
			n.Remove("job.yaml")
			n.Write("heir.yaml", nodetest.PodManifest(pods[1], "app: heir"))
			for _, f := range on.Families() {
				leadTo(t, n, f, family.HostPrefix(a[f.Version()/6]).String(), n.Pod(heir).Interface())
			}
			n.Run()
			n.Settled()
			for _, f := range on.Families() {
				wantRoute(t, n, a[f.Version()/6], heir)
			}
			arrives(heir, false)
		})
	}
}

// leadTo puts a route in the place of the agent's, with its metric.
func leadTo(t *testing.T, n *nodetest.Node, f family.Family, to, device string) {
	t.Helper()
	c := n.Command("ip", fmt.Sprintf("-%d", f.Version()), "route", "replace", to, "dev", device, "proto", "boot", "metric", "1024")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
