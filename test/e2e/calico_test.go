package e2e

import (
	"testing"

	"github.com/margay-net/margay/test/e2e/cluster"
)

// overlays are the variants with the overlay that is for them.
var overlays = map[string]string{"IPv4": "ipv4", "IPv6": "ipv6", "both": "dual-stack", "both, v6 first": "dual-stack"}

// Calico's policy on three nodes, with everything that an overlay installs: the agents also make
// the routes between the nodes.
func TestCalicoPolicy(t *testing.T) {
	for name, options := range variants {
		t.Run(name, func(t *testing.T) {
			options.Nodes, options.WithoutNodeRoutes = 3, true
			c := cluster.Start(t, options)
			c.Install(overlays[name])
			shop(c)
			startAgents(c)
			c.AwaitFlows(c.Table(`
				FROM        TO            IPv4 TCP  IPv6 TCP  IPv4 ICMP  IPv6 ICMP
				shop/web    shop/db:5432  yes       yes       -          -
				else/guest  shop/db:5432  yes       yes       -          -
				else/guest  shop/db       -         -         yes        yes
				link        shop/db:5432  yes       yes       -          -`))
			c.Apply(tieredPolicies)
			c.AwaitFlows(c.Table(`
				FROM        TO             IPv4 TCP  IPv6 TCP  IPv4 UDP  IPv6 UDP  IPv4 ICMP  IPv6 ICMP
				shop/web    shop/db:5432   yes       yes       no        no        -          -
				shop/web    shop/db        -         -         -         -         no         no
				shop/cache  shop/db:5432   no        no        no        no        -          -
				shop/cache  shop/db        -         -         -         -         no         no
				else/guest  shop/db:5432   no        no        no        no        -          -
				else/guest  shop/web:80    no        no        no        no        -          -
				else/guest  shop/cache:80  yes       yes       yes       yes       -          -
				link        shop/web:80    yes       yes       no        no        -          -
				link        shop/db:5432   no        no        no        no        -          -
				shop/db     else/guest:80  no        no        no        no        -          -
				shop/db     shop/web:80    no        no        no        no        -          -
				shop/web    else/guest:80  yes       yes       yes       yes       -          -`))
			if forbidden := c.Forbidden(cluster.AgentAccount); len(forbidden) > 0 {
				t.Errorf("forbidden: %v", forbidden)
			}
		})
	}
}

// tieredPolicies: security comes first, shuts guests out of what is sold and passes the rest on; the
// default tier says who may come to whom.
const tieredPolicies = `
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: security}
spec: {order: 100, defaultAction: Pass}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: security.guests}
spec:
  tier: security
  selector: app in {'web', 'db'}
  ingress:
    - {action: Deny, source: {selector: app == 'guest'}}
    - {action: Pass}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: outside, labels: {place: outside}}
spec: {nets: [172.30.0.1, "fd00:30::1"]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec:
  order: 10
  selector: app == 'web'
  types: [Ingress]
  ingress:
    - {action: Allow, protocol: TCP, source: {selector: place == 'outside'}, destination: {ports: [80]}}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {namespace: shop, name: db}
spec:
  selector: app == 'db'
  types: [Ingress, Egress]
  ingress:
    - {action: Deny, source: {selector: app == 'cache'}}
    - {action: Allow, protocol: TCP, source: {selector: has(app)}, destination: {ports: ["5000:6000"]}}
`
