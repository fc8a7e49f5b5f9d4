package dataplane_test

import (
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// noEgressOfDB keeps the db pod from sending anything.
const noEgressOfDB = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress, Egress]}
`

// What a pod sends to its node is first up to the pod's egress policy, then to the setting.
// The node reaches its pods, whatever their policies, and gets its answers.
func TestDefaultEndpointToHostAction(t *testing.T) {
	t.Parallel()
	for action, open := range map[string]bool{"DROP": false, "ACCEPT": true, "RETURN": true} {
		for _, on := range nodetest.Families() {
			t.Run(action+" "+on.String(), func(t *testing.T) {
				t.Parallel()
				n := startCluster(t, on, map[string]string{"DefaultEndpointToHostAction": action})
				n.Write("policy.yaml", noEgressOfDB)
				n.Settled()
				serve(t, n, 80, nodetest.Name, web, db)
				tryHost(t, n, on, open)
			})
		}
	}
}

func tryHost(t *testing.T, n *nodetest.Node, on family.Set, open bool) {
	t.Helper()
	for _, f := range family.All() {
		probeAll(t, n, []asked{
			{web, netlab.TCP, nodetest.Name, f, 80, open && on.Has(f)},
			{web, netlab.UDP, nodetest.Name, f, 80, open && on.Has(f)},
			{web, netlab.ICMP, nodetest.Name, f, 0, open && on.Has(f)},
			{db, netlab.TCP, nodetest.Name, f, 80, false},
			{db, netlab.UDP, nodetest.Name, f, 80, false},
			{nodetest.Name, netlab.TCP, web, f, 80, on.Has(f)},
			{nodetest.Name, netlab.UDP, web, f, 80, on.Has(f)},
			{nodetest.Name, netlab.TCP, db, f, 80, on.Has(f)}, // which may neither receive nor send
			{nodetest.Name, netlab.ICMP, db, f, 0, on.Has(f)},
		})
	}
}

// The setting changes while the agent runs.
func TestDefaultEndpointToHostActionReloads(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	serve(t, n, 80, nodetest.Name)
	for _, c := range []struct {
		action string
		open   bool
	}{{"Drop", false}, {"Accept", true}, {"Return", true}, {"Drop", false}} {
		n.Write("felix.yaml", nodetest.FelixConfiguration("defaultEndpointToHostAction: "+c.action))
		n.Settled()
		for _, f := range family.All() {
			probeAll(t, n, []asked{{web, netlab.TCP, nodetest.Name, f, 80, c.open}})
		}
	}
}

// The host's own traffic, and what is forwarded between others, is nobody's business here.
func TestHostIsLeftAlone(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", denyAll)
	n.Settled()
	serve(t, n, 80, nodetest.Name, nodetest.Outside)
	for _, f := range family.All() {
		probe(t, n, nodetest.Name, netlab.TCP, nodetest.Outside, f, 80, netlab.Answered)
		probe(t, n, nodetest.Outside, netlab.TCP, nodetest.Name, f, 80, netlab.Answered)
		probe(t, n, nodetest.Outside, netlab.ICMP, nodetest.Name, f, 0, netlab.Answered)
	}
}

// A pod may send from what its annotation lists, if the node's setting says so too.
func TestWorkloadSourceSpoofing(t *testing.T) {
	t.Parallel()
	const more = `
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  annotations: {cni.projectcalico.org/allowedSourcePrefixes: '["203.0.113.0/24", "2001:db8:cafe::/48"]'}
spec: {nodeName: node1}
status: {podIPs: [{ip: 10.65.0.1}, {ip: 'fd00:65::1'}]}
`
	for _, setting := range []string{"Disabled", "Any"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			n := nodetest.Start(t, nodetest.Options{
				Pods: clusterPods()[:3], Settings: map[string]string{"WorkloadSourceSpoofing": setting},
				Manifests: map[string]string{"web.yaml": more, "db.yaml": podOf(clusterPods()[2])},
			})
			n.Settled()
			want := map[string]int{"Disabled": 2, "Any": 4}[setting] // from its own addresses, or both kinds
			if got := try(t, n, spoofed(n)); got != want {
				t.Errorf("%d packets pass, want %d", got, want)
			}
		})
	}
}
