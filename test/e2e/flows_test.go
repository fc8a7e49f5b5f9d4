package e2e

import (
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// variants are the kinds of clusters that the same must hold in.
var variants = map[string]cluster.Options{
	"IPv4":           {Families: family.NewSet(family.V4)},
	"IPv6":           {Families: family.NewSet(family.V6)},
	"both":           {},
	"both, v6 first": {Primary: family.V6},
}

// shop has a web server on one node, its database on a second, and somebody else on both and on a
// third.
func shop(c *cluster.Cluster) {
	labels := func(app string) map[string]string { return map[string]string{"app": app} }
	c.AddPod(cluster.PodSpec{Name: "shop/web", Node: "node1", Labels: labels("web"), Serves: []uint16{80}})
	c.AddPod(cluster.PodSpec{Name: "shop/db", Node: "node2", Labels: labels("db"), Serves: []uint16{80, 5432}})
	c.AddPod(cluster.PodSpec{Name: "shop/cache", Node: "node2", Labels: labels("cache"), Serves: []uint16{80}})
	c.AddPod(cluster.PodSpec{Name: "else/guest", Node: "node3", Labels: labels("guest"), Serves: []uint16{80}})
}

func TestNetworkPolicy(t *testing.T) {
	for name, options := range variants {
		t.Run(name, func(t *testing.T) {
			options.Nodes = 3
			c := cluster.Start(t, options)
			shop(c)
			startAgents(c)
			c.AwaitFlows(c.Table(`
				FROM        TO            IPv4 TCP  IPv6 TCP  IPv4 UDP  IPv6 UDP
				shop/web    shop/db:5432  yes       yes       yes       yes
				else/guest  shop/db:5432  yes       yes       yes       yes
				shop/cache  shop/db:5432  yes       yes       yes       yes
				shop/db     shop/web:80   yes       yes       yes       yes`))
			c.Apply(databasePolicy)
			c.AwaitFlows(c.Table(`
				FROM        TO              IPv4 TCP  IPv6 TCP  IPv4 UDP  IPv6 UDP
				shop/web    shop/db:5432    yes       yes       no        no
				shop/web    shop/db:80      no        no        no        no
				shop/cache  shop/db:5432    no        no        no        no
				else/guest  shop/db:5432    no        no        no        no
				else/guest  shop/cache:80   yes       yes       yes       yes
				node2       shop/db:80      yes       yes       yes       yes
				link        shop/db:80      no        no        no        no
				shop/db     shop/web:80     yes       yes       yes       yes
				shop/db     else/guest:80   no        no        no        no`))
			if forbidden := c.Forbidden(cluster.AgentAccount); len(forbidden) > 0 {
				t.Errorf("forbidden: %v", forbidden)
			}
			if _, err := c.Kubectl("", "delete", "networkpolicy", "-n", "shop", "db"); err != nil {
				t.Fatal(err)
			}
			c.AwaitFlows(c.Flows("else/guest", "shop/db", netlab.TCP, 5432, true))
		})
	}
}

// databasePolicy lets only the web server in, and the database out only to the web server.
const databasePolicy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: shop, name: db}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
      ports: [{protocol: TCP, port: 5432}]
  egress:
    - to: [{podSelector: {matchLabels: {app: web}}}]
`

// startAgents starts the agents of all nodes and waits until they are ready.
func startAgents(c *cluster.Cluster) {
	for _, n := range c.Nodes() {
		n.StartAgent(cluster.AgentOptions{})
	}
	for _, n := range c.Nodes() {
		n.AwaitReady()
	}
}
