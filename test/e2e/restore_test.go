package e2e

import (
	"testing"
	"time"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// An older snapshot is the truth once it is restored: what came after it goes, what went after it
// comes back, and what it has in common with the present is not touched.
func TestAnOlderSnapshotIsTheTruth(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Nodes: 2})
	web, db, guest := addClients(c)
	c.Apply(friendsPolicy)
	startAgents(c)
	c.AwaitFlows(c.Table(`
		FROM        TO            IPv4 TCP  IPv6 TCP
		shop/web    shop/db:5432  yes       yes
		shop/guest  shop/db:5432  no        no`))
	snapshot := c.TakeSnapshot()

	c.Apply(everybodyPolicy)
	c.AddPod(cluster.PodSpec{Name: "shop/late", Node: "node2", Serves: []uint16{80}})
	guest.DeleteObject()
	c.AwaitFlows(c.Table(`
		FROM      TO            IPv4 TCP  IPv6 TCP
		shop/web  shop/db:5432  yes       yes
		shop/web  shop/late:80  yes       yes
		node1     shop/db:5432  yes       yes
		link      shop/db:5432  yes       yes`))
	allowed := streams(t, web, db, 6000, func(traffic netlab.Traffic) (*netlab.Stream, error) {
		return netlab.Start(t.Context(), traffic)
	})
	watched, moment := c.Watches(time.Time{}), time.Now()
	c.Restore(snapshot)
	c.AwaitWatches(watched, moment)

	c.AwaitFlows(c.Table(`
		FROM        TO            IPv4 TCP  IPv6 TCP
		shop/web    shop/db:5432  yes       yes
		link        shop/db:5432  no        no
		shop/guest  shop/db:5432  no        no
		shop/web    shop/late:80  no        no`))
	checkStreams(t, allowed, nil)
}

// everybodyPolicy lets everybody into the database.
const everybodyPolicy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: shop, name: everybody}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{}]
`
