package e2e

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// outages are what may become of the control plane, and whether the agents come to follow it again.
var outages = map[string]struct {
	happen  func(*cluster.Cluster, cluster.Snapshot)
	strange bool // the server knows nobody who knew it before
}{
	"the server is restarted":        {happen: func(c *cluster.Cluster, _ cluster.Snapshot) { c.RestartServer() }},
	"the server crashes":             {happen: func(c *cluster.Cluster, _ cluster.Snapshot) { c.KillServer(); c.StartServer() }},
	"etcd stops":                     {happen: func(c *cluster.Cluster, _ cluster.Snapshot) { c.StopEtcd(); c.StartEtcd(); c.RestartServer() }},
	"an older snapshot is restored":  {happen: func(c *cluster.Cluster, s cluster.Snapshot) { c.Restore(s) }},
	"the data of the server is lost": {happen: func(c *cluster.Cluster, _ cluster.Snapshot) { c.Restore(cluster.Snapshot{}) }, strange: true},
}

// Whatever becomes of the control plane: what stands in the kernels stays as it is, no packet of an
// allowed flow is lost and none of a denied one passes, and afterwards the agents follow the server.
func TestTheControlPlaneGoesAndComesBack(t *testing.T) {
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			c := cluster.Start(t, cluster.Options{Nodes: 2})
			web, db, guest := addClients(c)
			c.Apply(friendsPolicy)
			startAgents(c)
			c.AwaitFlows(c.Table(`
				FROM        TO            IPv4 TCP  IPv6 TCP
				shop/web    shop/db:5432  yes       yes
				shop/guest  shop/db:5432  no        no`))
			watched, snapshot := c.Watches(time.Time{}), c.TakeSnapshot()
			touch(t, c, "shop", "web", "db") // a snapshot without it has older versions
			denied := streams(t, guest, db, 7000, netlab.StartBlocked)
			allowed := streams(t, web, db, 6000, func(traffic netlab.Traffic) (*netlab.Stream, error) {
				return netlab.Start(t.Context(), traffic)
			})
			kernels := listen(c)

			moment := time.Now()
			outage.happen(c, snapshot)

			if outage.strange {
				c.AwaitCall("an agent that nobody knows", func(call cluster.Call) bool {
					return call.Status == http.StatusUnauthorized && call.At.After(moment)
				})
			} else {
				c.AwaitWatches(watched, moment)
			}
			for node, kernel := range kernels {
				if heard := kernel.Heard(); len(heard) > 0 {
					t.Errorf("%s: the kernel was changed: %v", node, heard)
				}
			}
			checkStreams(t, allowed, denied)
			if outage.strange {
				return
			}
			c.AddPod(cluster.PodSpec{Name: "shop/late", Node: "node1", Labels: map[string]string{"app": "web"}})
			c.AwaitFlows(c.Flows("shop/late", "shop/db", netlab.TCP, 5432, true))
			for node, kernel := range kernels {
				for _, what := range kernel.Heard() {
					if strings.Contains(what, "delete") {
						t.Errorf("%s: %s, where something was only added", node, what)
					}
				}
			}
		})
	}
}

// touch writes to pods what changes nothing, so that their versions go on.
func touch(t *testing.T, c *cluster.Cluster, namespace string, pods ...string) {
	t.Helper()
	args := append([]string{"annotate", "-n", namespace, "pods"}, pods...)
	if _, err := c.Kubectl("", append(args, "example.org/touched=yes")...); err != nil {
		t.Fatal(err)
	}
}

// addClients adds a database, who may talk to it, and who may not.
func addClients(c *cluster.Cluster) (web, db, guest *cluster.Pod) { return addClientsOn(c, "node2") }

// addClientsOn is addClients with the database on another node.
func addClientsOn(c *cluster.Cluster, node string) (web, db, guest *cluster.Pod) {
	web = c.AddPod(cluster.PodSpec{Name: "shop/web", Node: "node1", Labels: map[string]string{"app": "web"}})
	guest = c.AddPod(cluster.PodSpec{Name: "shop/guest", Node: "node1", Labels: map[string]string{"app": "guest"}})
	db = c.AddPod(cluster.PodSpec{Name: "shop/db", Node: node, Labels: map[string]string{"app": "db"}, Serves: []uint16{5432}})
	return web, db, guest
}

// listen listens to the kernels of all nodes.
func listen(c *cluster.Cluster) map[string]*netlab.Kernel {
	kernels := map[string]*netlab.Kernel{}
	for _, n := range c.Nodes() {
		kernels[n.Name()] = n.Listen()
	}
	return kernels
}

// streams start a stream of each family from one pod to another: every message is a flow of its
// own, so that each meets the policy of its moment.
func streams(t *testing.T, from, to *cluster.Pod, port uint16, start func(netlab.Traffic) (*netlab.Stream, error)) []*netlab.Stream {
	t.Helper()
	var all []*netlab.Stream
	for _, f := range family.All() {
		s, err := start(netlab.Traffic{
			Protocol: netlab.UDP, From: from.Space, Receiver: to.Space, NewFlows: true,
			To: netip.AddrPortFrom(to.Address(f), port+uint16(f)), Every: 5 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// checkStreams stops streams and looks at what became of their messages.
func checkStreams(t *testing.T, allowed, denied []*netlab.Stream) {
	t.Helper()
	for _, s := range allowed {
		if r := s.Stop(); len(r.Lost()) > 0 {
			t.Errorf("an allowed stream: %s", r)
		}
	}
	for _, s := range denied {
		if r := s.Stop(); len(r.Lost()) < len(r.Sent) {
			t.Errorf("a denied stream: %s", r)
		}
	}
}

// friendsPolicy lets the web server into the database, at any port.
const friendsPolicy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: shop, name: friends}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
`
