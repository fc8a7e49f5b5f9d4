package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// An idle agent asks the server for nothing: its watches stay open, and it writes nothing.
func TestAnIdleAgentAsksForNothing(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Nodes: 2, WithoutNodeRoutes: true})
	c.Install("dual-stack")
	addClients(c)
	c.Apply(friendsPolicy)
	startAgents(c)
	c.AwaitFlows(c.Flows("shop/web", "shop/db", netlab.TCP, 5432, true))
	watched := c.Watches(time.Time{})
	var calls []cluster.Call
	heard := map[string][]string{}
	for range 4 { // what a node has to tell of itself, and whom it looks for, follows the start
		kernels, moment := listen(c), time.Now()
		silence(t, 10*time.Second)
		calls = c.CallsSince(cluster.AgentAccount, moment)
		for node, kernel := range kernels {
			heard[node] = kernel.Heard()
		}
		if len(calls) == 0 {
			break
		}
	}
	if len(calls) > 0 {
		t.Errorf("in 10 s without a change the agents asked: %v", calls)
	}
	for node, what := range heard {
		if len(what) > 0 {
			t.Errorf("%s: in 10 s without a change the kernel was changed: %v", node, what)
		}
	}
	for _, n := range c.Nodes() {
		if len(watched[n.Name()]) == 0 {
			t.Errorf("the agent of %s watches nothing", n.Name())
		}
	}
	if forbidden := c.Forbidden(cluster.AgentAccount); len(forbidden) > 0 {
		t.Errorf("forbidden: %v", forbidden)
	}
}

// silence passes time, for a test that nothing happens in it.
func silence(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

// An agent that is stopped or killed and started again finds what stands, whether the server is
// there or not, and changes nothing of it.
func TestAnAgentThatIsStartedAgain(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Nodes: 2})
	web, db, guest := addClients(c)
	c.Apply(friendsPolicy)
	startAgents(c)
	expected := c.Table(`
		FROM        TO            IPv4 TCP  IPv6 TCP
		shop/web    shop/db:5432  yes       yes
		shop/guest  shop/db:5432  no        no`)
	c.AwaitFlows(expected)
	denied := streams(t, guest, db, 7000, netlab.StartBlocked)
	allowed := streams(t, web, db, 6000, func(traffic netlab.Traffic) (*netlab.Stream, error) {
		return netlab.Start(t.Context(), traffic)
	})
	kernels := listen(c)
	for _, n := range c.Nodes() {
		n.StopAgent()
		n.StartAgent(cluster.AgentOptions{})
		n.AwaitReady()
		n.KillAgent()
		n.StartAgent(cluster.AgentOptions{})
		n.AwaitReady()
	}
	for _, n := range c.Nodes() {
		n.StopAgent()
		n.PrepareAgent(cluster.AgentOptions{})
	}
	c.StopServer()
	for _, n := range c.Nodes() {
		n.LaunchAgent(cluster.AgentOptions{})
		n.AwaitReadiness("source")
	}
	c.CheckFlows(expected)
	c.StartServer()
	for _, n := range c.Nodes() {
		n.AwaitReady()
	}
	c.CheckFlows(expected)
	for node, kernel := range kernels {
		if heard := kernel.Heard(); len(heard) > 0 {
			t.Errorf("%s: the kernel was changed: %v", node, heard)
		}
	}
	checkStreams(t, allowed, denied)
}
