package dataplane_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// The job's pod and its heir both have the same addresses on their own ends.
const (
	job  = "shop/job"
	heir = "bank/heir"
)

// onlyJobs lets the api pod hear from jobs and heirs hear from nobody.
const onlyJobs = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress: [{from: [{podSelector: {matchLabels: {app: job}}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: heir, namespace: bank}
spec: {podSelector: {matchLabels: {app: heir}}}
`

func completed(manifest string) string {
	return strings.Replace(manifest, "phase: Running", "phase: Succeeded", 1)
}

// A completed Job keeps its addresses in its status, but has given them back: a new pod has
// them, with the new pod's policies, and the job's old connections are not the new pod's.
func TestAddressOfACompletedJob(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			a := nodetest.Addresses(20)
			pods := []netlab.PodSpec{{Name: job, Addresses: a}, {Name: heir, Addresses: a}, {Name: api, Addresses: nodetest.Addresses(2)}}
			jobPod, heirPod := nodetest.PodManifest(pods[0], "app: job"), nodetest.PodManifest(pods[1], "app: heir")
			n := nodetest.Start(t, nodetest.Options{Families: on, Pods: pods, Manifests: map[string]string{
				"api.yaml": nodetest.PodManifest(pods[2], "app: api"), "job.yaml": jobPod, "policy.yaml": onlyJobs,
			}})
			n.Settled()
			sent := uint16(0)
			sends := func(from string, want bool) {
				t.Helper()
				for _, f := range family.All() {
					// Always the same flow: only a flushed connection is new again.
					fl := flow{from: from, to: api, packet: rules.Packet{Source: a[f.Version()/6], Destination: address(n, api, f),
						Protocol: model.UDP, SourcePort: 500, DestinationPort: 501, HopLimit: 64}}
					if got := try(t, n, []flow{fl}) == 1; got != (want && on.Has(f)) {
						t.Errorf("step %d: %v: arrives %v", sent, fl, got)
					}
				}
				sent++
			}
			routed := func(to string) {
				t.Helper()
				for _, f := range on.Families() {
					wantRoute(t, n, a[f.Version()/6], to)
				}
			}
			routed(job)
			sends(job, true)
			establish(t, n, on, api, a)

			n.Write("job.yaml", completed(jobPod))
			n.Settled()
			routed("")
			sends(job, false)
			sends(heir, false)

			n.Write("heir.yaml", heirPod)
			n.Settled()
			routed(heir)
			sends(heir, false) // which was the job's established connection
			sends(job, false)

			n.Remove("heir.yaml")
			n.Settled()
			routed("")
		})
	}
}

// establish has the api pod answer the job's datagram, so that the connection is one that
// connection tracking lets through in both directions.
func establish(t *testing.T, n *nodetest.Node, on family.Set, from string, to []netip.Addr) {
	t.Helper()
	for _, f := range on.Families() {
		fl := flow{from: from, to: job, packet: rules.Packet{Source: address(n, from, f), Destination: to[f.Version()/6],
			Protocol: model.UDP, SourcePort: 501, DestinationPort: 500, HopLimit: 64, State: rules.Established}}
		if try(t, n, []flow{fl}) != 1 {
			t.Errorf("%v: the answer does not arrive", f)
		}
	}
}

// Whatever the order in which it becomes known that the job is done and who has its address
// now, it ends the same way.
func TestHandoverOfAnAddressInAnyOrder(t *testing.T) {
	t.Parallel()
	a := nodetest.Addresses(20)
	pods := []netlab.PodSpec{{Name: job, Addresses: a}, {Name: heir, Addresses: a}}
	jobPod, heirPod := nodetest.PodManifest(pods[0], "app: job"), nodetest.PodManifest(pods[1], "app: heir")
	for name, steps := range map[string][][2]string{
		"done, then taken over": {{"job.yaml", completed(jobPod)}, {"heir.yaml", heirPod}},
		"taken over, then done": {{"heir.yaml", heirPod}, {"job.yaml", completed(jobPod)}},
		"both at once":          {{"job.yaml", completed(jobPod) + heirPod}},
		"job gone at once":      {{"job.yaml", heirPod}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := nodetest.Start(t, nodetest.Options{Pods: pods, Manifests: map[string]string{"job.yaml": jobPod}})
			n.Settled()
			for _, s := range steps {
				n.Write(s[0], s[1])
				n.Settled()
			}
			for _, f := range family.All() {
				wantRoute(t, n, a[f.Version()/6], heir)
			}
			n.Restart()
			n.Settled()
			for _, f := range family.All() {
				wantRoute(t, n, a[f.Version()/6], heir)
			}
		})
	}
}

// A pod that is being deleted runs until it has ended, under its policies and with its
// routes, for as long as it is there.
func TestTerminatingPod(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", portPolicy)
	terminating := strings.ReplaceAll(clusterManifests(), "metadata: {name: api,",
		"metadata: {name: api, deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30,")
	n.Write("cluster.yaml", terminating)
	n.Settled()
	serve(t, n, 80, api)
	serve(t, n, 81, api)
	for _, f := range family.All() {
		wantRoute(t, n, address(n, api, f), api)
		probe(t, n, web, netlab.TCP, api, f, 80, netlab.Answered)
		probe(t, n, web, netlab.TCP, api, f, 81, netlab.Silent)
	}
}

// An annotation is its pod's owner's to write. It gives the pod no address that is another's.
func TestForgedAnnotation(t *testing.T) {
	t.Parallel()
	evil := netlab.PodSpec{Name: "bank/evil", Addresses: nodetest.Addresses(66)}
	for _, c := range []struct {
		name    string
		claimed []netip.Addr // one of each family, of which the status shows none
		counts  bool
		problem string
	}{
		{"free ones of the node's range", nodetest.Addresses(66), true, ""},
		{"another pod's", nodetest.Addresses(2), false, "the status of Pod/shop/api shows it"},
		{"the node's", netlab.Addrs("172.16.0.1", "fd00:16::1"), false, "a node has it"},
		{"a service's", netlab.Addrs("10.65.0.200", "fd00:65::200"), false, "a service has it"},
		{"from nowhere", netlab.Addrs("203.0.113.5", "2001:db8:ffff::5"), false, "it lies in no pool"},
		{"of a block that has them free", netlab.Addrs("10.65.0.130", "fd00:65::8002"), false, "IPAM has not given it to this pod"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := nodetest.Start(t, nodetest.Options{
				Pods: append(clusterPods(), evil),
				Manifests: map[string]string{"cluster.yaml": clusterManifests() + evilService,
					"evil.yaml": annotated(evil.Name, c.claimed, nil)},
			})
			n.Settled()
			for _, f := range family.All() {
				a := c.claimed[f.Version()/6]
				if c.counts {
					wantRoute(t, n, a, evil.Name)
				} else if got := routesTo(t, n, family.HostPrefix(a)); slices.Contains(got, "dev "+n.Pod(evil.Name).Interface()) {
					t.Errorf("%v is routed to the pod that has made it up", a)
				}
				fl := flow{from: evil.Name, to: web, packet: rules.Packet{Source: a, Destination: address(n, web, f),
					Protocol: model.UDP, SourcePort: 1, DestinationPort: 2, HopLimit: 64}}
				if got := try(t, n, []flow{fl}) == 1; got != c.counts {
					t.Errorf("%v: sends from %v: %v", f, a, got)
				}
				want := fmt.Sprintf("%q: is not used: only the annotation shows it, and %s", a, c.problem)
				if got := n.Problems(); c.problem != "" && !strings.Contains(got, want) {
					t.Errorf("problems lack %s:\n%s", want, got)
				}
			}
		})
	}
}

// evilService has addresses in the pods' range, and so has a block that gives none away.
const evilService = `
---
apiVersion: v1
kind: Service
metadata: {name: s, namespace: shop}
spec: {clusterIP: 10.65.0.200, clusterIPs: [10.65.0.200, 'fd00:65::200']}
---
apiVersion: crd.projectcalico.org/v1
kind: IPAMBlock
metadata: {name: 10-65-0-128-26}
spec: {cidr: 10.65.0.128/26, affinity: 'host:node1', allocations: [], attributes: [], unallocated: [], deleted: false, strictAffinity: false}
---
apiVersion: crd.projectcalico.org/v1
kind: IPAMBlock
metadata: {name: fd00-65-8000-122}
spec: {cidr: 'fd00:65::8000/122', affinity: 'host:node1', allocations: [], attributes: [], unallocated: [], deleted: false, strictAffinity: false}
`

// annotated is a Pod whose annotation claims addresses, beside those of its status.
func annotated(name string, claimed, status []netip.Addr) string {
	manifest := nodetest.PodManifest(netlab.PodSpec{Name: name, Addresses: status}, "")
	var list []string
	for _, a := range claimed {
		list = append(list, family.HostPrefix(a).String())
	}
	return strings.Replace(manifest, "metadata: {", fmt.Sprintf("metadata: {annotations: {cni.projectcalico.org/podIPs: '%s'}, ", strings.Join(list, ",")), 1)
}

// The pod of the seeds, whose container runtime has lost its IPv6 address, keeps its route,
// and it is said why that is odd.
func TestPodThatLostItsIPv6(t *testing.T) {
	t.Parallel()
	const lost = "default/chenby-7975959574-n52d8"
	pods := []netlab.PodSpec{
		{Name: lost, Addresses: netlab.Addrs("172.99.1.5", "2001:db8:42:0:208b:133f:7967:ee05")},
		{Name: web, Addresses: nodetest.Addresses(1)},
	}
	n := nodetest.Start(t, nodetest.Options{Pods: pods, Manifests: map[string]string{
		"seed.yaml": seeds(t)["pod-lost-ipv6.yaml"],
		"web.yaml":  nodetest.PodManifest(pods[1], "app: web"),
	}})
	n.Settled()
	serve(t, n, 80, lost, web)
	for _, f := range family.All() {
		wantRoute(t, n, address(n, lost, f), lost)
		probe(t, n, web, netlab.TCP, lost, f, 80, netlab.Answered)
		probe(t, n, lost, netlab.TCP, web, f, 80, netlab.Answered)
	}
	for _, want := range []string{"warning", lost, "2001:db8:42:0:208b:133f:7967:ee05", "is kept", "container runtime", "IPv6 switched off"} {
		if got := n.Problems(); !strings.Contains(got, want) {
			t.Errorf("the problems do not say %q:\n%s", want, got)
		}
	}
	if !strings.Contains(n.Log(), "IPv6") {
		t.Errorf("the log does not say IPv6:\n%s", n.Log())
	}
}
