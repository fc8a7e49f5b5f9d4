package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// A token that is replaced in its file before it is refused is read again, and one that is refused
// before it is replaced is as good as a server that is away.
func TestATokenThatIsReplaced(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Nodes: 1})
	addClientsOn(c, "node1")
	c.Apply(friendsPolicy)
	startAgents(c)
	c.AwaitFlows(c.Flows("shop/web", "shop/db", netlab.TCP, 5432, true))
	watched, n := c.Watches(time.Time{}), c.Node("node1")
	kernel := n.Listen()
	c.DeleteAgentPod(n) // and with it the token's right
	c.RestartServer()
	c.AwaitCall("a refused token", func(call cluster.Call) bool { return call.Status == 401 && strings.HasPrefix(call.Agent, "margay/") })
	c.CheckFlows(c.Flows("shop/guest", "shop/db", netlab.TCP, 5432, false))
	moment := time.Now()
	n.PrepareAgent(cluster.AgentOptions{})
	c.AwaitWatches(watched, moment)
	t.Logf("a new token was taken up after %s", time.Since(moment).Round(time.Second))
	if heard := kernel.Heard(); len(heard) > 0 {
		t.Errorf("the kernel was changed: %v", heard)
	}
}
