package dataplane_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// supportOf is a FelixConfiguration with these families on.
func supportOf(on family.Set) string {
	return nodetest.FelixConfiguration(fmt.Sprintf("ipv4Support: %v, ipv6Support: %v, defaultEndpointToHostAction: Accept",
		on.Has(family.V4), on.Has(family.V6)))
}

// A family is switched off and on again under traffic. What it had in the kernel goes, and
// what it had open is closed, connections too; the other family does not notice.
func TestOneFamilyGoesWhileTheOtherStays(t *testing.T) {
	t.Parallel()
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, family.Both, nil)
			n.Write("felix.yaml", supportOf(family.Both))
			n.Write("policy.yaml", udpToAPI(9000))
			n.Settled()
			stays := stream(t, n, web, api, f.Other(), 9000, false)
			staysAnew := stream(t, n, web, db, f.Other(), 9001, true)
			goes := stream(t, n, web, api, f, 9001, false)
			fromNode := stream(t, n, nodetest.Name, api, f, 9002, false)
			wayAround(t, n, api, f)

			n.Write("felix.yaml", supportOf(family.NewSet(f.Other())))
			n.Settled()
			off := time.Now()
			wantGone(t, n, f)
			tryEverywhere(t, n, family.NewSet(f.Other()))
			// Policy goes on being calculated for it.
			n.Write("policy.yaml", udpToAPI(9000)+onlyIfBackOn)
			n.Settled()
			next(t, stays)
			on := time.Now()

			n.Write("felix.yaml", supportOf(family.Both))
			n.Settled()
			tryEverywhere(t, n, family.Both)
			trySets(t, n)
			next(t, goes)
			next(t, fromNode)
			lossless(t, "established, of the other family", stays)
			lossless(t, "new flows of the other family", staysAnew)
			for name, s := range map[string]*netlab.Stream{"established": goes, "of the node": fromNode} {
				if while := s.Stop().Between(off, on); len(while.Lost()) != len(while.Sent) {
					t.Errorf("%s, while %v is off: %v", name, f, while)
				}
			}
		})
	}
}

// udpToAPI lets UDP to four ports into the api pod, and nothing else.
func udpToAPI(port int) string {
	return fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec: {podSelector: {matchLabels: {app: api}}, ingress: [{ports: [{port: %d, protocol: UDP, endPort: %d}]}]}
`, port, port+3)
}

// onlyIfBackOn is a policy that comes while a family is off, with a set of its own.
const onlyIfBackOn = `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {side: front}}}]}]}
`

// trySets holds the kernel to onlyIfBackOn, in both families.
func trySets(t *testing.T, n *nodetest.Node) {
	t.Helper()
	serve(t, n, 80, db)
	for _, f := range family.All() {
		probeAll(t, n, []asked{{web, netlab.TCP, db, f, 80, true}, {api, netlab.TCP, db, f, 80, false}})
	}
}

// wayAround leads packets for a pod to its interface by a table that is not ours, so that
// they meet policy even when the pod's own route is gone.
func wayAround(t *testing.T, n *nodetest.Node, pod string, f family.Family) {
	t.Helper()
	links, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close()
	link, err := links.LinkByName(n.Pod(pod).Interface())
	if err != nil {
		t.Fatal(err)
	}
	to := netipx.PrefixIPNet(family.HostPrefix(address(n, pod, f)))
	if err := links.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: to, Table: 100, Scope: netlink.SCOPE_LINK}); err != nil {
		t.Fatal(err)
	}
	rule := netlink.NewRule()
	rule.Family, rule.Table, rule.Priority = netlinkFamily(f), 100, 100
	if err := links.RuleAdd(rule); err != nil {
		t.Fatal(err)
	}
}

// wantGone wants nothing of the family to be in the kernel but what drops it.
func wantGone(t *testing.T, n *nodetest.Node, f family.Family) {
	t.Helper()
	for _, pod := range []string{web, api, db, four, six} {
		if a := address(n, pod, f); a.IsValid() {
			wantRoute(t, n, a, "")
		}
	}
	word := map[family.Family]string{family.V4: `ip (saddr|daddr)|ipv4_addr`, family.V6: `ip6 (saddr|daddr)|ipv6_addr|icmpv6`}[f]
	table, _, _ := strings.Cut(n.Dump("kernel"), "# IPv4 routes")
	if left := regexp.MustCompile(".*("+word+").*").FindAllString(table, -1); len(left) > 0 {
		t.Errorf("left of %v in the table:\n%s", f, strings.Join(left, "\n"))
	}
}

// tryEverywhere sends packets over every hook, and wants those of families that are off to
// be dropped, whatever they are.
func tryEverywhere(t *testing.T, n *nodetest.Node, on family.Set) {
	t.Helper()
	serve(t, n, 7000+uint16(on), api)
	for _, f := range family.All() {
		var flows []flow
		for i, way := range [][2]string{{web, api}, {web, partner}, {partner, api}, {web, nodetest.Name}, {db, api}} {
			p := rules.Packet{Source: address(n, way[0], f), Destination: address(n, way[1], f), Protocol: model.UDP,
				SourcePort: uint16(100*int(on) + i), DestinationPort: 9001, HopLimit: 64}
			flows = append(flows, flow{from: way[0], to: way[1], packet: p})
		}
		want := map[bool]int{true: len(flows), false: 0}[on.Has(f)]
		if got := try(t, n, flows); got != want {
			t.Errorf("with %v on, %d packets of %v pass, want %d", on, got, f, want)
		}
		probeAll(t, n, []asked{{nodetest.Name, netlab.TCP, api, f, 7000 + uint16(on), on.Has(f)}})
	}
}

// A node of one family from the start is as good as one of both, and the other is closed.
func TestNodeOfOneFamily(t *testing.T) {
	t.Parallel()
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, family.NewSet(f), map[string]string{"DefaultEndpointToHostAction": "ACCEPT"})
			n.Write("policy.yaml", udpToAPI(9000))
			n.Settled()
			wayAround(t, n, api, f.Other())
			wantGone(t, n, f.Other())
			tryEverywhere(t, n, family.NewSet(f))
			if ready := n.Readiness(); !ready.Ready {
				t.Errorf("not ready: %v", ready.Reasons)
			}
		})
	}
}

// With both off, nothing of any pod passes, and the agent is not confused.
func TestBothFamiliesOff(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", udpToAPI(9000))
	for _, on := range []family.Set{0, family.NewSet(family.V6), family.Both} {
		n.Write("felix.yaml", supportOf(on))
		n.Settled()
		tryEverywhere(t, n, on)
	}
}

// A node whose kernel has no IPv6 at all serves IPv4.
func TestKernelWithoutIPv6(t *testing.T) {
	t.Parallel()
	n := nodetest.Start(t, nodetest.Options{Without: family.V6, Pods: clusterPods()[:3],
		Manifests: map[string]string{"cluster.yaml": clusterManifests(), "policy.yaml": portPolicy}})
	n.Settled()
	serve(t, n, 80, api)
	serve(t, n, 81, api)
	for port, want := range map[uint16]bool{80: true, 81: false} {
		probeAll(t, n, []asked{{web, netlab.TCP, api, family.V4, port, want}, {db, netlab.TCP, api, family.V4, port, false}})
	}
	wantRoute(t, n, netip.MustParseAddr("10.65.0.2"), api)
}
