package cluster

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Watches are the resources that the agents watch, by node and in order: what the audit log has of
// watches that began after a moment and have not ended.
func (c *Cluster) Watches(since time.Time) map[string][]string {
	c.t.Helper()
	open := map[string]map[string]bool{}
	for _, call := range c.CallsSince(AgentAccount, since) {
		if call.Verb != "watch" {
			continue
		}
		if open[call.Node] == nil {
			open[call.Node] = map[string]bool{}
		}
		open[call.Node][call.Resource] = call.Status == 0
	}
	watched := map[string][]string{}
	for node, resources := range open {
		maps.DeleteFunc(resources, func(_ string, open bool) bool { return !open })
		watched[node] = slices.Sorted(maps.Keys(resources))
	}
	return watched
}

// AwaitWatches waits until the agents watch what they are said to, by watches that began after a
// moment: until they follow a server that has come back.
func (c *Cluster) AwaitWatches(want map[string][]string, since time.Time) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for !maps.EqualFunc(c.Watches(since), want, slices.Equal) {
		if pause(ctx) != nil {
			c.t.Fatalf("the agents watch %v, want %v", c.Watches(since), want)
		}
	}
}

// AwaitCall waits until the server has answered a request that is as wanted. The text says what is
// missing if none comes.
func (c *Cluster) AwaitCall(text string, wanted func(Call) bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for !slices.ContainsFunc(c.Calls(""), wanted) {
		if pause(ctx) != nil {
			c.t.Fatalf("the server has not heard of: %s", text)
		}
	}
}
