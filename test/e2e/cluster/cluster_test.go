package cluster

import (
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// variants are the kinds of clusters that there are.
var variants = map[string]Options{
	"IPv4":           {Families: family.NewSet(family.V4)},
	"IPv6":           {Families: family.NewSet(family.V6)},
	"both":           {},
	"both, v6 first": {Primary: family.V6},
}

func TestServicesHaveTheFamiliesOfTheCluster(t *testing.T) {
	want := map[string]string{"IPv4": "10.96.0.1", "IPv6": "fd00:10:96::1", "both": "10.96.0.1", "both, v6 first": "fd00:10:96::1"}
	for name, options := range variants {
		t.Run(name, func(t *testing.T) {
			c := Start(t, options)
			ctx, cancel := c.Context()
			defer cancel()
			s, err := c.Admin.CoreV1().Services("default").Get(ctx, "kubernetes", meta.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if s.Spec.ClusterIP != want[name] {
				t.Errorf("the service kubernetes has %s, want %s", s.Spec.ClusterIP, want[name])
			}
			policy := core.IPFamilyPolicyPreferDualStack
			both := &core.Service{ObjectMeta: meta.ObjectMeta{Name: "both"}, Spec: core.ServiceSpec{IPFamilyPolicy: &policy, Ports: []core.ServicePort{{Port: 80}}}}
			got, err := c.Admin.CoreV1().Services("default").Create(ctx, both, meta.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Spec.ClusterIPs) != len(c.Families().Families()) {
				t.Errorf("a service that prefers both families has %v in a cluster of %s", got.Spec.ClusterIPs, c.Families())
			}
		})
	}
}

func TestPodsTalkAndTheServerKnowsThem(t *testing.T) {
	for name, options := range variants {
		t.Run(name, func(t *testing.T) {
			options.Nodes = 2
			c := Start(t, options)
			web := c.AddPod(PodSpec{Name: "shop/web", Node: "node1"})
			c.AddPod(PodSpec{Name: "shop/db", Node: "node2", Serves: []uint16{5432}})
			for _, n := range c.Nodes() {
				if err := n.RouteByHand(); err != nil {
					t.Fatal(err)
				}
			}
			c.CheckFlows(c.Table(`
				FROM      TO            IPv4 TCP  IPv6 TCP  IPv4 ICMP  IPv6 ICMP
				shop/web  shop/db:5432  yes       yes       -          -
				shop/web  shop/db       -         -         yes        yes
				link      shop/db:5432  yes       yes       -          -
				shop/web  shop/db:80    no        no        -          -`))
			ctx, cancel := c.Context()
			defer cancel()
			pod, err := c.Admin.CoreV1().Pods("shop").Get(ctx, "web", meta.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(pod.Status.PodIPs) != len(web.Spec.Addresses) || pod.Status.PodIP != web.Spec.Addresses[0].String() {
				t.Errorf("the pod has %v, its status %v", web.Spec.Addresses, pod.Status.PodIPs)
			}
			if name := netlab.InterfaceOf("shop", "web"); web.Interface() != name {
				t.Errorf("the interface is %s, want %s", web.Interface(), name)
			}
		})
	}
}
