package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// A pod that is being deleted keeps its network as long as its containers run, and loses it when
// they have ended, while the object is still there.
func TestAPodThatIsBeingDeleted(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Nodes: 2})
	web, db, _ := addClients(c)
	c.Apply(friendsPolicy)
	startAgents(c)
	c.AwaitFlows(c.Flows("shop/web", "shop/db", netlab.TCP, 5432, true))
	allowed := streams(t, web, db, 6000, func(traffic netlab.Traffic) (*netlab.Stream, error) {
		return netlab.Start(t.Context(), traffic)
	})
	web.Terminate()
	late := c.AddPod(cluster.PodSpec{Name: "shop/late", Node: "node1", Labels: map[string]string{"app": "web"}})
	c.AwaitFlows(c.Flows("shop/late", "shop/db", netlab.TCP, 5432, true)) // the news have arrived
	checkStreams(t, allowed, nil)

	web.Finish(core.PodSucceeded)
	c.AwaitFlows(c.Flows("shop/web", "shop/db", netlab.TCP, 5432, false))
	web.Delete()
	late.Delete()
}

// Whoever is given an address that another pod had is given nothing of what the other was allowed,
// on whichever node it is.
func TestAnAddressThatIsGivenAgain(t *testing.T) {
	for _, node := range []string{"node1", "node2"} {
		t.Run(node, func(t *testing.T) {
			c := cluster.Start(t, cluster.Options{Nodes: 2, WithoutNodeRoutes: true})
			c.Install("dual-stack")
			c.Apply(poolsOf(c, "Never"))
			c.UseIPAM()
			web, db, _ := addClients(c)
			c.Apply(friendsPolicy)
			startAgents(c)
			c.AwaitFlows(c.Flows("shop/web", "shop/db", netlab.TCP, 5432, true))
			flow := streams(t, web, db, 6000, func(traffic netlab.Traffic) (*netlab.Stream, error) {
				traffic.NewFlows = false // connection tracking knows it
				return netlab.Start(t.Context(), traffic)
			})
			for _, s := range flow {
				s.Stop()
			}
			addresses := web.Spec.Addresses
			web.Delete()
			heir := c.AddPod(cluster.PodSpec{Name: "shop/heir", Node: node, Labels: map[string]string{"app": "guest"}, Addresses: addresses, Serves: []uint16{80}})
			c.AwaitFlows(c.Table(`
				FROM        TO            IPv4 TCP  IPv6 TCP
				shop/guest  shop/heir:80  yes       yes
				shop/heir   shop/db:5432  no        no`))
			denied := streams(t, heir, db, 6000, netlab.StartBlocked)
			c.CheckFlows(c.Flows("shop/heir", "shop/db", netlab.TCP, 5432, false))
			checkStreams(t, nil, denied)
		})
	}
}

// A pod of which the kubelet reports one family, because the container runtime has left the other
// out, keeps both: the CNI plugin's word and its block say so. An Event tells the pod's owner.
func TestAFamilyThatTheKubeletDoesNotReport(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Nodes: 2, WithoutNodeRoutes: true})
	c.Install("dual-stack")
	c.Apply(poolsOf(c, "Never"))
	c.UseIPAM()
	addresses := netlab.Addrs("10.244.1.9", "fd00:10:244:1::9")
	lost := c.CreatePod(cluster.PodSpec{
		Name: "shop/lost", Node: "node1", Serves: []uint16{80}, Addresses: addresses,
		Annotations: map[string]string{
			"cni.projectcalico.org/podIP":  hosts(addresses[:1]),
			"cni.projectcalico.org/podIPs": hosts(addresses),
		},
	})
	lost.Plug()
	lost.ReportAddresses(lost.Address(family.V4))
	c.AddPod(cluster.PodSpec{Name: "shop/web", Node: "node2"})
	startAgents(c)
	c.AwaitFlows(c.Flows("shop/web", "shop/lost", netlab.TCP, 80, true))
	awaitEvent(t, c, "shop", "lost", "IPv6")
}

// hosts are addresses as the CNI plugin writes them.
func hosts(addrs []netip.Addr) string {
	var all []string
	for _, a := range addrs {
		all = append(all, family.HostPrefix(a).String())
	}
	return strings.Join(all, ",")
}

// awaitEvent waits until there is an Event on a pod that mentions something.
func awaitEvent(t *testing.T, c *cluster.Cluster, namespace, pod, mentions string) {
	t.Helper()
	ctx, cancel := c.Context()
	defer cancel()
	events, err := c.Admin.CoreV1().Events(namespace).Watch(ctx, meta.ListOptions{
		FieldSelector: fmt.Sprintf("involvedObject.kind=Pod,involvedObject.name=%s", pod),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	for e := range events.ResultChan() {
		if event, ok := e.Object.(*core.Event); ok && strings.Contains(event.Message, mentions) {
			return
		}
	}
	t.Errorf("no Event on %s/%s mentions %s", namespace, pod, mentions)
}
