package e2e

import (
	"testing"
	"time"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// A node that is cut off from the server goes on with what it knows. Meanwhile the world changes and
// the server forgets what it has told (a restart empties its cache of changes, so that the agent's
// place in it is Gone). Back, the node comes to the present without losing a packet that was and is
// allowed.
func TestANodeThatIsCutOff(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Nodes: 2})
	web, db, guest := addClients(c)
	c.Apply(friendsPolicy)
	startAgents(c)
	c.AwaitFlows(c.Table(`
		FROM        TO            IPv4 TCP  IPv6 TCP
		shop/web    shop/db:5432  yes       yes
		shop/guest  shop/db:5432  no        no`))
	allowed := streams(t, web, db, 6000, func(traffic netlab.Traffic) (*netlab.Stream, error) {
		return netlab.Start(t.Context(), traffic)
	})
	watched := c.Watches(time.Time{})
	far := c.Node("node2")
	c.CutOff(far)
	kernel := far.Listen()
	guest.Delete()
	c.Apply(everybodyPolicy)
	late := c.AddPod(cluster.PodSpec{Name: "shop/late", Node: "node1"})
	moment := time.Now()
	c.RestartServer()
	c.CheckFlows(c.Flows("shop/late", "shop/db", netlab.TCP, 5432, false))
	if heard := kernel.Heard(); len(heard) > 0 {
		t.Errorf("the kernel of a node that hears nothing was changed: %v", heard)
	}
	ctx, cancel := c.Context()
	defer cancel()
	if err := far.Readiness(ctx); err != nil {
		t.Errorf("a node that is cut off is not ready: %v", err)
	}

	c.Reconnect(far)
	c.AwaitWatches(watched, moment)
	c.AwaitFlows(c.Flows("shop/late", "shop/db", netlab.TCP, 5432, true))
	late.Delete()
	checkStreams(t, allowed, nil)
}
