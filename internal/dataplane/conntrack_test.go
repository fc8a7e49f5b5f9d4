package dataplane_test

import (
	"bytes"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// onlyOut lets the web pod send UDP and receive nothing, and all others nothing at all.
const onlyOut = denyAll + `
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web-out}
spec:
  order: 1
  selector: app == 'web'
  types: [Ingress, Egress]
  egress: [{action: Allow, protocol: UDP}]
`

// icmpErrors are the errors that a router or a receiver sends back, by family: type, code.
var icmpErrors = family.PairOf(
	[][2]uint8{{3, 1}, {3, 3}, {3, 4}, {11, 0}, {12, 0}}, // unreachable (too big with 3/4), exceeded, parameter
	[][2]uint8{{1, 0}, {1, 4}, {2, 0}, {3, 0}, {4, 0}},   // unreachable, too big, exceeded, parameter
)

// Errors about a connection pass to the pod that has it, whatever policy says of their
// sender; errors about a connection that nobody has do not.
func TestErrorsAboutConnections(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", onlyOut)
			n.Settled()
			for _, f := range on.Families() {
				out := flow{from: web, to: partner, packet: rules.Packet{
					Source: address(n, web, f), Destination: address(n, partner, f),
					Protocol: model.UDP, SourcePort: 7000, DestinationPort: 7001, HopLimit: 64,
				}}
				if try(t, n, []flow{out}) != 1 {
					t.Fatalf("%v is not let out", out)
				}
				var shots []nodetest.Shot
				for _, e := range icmpErrors.Get(f) {
					shots = append(shots, icmpError(n, f, e, 7000, true), icmpError(n, f, e, 7002, false))
				}
				for i, arrived := range n.Volley(shots) {
					if arrived != shots[i].Expected {
						t.Errorf("%v: error %v, about a connection that there is %v: arrives %v",
							f, icmpErrors.Get(f)[i/2], shots[i].Expected, arrived)
					}
				}
			}
		})
	}
}

// icmpError is an error from the router outside about a datagram of the web pod's.
func icmpError(n *nodetest.Node, f family.Family, kind [2]uint8, port uint16, known bool) nodetest.Shot {
	token := netlab.Token()
	inner := netlab.Packet{From: address(n, web, f), To: address(n, partner, f), Payload: netlab.Datagram(port, 7001, token)}
	body := append([]byte{0, 0, 5, 0}, inner.Bytes()...) // an MTU of 1280 where there is one
	packet := netlab.Packet{From: n.Outside().Address(f), To: address(n, web, f), Payload: netlab.Message(f, kind[0], kind[1], body)}
	s := nodetest.Marked(nodetest.Outside, web, token, packet)
	s.Expected = known
	return s
}

// A port that nobody listens on is reported back to the sender although neither may talk.
func TestUnreachablePortIsReported(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", onlyOut+`
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec: {podSelector: {matchLabels: {app: api}}, ingress: [{ports: [{port: 9, protocol: UDP}]}]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: deny-all}
spec: {order: 2000, selector: all(), types: [Ingress, Egress]}
`)
	n.Settled()
	for _, f := range family.All() {
		probe(t, n, web, netlab.UDP, api, f, 9, netlab.Refused)
		probe(t, n, web, netlab.UDP, api, f, 10, netlab.Silent)
	}
}

// What connection tracking calls invalid is dropped where policy would allow it, unless the
// setting leaves it to policy.
func TestInvalidPackets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		setting string
		kept    bool
	}{{"false", false}, {"true", true}} {
		t.Run("DisableConntrackInvalidCheck "+c.setting, func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, family.Both, map[string]string{"DisableConntrackInvalidCheck": c.setting})
			n.Write("policy.yaml", portPolicy)
			n.Settled()
			for _, f := range family.All() {
				var shots []nodetest.Shot
				for _, port := range []uint16{80, 81} { // which policy allows, and does not
					token := netlab.Token()
					// A reset of a connection that there is not is invalid.
					packet := netlab.Packet{From: address(n, web, f), To: address(n, api, f), Payload: netlab.Segment(6000, port, netlab.RST, token)}
					s := nodetest.Marked(web, api, token, packet)
					s.Expected = c.kept && port == 80
					shots = append(shots, s)
				}
				for i, arrived := range n.Volley(shots) {
					if arrived != shots[i].Expected {
						t.Errorf("%v: port %d: arrives %v", f, 80+i, arrived)
					}
				}
			}
		})
	}
}

// The node itself tells a pod of packets that are too big, or that have come too far.
func TestErrorsFromTheNode(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", onlyOut)
	n.Settled()
	narrow(t, n, 1280)
	tap, err := n.Pod(web).TapWire(netlab.Uplink)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { go tap.Close() })
	for _, f := range family.All() {
		for _, c := range []struct {
			what string
			hops uint8
			size int
		}{{"come too far", 1, 0}, {"too big", 64, 1350}} {
			if f == family.V4 && c.size > 0 {
				continue // the node may cut it up
			}
			token := netlab.Token()
			data := append(bytes.Clone(token), make([]byte, c.size)...)
			packet := netlab.Packet{From: address(n, web, f), To: address(n, partner, f), HopLimit: c.hops, Payload: netlab.Datagram(1, 2, data)}
			if err := n.Pod(web).Transmit(packet.Bytes()); err != nil {
				t.Fatal(err)
			}
			if heard, err := tap.Hears(token, netlab.Patience); err != nil || !heard {
				t.Errorf("%v: the pod is not told that its packet has %s (%v)", f, c.what, err)
			}
		}
	}
}

// narrow gives the node's way out an MTU.
func narrow(t *testing.T, n *nodetest.Node, mtu int) {
	t.Helper()
	links, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close()
	uplink, err := links.LinkByName(netlab.Uplink)
	if err == nil {
		err = links.LinkSetMTU(uplink, mtu)
	}
	if err != nil {
		t.Fatal(err)
	}
}
