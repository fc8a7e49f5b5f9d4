// Package nodetest is a node under test: the agent's whole way from a directory of
// manifests to the kernel (source, engine, calculation graph, dataplane), in one process,
// running inside a node of a netlab lab whose pods send real packets.
//
//	n := nodetest.Start(t, nodetest.Options{
//		Pods:      []netlab.PodSpec{{Name: "shop/web", Addresses: netlab.Addrs("10.65.0.1", "fd00:65::1")}},
//		Manifests: map[string]string{"policy.yaml": "kind: NetworkPolicy ..."},
//	})
//	n.Settled()                       // all that was written is in the kernel
//	heard := n.Volley(shots)          // which of these packets arrive
//
// Nothing here sleeps or polls. Settled follows a marker through the pipeline; Await looks
// at the kernel again when the kernel says that something has changed in it; a Volley ends
// with packets of its own that nothing can stop.
//
// It owns nothing in the kernel beyond the lab's namespaces. It does not start the agent's
// servers, publish the node, or run the daemon's supervision; those are cmd/agent's.
package nodetest
