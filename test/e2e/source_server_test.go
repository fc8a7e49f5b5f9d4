package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// guarded is a node with three pods of which one may be reached by one, and its agent.
func guarded(t *testing.T) *cluster.Cluster {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Nodes: 1})
	labels := func(app string) map[string]string { return map[string]string{"app": app} }
	c.AddPod(cluster.PodSpec{Name: "shop/web", Node: "node1", Labels: labels("web")})
	c.AddPod(cluster.PodSpec{Name: "shop/db", Node: "node1", Labels: labels("db"), Serves: []uint16{5432}})
	c.AddPod(cluster.PodSpec{Name: "else/guest", Node: "node1", Labels: labels("guest")})
	c.Apply(onlyWeb)
	startAgents(c)
	c.AwaitFlows(guardedFlows(c))
	return c
}

const onlyWeb = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: shop, name: db}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
`

func guardedFlows(c *cluster.Cluster) []netlab.Expectation {
	return append(c.Flows("shop/web", "shop/db", netlab.TCP, 5432, true), c.Flows("else/guest", "shop/db", netlab.TCP, 5432, false)...)
}

// awaitDump waits until a stage of the agent's has a text, or, if it begins with "!", has not.
func awaitDump(t *testing.T, n *cluster.Node, stage, text string) {
	t.Helper()
	await(t, func() (bool, string) {
		out := n.Dump(stage)
		part, unwanted := strings.CutPrefix(text, "!")
		return strings.Contains(out, part) != unwanted, stage + " without " + text + ":\n" + out
	})
}

// await asks until it is so.
func await(t *testing.T, so func() (bool, string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		ok, what := so()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(what)
		case <-time.After(50 * time.Millisecond): // what is asked tells of no change
		}
	}
}

// A server that is stopped, or dies, takes nothing with it, and the agent stays ready. When it is
// back, what has changed holds.
func TestTheServerIsAway(t *testing.T) {
	for name, end := range map[string]func(*cluster.Cluster){
		"stopped": (*cluster.Cluster).StopServer, "killed": (*cluster.Cluster).KillServer,
	} {
		t.Run(name, func(t *testing.T) {
			c := guarded(t)
			n := c.Node("node1")
			end(c)
			awaitDump(t, n, "health", "APIServerLost")
			c.CheckFlows(guardedFlows(c))
			n.AwaitReady()
			c.StartServer()
			awaitDump(t, n, "health", "!APIServerLost")
			if _, err := c.Kubectl("", "delete", "networkpolicy", "-n", "shop", "db"); err != nil {
				t.Fatal(err)
			}
			c.AwaitFlows(c.Flows("else/guest", "shop/db", netlab.TCP, 5432, true))
		})
	}
}

// A server that is restored from a backup counts versions a second time. What it does not know
// any more goes: pods at once, and policies, of which it has lost many, when it has said so twice.
func TestTheServerIsRestored(t *testing.T) {
	c := guarded(t)
	n := c.Node("node1")
	backup := c.TakeSnapshot()
	for _, name := range []string{"one", "two", "three"} {
		c.Apply(strings.ReplaceAll(strings.ReplaceAll(onlyWeb, "name: db}", "name: "+name+"}"), "app: web", "app: guest"))
	}
	c.AddPod(cluster.PodSpec{Name: "shop/late", Node: "node1"})
	awaitDump(t, n, "model", "Pod/shop/late")
	c.AwaitFlows(c.Flows("else/guest", "shop/db", netlab.TCP, 5432, false)) // from another namespace it still is not
	c.Restore(backup)
	awaitDump(t, n, "model", "!Pod/shop/late")
	awaitDump(t, n, "model", "!KubernetesNetworkPolicy/shop/three")
	awaitDump(t, n, "model", "KubernetesNetworkPolicy/shop/db")
	c.CheckFlows(guardedFlows(c))
	// What comes now has versions that the agent has seen before.
	c.Apply(strings.ReplaceAll(onlyWeb, "app: web", "app: nobody"))
	c.AwaitFlows(c.Flows("shop/web", "shop/db", netlab.TCP, 5432, false))
	n.AwaitReady()
}

// A server that has lost everything has lost the agent's account too: nothing is believed.
func TestTheServerIsEmptied(t *testing.T) {
	c := guarded(t)
	n := c.Node("node1")
	c.StopServer()
	c.ReplaceData(cluster.Snapshot{})
	c.StartServer()
	awaitDump(t, n, "health", "Unauthorized")
	c.CheckFlows(guardedFlows(c))
	awaitDump(t, n, "model", "Pod/shop/db")
}

// Definitions that come, and go, are noticed, with their objects.
func TestDefinitionsComeAndGo(t *testing.T) {
	c := guarded(t)
	n := c.Node("node1")
	c.InstallDefinitions()
	c.Apply(`
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: open}
spec: {order: 1, selector: app == "db", types: [Ingress], ingress: [{action: Allow}]}
`)
	c.AwaitFlows(c.Flows("else/guest", "shop/db", netlab.TCP, 5432, true))
	if _, err := c.Kubectl("", "delete", "crd", "globalnetworkpolicies.projectcalico.org"); err != nil {
		t.Fatal(err)
	}
	c.AwaitFlows(guardedFlows(c))
	awaitDump(t, n, "model", "!GlobalNetworkPolicy/open")
	n.AwaitReady()
}
