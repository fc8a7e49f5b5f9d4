package dataplane_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// harmless are changes of policy that leave udpToAPI(9000) as it is.
func harmless() []string {
	return []string{
		udpToAPI(9000) + onlyIfBackOn,
		udpToAPI(9000) + strings.ReplaceAll(onlyIfBackOn, "side: front", "side: back"),
		strings.Replace(udpToAPI(9000), "ingress: [", "ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 9000, protocol: UDP}]}, ", 1),
		strings.Replace(udpToAPI(9000), "ingress: [", "ingress: [{from: [{podSelector: {matchLabels: {app: nobody}}}]}, ", 1),
		// The same in the words of Calico, and in a tier of its own.
		`
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec: {selector: app == 'api', ingress: [{action: Deny, protocol: TCP}, {action: Allow, protocol: UDP, destination: {ports: ['9000:9003']}}]}
`,
		udpToAPI(9000) + `
---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: first}
spec: {order: 1}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: first.pass}
spec: {tier: first, selector: all(), types: [Ingress, Egress], ingress: [{action: Pass}], egress: [{action: Log, protocol: SCTP}, {action: Pass}]}
`,
		udpToAPI(9000),
	}
}

// However policy is changed round about what is allowed, not a packet of that is lost, and
// what is denied before and after does not slip through between.
func TestPolicyChangesUnderTraffic(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", udpToAPI(9000))
			n.Settled()
			s := startStreams(t, n, on)
			for _, policy := range harmless() {
				n.Write("policy.yaml", policy)
				n.Settled()
				for _, allowed := range s.allowed {
					next(t, allowed)
				}
			}
			s.check(t)
		})
	}
}

// What is allowed no longer is denied to new flows from the moment on that the change is in
// the kernel, and what is allowed newly gets through; an established connection goes on.
func TestPolicyTurns(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", bothToAPI(9000))
			n.Settled()
			var established, turned, opened []*netlab.Stream
			for i, f := range on.Families() {
				established = append(established, tcpStream(t, n, web, api, f, uint16(9000+2*i)))
				turned = append(turned, stream(t, n, web, api, f, uint16(9001+2*i), true))
				opened = append(opened, blocked(t, n, web, api, f, uint16(9100+2*i)))
			}
			for i := range opened {
				awaitSent(t, opened[i], time.Time{}, turned[i])
			}
			k := n.Listen()
			n.Write("policy.yaml", bothToAPI(9100))
			n.Settled()
			done := time.Now()
			transactions := slices.DeleteFunc(k.Heard(), func(what string) bool { return what != "nft new generation" })
			want := map[string]int{nodetest.NFTables: 1, nodetest.IptablesNFT: len(on.Families())} // legacy has none
			if len(transactions) != want[nodetest.Backend()] {
				t.Errorf("the change has taken %d transactions", len(transactions))
			}
			for i := range on.Families() {
				next(t, opened[i])
				next(t, established[i])
				checkTurn(t, turned[i], opened[i], done)
				established[i].Stop()
			}
		})
	}
}

// bothToAPI lets UDP and TCP to four ports into the api pod, and nothing else.
func bothToAPI(port int) string {
	return strings.Replace(udpToAPI(port), "ports: [", fmt.Sprintf("ports: [{port: %d, protocol: TCP, endPort: %d}, ", port, port+3), 1)
}

// tcpStream starts a stream in one TCP connection, which connection tracking knows well.
func tcpStream(t *testing.T, n *nodetest.Node, from, to string, f family.Family, port uint16) *netlab.Stream {
	t.Helper()
	s, err := netlab.Start(t.Context(), netlab.Traffic{
		Protocol: netlab.TCP, From: space(n, from), Receiver: space(n, to), To: netip.AddrPortFrom(address(n, to, f), port),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkTurn wants a stream that was allowed to be denied after a moment, and one that was
// denied to be allowed. It stops both when enough has been sent.
func checkTurn(t *testing.T, denied, allowed *netlab.Stream, done time.Time) {
	t.Helper()
	awaitSent(t, denied, done, allowed)
	no, yes := denied.Stop(), allowed.Stop()
	if after := no.Between(done, time.Time{}); len(after.Lost()) != len(after.Sent) {
		t.Errorf("denied from now on: %v", after)
	}
	if after := yes.Between(done, time.Time{}); len(after.Lost()) > 0 {
		t.Errorf("allowed from now on: %v", after)
	}
	if back := turns(no.Arrived); back > 1 {
		t.Errorf("turns %d times instead of once: %v", back, no)
	}
	if forth := turns(yes.Arrived); forth != 1 {
		t.Errorf("turns %d times instead of once: %v", forth, yes)
	}
}

// awaitSent waits until some messages of a stream have been sent after a moment, although
// none arrives. The arrivals of another stream are its clock.
func awaitSent(t *testing.T, s *netlab.Stream, after time.Time, clock *netlab.Stream) {
	t.Helper()
	for len(s.Report().Between(after, time.Time{}).Sent) < 10 {
		next(t, clock)
	}
}

// turns is how often a stream goes from lost to arriving or the other way.
func turns(arrived []time.Time) (n int) {
	for i := range arrived[1:] {
		if arrived[i].IsZero() != arrived[i+1].IsZero() {
			n++
		}
	}
	return n
}

// A pod that moves into a selection, or a namespace whose labels change, counts as soon as
// the change is in the kernel, for both families in one transaction.
func TestLabelsChange(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress:
  - from: [{podSelector: {matchLabels: {side: front}}}, {namespaceSelector: {matchLabels: {env: prod}}, podSelector: {matchLabels: {app: vault}}}]
`)
	n.Settled()
	serve(t, n, 80, api)
	for i, c := range []struct {
		what       string
		old, new   string
		db, vaulty bool
	}{
		{"as it was", "", "", false, false},
		{"db moves to the front", "{app: db, side: back}", "{app: db, side: front}", true, false},
		{"bank becomes productive", "name: bank, labels: {env: dev}", "name: bank, labels: {env: prod}", false, true},
		{"shop is productive no more", "name: shop, labels: {env: prod}", "name: shop, labels: {env: dev}", false, false},
	} {
		k := n.Listen()
		n.Write("cluster.yaml", strings.Replace(clusterManifests(), c.old, c.new, 1))
		n.Settled()
		if heard := slices.DeleteFunc(k.Heard(), func(what string) bool { return what != "nft new generation" }); len(heard) > 1 {
			t.Errorf("%s: %d transactions", c.what, len(heard))
		}
		for _, f := range family.All() {
			probeAll(t, n, []asked{
				{web, netlab.TCP, api, f, 80, true},
				{db, netlab.TCP, api, f, 80, c.db},
				{vault, netlab.TCP, api, f, 80, c.vaulty},
			})
		}
		if t.Failed() {
			t.Fatal(fmt.Sprint("after step ", i, ": ", c.what))
		}
	}
}
