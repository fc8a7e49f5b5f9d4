package e2e

import (
	"testing"

	"github.com/margay-net/margay/test/e2e/cluster"
)

// Calico's kinds count as empty where the server does not have them, and are read when it does.
func TestDefinitionsThatComeLater(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Nodes: 2})
	addClients(c)
	startAgents(c)
	everybody := c.Table(`
		FROM        TO            IPv4 TCP  IPv6 TCP
		shop/web    shop/db:5432  yes       yes
		shop/guest  shop/db:5432  yes       yes`)
	c.AwaitFlows(everybody)
	c.InstallDefinitions()
	c.Apply(`
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: no-guests}
spec:
  selector: app == 'db'
  ingress:
    - {action: Deny, source: {selector: app == 'guest'}}
    - {action: Allow}
`)
	c.AwaitFlows(c.Table(`
		FROM        TO            IPv4 TCP  IPv6 TCP
		shop/web    shop/db:5432  yes       yes
		shop/guest  shop/db:5432  no        no`))
	for _, args := range [][]string{
		{"delete", "globalnetworkpolicy", "no-guests"},
		{"delete", "--wait=false", "-k", "deploy/crds"},
	} {
		if _, err := c.Kubectl("", args...); err != nil {
			t.Fatal(err)
		}
	}
	c.AwaitFlows(everybody)
	for _, n := range c.Nodes() {
		n.AwaitReady()
	}
}
