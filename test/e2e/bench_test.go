package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

const (
	largePods = 10_000 // in the cluster, on 100 nodes
	changes   = 1_000  // of pods
)

// BenchmarkLargeCluster measures, in a cluster with 10,000 pods on other nodes, what an agent takes
// to start, and what 1,000 changes of pods cost it. Run it by `make bench-e2e`.
func BenchmarkLargeCluster(b *testing.B) {
	c := cluster.Start(b, cluster.Options{Nodes: 1})
	c.InstallDefinitions()
	c.AddPod(cluster.PodSpec{Name: "shop/db", Node: "node1", Labels: map[string]string{"app": "db"}})
	c.Apply(clientsPolicy)
	c.AddLoad(largePods)
	n := c.Node("node1")
	b.Run("start", func(b *testing.B) {
		var start, resident, peak, in float64
		for b.Loop() {
			n.PrepareAgent(cluster.AgentOptions{})
			before, begin := n.Uplink(), time.Now()
			n.LaunchAgent(cluster.AgentOptions{})
			n.AwaitReady()
			start += time.Since(begin).Seconds()
			memory := n.AgentMemory()
			resident += float64(memory.Resident)
			peak += float64(memory.Peak)
			in += float64(n.Uplink().Sub(before).In)
			n.StopAgent()
		}
		per := float64(b.N)
		b.ReportMetric(start/per*1e3, "ms/start")
		b.ReportMetric(resident/per/1e6, "MB-resident")
		b.ReportMetric(peak/per/1e6, "MB-peak")
		b.ReportMetric(in/per/1e6, "MB-received")
	})
	n.StartAgent(cluster.AgentOptions{})
	n.AwaitReady()
	b.Run("changes", func(b *testing.B) {
		before := n.Uplink()
		for i := range b.N {
			c.LabelLoad(0, changes, "round", strings.Repeat("x", i%40+1))
		}
		c.LabelLoad(largePods-1, largePods, "client", "yes") // the last of all is seen in the kernel
		awaitMember(b, c, n, largePods-1, true)
		c.LabelLoad(largePods-1, largePods, "client", "no")
		awaitMember(b, c, n, largePods-1, false)
		per := float64(b.N) * changes / 1000
		traffic := n.Uplink().Sub(before)
		b.ReportMetric(float64(traffic.In)/per/1e3, "kB-received/1000-changes")
		b.ReportMetric(float64(traffic.Out)/per/1e3, "kB-sent/1000-changes")
		b.ReportMetric(float64(n.AgentMemory().Resident)/1e6, "MB-resident")
	})
}

// BenchmarkChangeToKernel measures the time from a request to the server, that changes a pod on
// another node, to the kernel's word that a set of the node has changed for it; and, of that, the
// time until the server's answer, and from there.
func BenchmarkChangeToKernel(b *testing.B) {
	c := cluster.Start(b, cluster.Options{Nodes: 1})
	c.AddPod(cluster.PodSpec{Name: "shop/db", Node: "node1", Labels: map[string]string{"app": "db"}})
	c.Apply(clientsPolicy)
	c.AddLoad(100)
	n := c.Node("node1")
	n.StartAgent(cluster.AgentOptions{})
	n.AwaitReady()
	c.LabelLoad(0, 1, "client", "yes")
	awaitMember(b, c, n, 0, true)
	c.LabelLoad(0, 1, "client", "no")
	awaitMember(b, c, n, 0, false)

	var took, answered, after []time.Duration
	kernel := n.Listen()
	for i := 0; b.Loop(); i++ {
		value := []string{"yes", "no"}[i%2]
		kernel.Heard()
		begin := time.Now()
		c.LabelLoad(0, 1, "client", value)
		answered = append(answered, time.Since(begin))
		if err := kernel.Await(10*time.Second, func() string { return missingGeneration(kernel) }); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
		after = append(after, took[i]-answered[i])
	}
	reportQuantiles(b, "ms", took)
	reportQuantiles(b, "ms-until-answer", answered)
	reportQuantiles(b, "ms-after-answer", after)
}

// reportQuantiles reports the median and the 99th percentile, in milliseconds.
func reportQuantiles(b *testing.B, name string, of []time.Duration) {
	slices.Sort(of)
	for suffix, q := range map[string]float64{"-p50": 0.5, "-p99": 0.99} {
		b.ReportMetric(float64(of[int(q*float64(len(of)-1))].Microseconds())/1e3, name+suffix)
	}
}

// missingGeneration is empty once the kernel has announced a transaction of nf_tables.
func missingGeneration(kernel *netlab.Kernel) string {
	if slices.Contains(kernel.Heard(), "nft new generation") {
		return ""
	}
	return "a change of the table"
}

// awaitMember waits until the addresses of a pod of the load are, or are not, in a set of the node.
func awaitMember(b *testing.B, c *cluster.Cluster, n *cluster.Node, pod int, want bool) {
	b.Helper()
	kernel := n.Listen()
	defer kernel.Close()
	err := kernel.Await(30*time.Second, func() string {
		elements := regexp.MustCompile(`[0-9a-f.:]+`).FindAllString(n.Dump("kernel"), -1)
		for _, a := range c.LoadAddresses(pod) {
			if slices.Contains(elements, a.String()) != want {
				return fmt.Sprintf("%s in a set: %t", a, want)
			}
		}
		return ""
	})
	if err != nil {
		b.Fatal(err)
	}
}

// clientsPolicy lets clients from everywhere into the database.
const clientsPolicy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: shop, name: clients}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from: [{namespaceSelector: {}, podSelector: {matchLabels: {client: "yes"}}}]
`
