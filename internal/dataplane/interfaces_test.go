package dataplane_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// awaitRoutes waits until both of the pod's addresses are routed to it, as far as they are
// of families that are on.
func awaitRoutes(t *testing.T, n *nodetest.Node, pod string, on family.Set) {
	t.Helper()
	n.Await(func() string {
		for _, f := range on.Families() {
			want := fmt.Sprintf("[dev %s]", n.Pod(pod).Interface())
			if got := fmt.Sprint(routesTo(t, n, family.HostPrefix(address(n, pod, f)))); got != want {
				return fmt.Sprintf("route to %v: %s, want %s", address(n, pod, f), got, want)
			}
		}
		return ""
	})
}

// A pod's interface may be there before the API tells of the pod, or after: either way the
// pod has both of its addresses and its policy as soon as both are there.
func TestInterfaceAndEndpointInEitherOrder(t *testing.T) {
	t.Parallel()
	pods := clusterPods()[:3]
	pods[1].Unplugged = true // api
	for _, on := range nodetest.Families() {
		for _, order := range []string{"interface first", "endpoint first"} {
			t.Run(order+" "+on.String(), func(t *testing.T) {
				t.Parallel()
				without := strings.Replace(clusterManifests(), podOf(pods[1]), "", 1)
				n := nodetest.Start(t, nodetest.Options{Families: on, Pods: pods,
					Manifests: map[string]string{"cluster.yaml": without, "policy.yaml": portPolicy}})
				n.Settled()
				plug := func() { n.Plug(api) }
				tell := func() { n.Write("cluster.yaml", clusterManifests()); n.Settled() }
				if order == "interface first" {
					plug()
					n.Pass()
					closedTo(t, n, api)
					tell()
				} else {
					tell()
					plug()
				}
				awaitRoutes(t, n, api, on)
				tryTCP(t, n, on)
			})
		}
	}
}

// A pod that the API has no more, and whose interface is still there, is closed.
func TestPodIsGone(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			serve(t, n, 80, api)
			n.Write("cluster.yaml", strings.Replace(clusterManifests(), podOf(clusterPods()[1]), "", 1))
			n.Settled()
			for _, f := range on.Families() {
				wantRoute(t, n, address(n, api, f), "")
			}
			closedTo(t, n, api)
			for _, f := range family.All() {
				probeAll(t, n, []asked{{nodetest.Name, netlab.TCP, api, f, 80, false}, {web, netlab.TCP, api, f, 80, false}})
			}
		})
	}
}

// closedTo wants nothing to get to a pod that the agent does not know, by whatever route.
func closedTo(t *testing.T, n *nodetest.Node, pod string) {
	t.Helper()
	var shots []nodetest.Shot
	for _, f := range family.All() {
		wayAround(t, n, pod, f)
		shots = append(shots, shotsEverywhere(n, f, false)...)
	}
	for i, arrived := range n.Volley(shots) {
		if arrived && i%4 != 1 { // the other pods' own way out is no matter
			t.Errorf("packet %d arrives at or from a pod that is not known", i)
		}
	}
}

// tryTCP holds a node to the policy of two ports.
func tryTCP(t *testing.T, n *nodetest.Node, on family.Set) {
	t.Helper()
	serve(t, n, 80, api)
	serve(t, n, 81, api)
	for _, f := range family.All() {
		probeAll(t, n, []asked{
			{web, netlab.TCP, api, f, 80, on.Has(f)},
			{web, netlab.TCP, api, f, 81, false},
			{db, netlab.TCP, api, f, 80, false},
			{nodetest.Name, netlab.TCP, api, f, 81, on.Has(f)},
		})
	}
}

// An interface that is deleted and made anew under its name is served like the first one,
// and no other pod notices.
func TestInterfaceIsMadeAnew(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", portPolicy)
			n.Settled()
			others := map[string]*netlab.Stream{}
			for i, f := range on.Families() {
				others[f.String()] = stream(t, n, web, db, f, uint16(9000+i), false)
			}
			for range 2 {
				n.Unplug(api)
				n.Plug(api)
				awaitRoutes(t, n, api, on)
			}
			tryTCP(t, n, on)
			for name, s := range others {
				lossless(t, name, s)
			}
		})
	}
}

// An interface that goes down loses its IPv4 routes without a word of the kernel's. It gets
// them back when it comes up.
func TestInterfaceGoesDownAndUp(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", portPolicy)
			n.Settled()
			for _, set := range []func(bool) error{n.Pod(api).SetHostEnd, n.Pod(api).SetPodEnd} {
				for _, up := range []bool{false, true} {
					if err := set(up); err != nil {
						t.Fatal(err)
					}
				}
				awaitRoutes(t, n, api, on)
			}
		})
	}
}

// Two pods that claim one address: whichever is told of first, the same one has it, and the
// other is told why not.
func TestTwoPodsWithOneAddress(t *testing.T) {
	t.Parallel()
	a := nodetest.Addresses(30)
	pods := []netlab.PodSpec{{Name: "shop/first", Addresses: a}, {Name: "shop/second", Addresses: a}, clusterPods()[0]}
	var manifests []string
	for _, p := range pods {
		manifests = append(manifests, nodetest.PodManifest(p, ""))
	}
	for name, order := range map[string][]int{"in order": {0, 1}, "in reverse": {1, 0}, "at once": {0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := nodetest.Start(t, nodetest.Options{Pods: pods, Manifests: map[string]string{"web.yaml": manifests[2]}})
			n.Settled()
			for _, i := range order {
				text := manifests[i]
				if len(order) == 1 {
					text = manifests[1] + manifests[0]
				}
				n.Write(fmt.Sprintf("%d.yaml", i), text)
				n.Settled()
			}
			for range 2 {
				for _, f := range family.All() {
					wantRoute(t, n, a[f.Version()/6], "shop/first")
					if got := n.Problems(); !strings.Contains(got, fmt.Sprintf("%q: is not used: Pod/shop/first has the better claim to it", a[f.Version()/6])) {
						t.Errorf("the loser is not told why:\n%s", got)
					}
				}
				n.Restart()
				n.Settled()
			}
		})
	}
}

// Two pods whose names make one name of an interface: the same one has it whatever the order.
func TestTwoPodsWithOneInterface(t *testing.T) {
	t.Parallel()
	// "a" with "b.c" and "a.b" with "c" are one and the same to the CNI plugin.
	first := netlab.PodSpec{Name: "a/b.c", Addresses: nodetest.Addresses(40)}
	second := netlab.PodSpec{Name: "a.b/c", Addresses: nodetest.Addresses(41)}
	if netlab.InterfaceOf("a", "b.c") != netlab.InterfaceOf("a.b", "c") {
		t.Fatal("the names do not collide")
	}
	one, two := nodetest.PodManifest(first, ""), nodetest.PodManifest(second, "")
	for name, order := range map[string][]string{"in order": {one, two}, "in reverse": {two, one}, "at once": {two + one}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := nodetest.Start(t, nodetest.Options{Pods: []netlab.PodSpec{first}})
			n.Settled()
			for i, text := range order {
				n.Write(fmt.Sprintf("%d.yaml", i), text)
				n.Settled()
			}
			for range 2 {
				for _, f := range family.All() {
					wantRoute(t, n, second.Addresses[f.Version()/6], "")
					wantRoute(t, n, first.Addresses[f.Version()/6], first.Name)
				}
				n.Restart()
				n.Settled()
			}
		})
	}
}
