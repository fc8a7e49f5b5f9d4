package nodetest

import (
	"context"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/source/files"
)

// Silence keeps the keys of a node's next agents from the others, as if it had no WireGuard, until it is
// called again with false. What is published stands.
func (n *Node) Silence(silent bool) { n.silent.Store(silent) }

// publishKeys does what cmd/agent's announcer does with the node's public keys: it publishes them to
// all agents of the cluster, beside the manifests. The dataplane calls it on a thread of the node's, from
// which it cannot be seen where the manifests are.
func (n *Node) publishKeys(keys family.Pair[model.WireguardKey]) {
	if n.cluster == nil || n.silent.Load() {
		return
	}
	patch := source.NodePatch{Annotations: map[string]string{}}
	for _, f := range family.All() {
		if k := keys.Get(f); k != (model.WireguardKey{}) {
			patch.Annotations[model.WireguardKeyAnnotation(f)] = k.String()
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, other := range n.cluster.Nodes {
			p, err := files.NewPublisher(other.Directory, n.Name())
			if err == nil {
				err = p.Publish(context.Background(), patch)
			}
			if err != nil {
				n.t.Errorf("publish the keys of %s: %v", n.Name(), err)
			}
		}
	}()
	<-done
}
