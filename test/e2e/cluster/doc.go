// Package cluster is a Kubernetes cluster for tests: a real etcd and a real kube-apiserver in a
// network namespace of their own, further namespaces as nodes and pods (internal/netlab), and an
// agent process on each node that wants one.
//
//	func TestMain(m *testing.M) { os.Exit(netlab.Main(m)) }
//
//	func TestPolicy(t *testing.T) {
//		c := cluster.Start(t, cluster.Options{Nodes: 2})
//		c.Apply(`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}`)
//		c.AddPod(cluster.PodSpec{Name: "shop/web", Node: "node1", Labels: map[string]string{"app": "web"}})
//		c.AddPod(cluster.PodSpec{Name: "shop/db", Node: "node2", Serves: []uint16{5432}})
//		for _, n := range c.Nodes() {
//			n.StartAgent(cluster.AgentOptions{})
//		}
//		c.Apply(policy)
//		c.AwaitFlows(c.Table(`
//			FROM      TO            IPv4 TCP  IPv6 TCP
//			shop/web  shop/db:5432  yes       yes`))
//		if calls := c.Forbidden(cluster.AgentAccount); len(calls) > 0 { ... }
//	}
//
// A test that wants only the API (of resource definitions, admission, roles) starts a cluster
// with no nodes and uses Admin, Dynamic, ConfigFor and Kubectl; subtests may share it. One that
// wants what a user has calls Install with an overlay before it starts agents.
//
// There is no controller manager, no scheduler and no kubelet. A pod names its node; of what the
// others do, the cluster does this: it makes the ServiceAccount "default" of every namespace,
// gives nodes their podCIDRs and pods the addresses that a CNI plugin would (UseIPAM: by blocks,
// as Calico's), and patches the status of pods and nodes with the identity of the node's kubelet
// (Node authorizer and NodeRestriction are on). Nobody makes pods of Deployments and DaemonSets.
//
// The agents' tokens are bound to pods on their nodes, so that the server knows of each request
// which node it is from. The audit log has every request: Calls, Forbidden, Watches.
//
// Methods are for the test's own goroutine, unless they say otherwise, and end the test if they
// cannot do what they say. Everything goes with the test. All processes are children of the test
// and die with it; they are ended by their process id, never by name.
//
// With KEEP=1 in the environment, a test that fails waits with everything up, and says how to look.
package cluster
