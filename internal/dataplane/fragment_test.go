package dataplane_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// portPolicy lets the web pod reach two ports of the api pod, and nothing else.
const portPolicy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: 80, protocol: TCP}, {port: 80, protocol: UDP}]
`

// disguise is a way to put the same transport header behind others, or to cut it up.
type disguise struct {
	name     string
	families family.Set
	chain    []netlab.Extension
	// whole and size are those of Packet.Fragments; size 0 leaves the packet in one piece.
	whole, size int
	// mayFail: the kernel may throw such a packet away, whatever policy says of it.
	mayFail bool
}

func disguises() []disguise {
	only6 := family.NewSet(family.V6)
	pad := []netlab.Extension{netlab.DestinationOptions()}
	return []disguise{
		{name: "plain", families: family.Both},
		{name: "fragments", families: family.Both, size: 24},
		{name: "least fragments", families: family.Both, size: 8, mayFail: true},
		{name: "hop-by-hop options", families: only6, chain: []netlab.Extension{netlab.HopByHop()}},
		{name: "router alert", families: only6, chain: []netlab.Extension{netlab.RouterAlert()}},
		{name: "destination options", families: only6, chain: pad},
		{name: "routing header", families: only6, chain: []netlab.Extension{netlab.Routing(253, 0)}},
		{name: "routing header of type 0", families: only6, chain: []netlab.Extension{netlab.Routing(0, 0)}, mayFail: true},
		{name: "atomic fragment", families: only6, chain: []netlab.Extension{netlab.AtomicFragment()}},
		{name: "atomic fragment, then options", families: only6, chain: []netlab.Extension{netlab.AtomicFragment(), netlab.DestinationOptions()}},
		{name: "several headers", families: only6, chain: []netlab.Extension{
			netlab.HopByHop(), netlab.DestinationOptions(), netlab.Routing(253, 0), netlab.AtomicFragment(), netlab.DestinationOptions()}},
		{name: "fragments behind hop-by-hop options", families: only6, chain: []netlab.Extension{netlab.HopByHop()}, whole: 1, size: 24},
		{name: "ports behind options in the second fragment", families: only6, chain: pad, size: 8, mayFail: true},
		{name: "ten headers", families: only6, chain: append(append(append([]netlab.Extension{}, pad...), netlab.Routing(253, 0)),
			pad[0], pad[0], pad[0], pad[0], pad[0], pad[0], pad[0], pad[0])},
	}
}

// Neither extension headers nor fragments make a packet another one to policy: what is
// denied plain is denied in every form, and what is allowed gets through.
func TestExtensionHeadersAndFragments(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", portPolicy)
			n.Settled()
			o, port := ask(t, n), uint16(30000)
			var names []string
			var shots []nodetest.Shot
			var allowed []bool
			for _, d := range disguises() {
				for _, f := range d.families.Families() {
					for _, p := range portPackets() {
						port++
						p.packet.SourcePort = port
						p.packet.Source, p.packet.Destination = address(n, p.from, f), address(n, p.to, f)
						trace := o.verdict(p.packet, p.way(n))
						shots = append(shots, d.shot(p, trace.Allowed))
						names = append(names, d.name+": "+trace.String())
						allowed = append(allowed, trace.Allowed)
					}
				}
			}
			for i, arrived := range n.Volley(shots) {
				if arrived && !allowed[i] || !arrived && shots[i].Expected {
					t.Errorf("arrived is %v: %s", arrived, names[i])
				}
			}
		})
	}
}

// portPackets are packets to either side of the policy's rule.
func portPackets() (flows []flow) {
	for _, from := range []string{web, db} {
		for _, protocol := range []model.Protocol{model.TCP, model.UDP} {
			for _, port := range []uint16{80, 81} {
				flows = append(flows, flow{from: from, to: api, packet: rules.Packet{Protocol: protocol, DestinationPort: port, HopLimit: 64}})
			}
		}
	}
	return flows
}

// shot puts the packet into the disguise. It has arrived if the receiver's kernel takes it;
// it is expected to unless the kernel may throw it away.
func (d *disguise) shot(f flow, expected bool) nodetest.Shot {
	token, p := netlab.Token(), &f.packet
	packet := netlab.Packet{From: p.Source, To: p.Destination, HopLimit: 64, Extensions: d.chain, Payload: payload(p, f.id, token)}
	wire := [][]byte{packet.Bytes()}
	if d.size > 0 {
		wire = packet.Fragments(d.whole, d.size)
	}
	return nodetest.Shot{
		From: f.from, To: f.to, Wire: wire, Token: token,
		Protocol: int(p.Protocol), Delivered: true, Expected: expected && !d.mayFail,
	}
}

// What a pod may not send to its node it may not send there in another form either.
func TestExtensionHeadersTowardsTheNode(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, map[string]string{"DefaultEndpointToHostAction": "ACCEPT"})
	for _, d := range disguises() {
		if !d.families.Has(family.V6) || d.mayFail {
			continue
		}
		shot := func(protocol int, p func(token []byte) netlab.Payload, hops uint8, expected bool) nodetest.Shot {
			token := netlab.Token()
			packet := netlab.Packet{From: address(n, web, family.V6), To: n.Address(family.V6), HopLimit: hops, Extensions: d.chain, Payload: p(token)}
			wire := [][]byte{packet.Bytes()}
			if d.size > 0 {
				wire = packet.Fragments(d.whole, d.size)
			}
			return nodetest.Shot{From: web, To: nodetest.Name, Wire: wire, Token: token, Protocol: protocol, Expected: expected}
		}
		datagram := func(port uint16) func([]byte) netlab.Payload {
			return func(token []byte) netlab.Payload { return netlab.Datagram(1000, port, token) }
		}
		advertisement := func(token []byte) netlab.Payload {
			return netlab.Message(family.V6, 134, 0, append(make([]byte, 12), token...))
		}
		tunnelled := func(token []byte) netlab.Payload { return netlab.Octets(4, token) }
		got := n.Volley([]nodetest.Shot{
			shot(unix.IPPROTO_UDP, datagram(9), 64, true),
			shot(unix.IPPROTO_UDP, datagram(4789), 64, false),
			shot(unix.IPPROTO_ICMPV6, advertisement, 255, false),
			shot(unix.IPPROTO_IPIP, tunnelled, 64, false),
		})
		for i, what := range []string{"UDP", "VXLAN", "a router advertisement", "IP in IP"} {
			if want := i == 0; got[i] != want {
				t.Errorf("%s, %s: taken is %v, want %v", d.name, what, got[i], want)
			}
		}
	}
}

// A fragment that is not the first one, without that, is nobody's and goes nowhere: not even
// where the whole packet would be allowed.
func TestLaterFragmentsAlone(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	for _, f := range family.All() {
		token := netlab.Token()
		data := append(make([]byte, 64), token...)
		packet := netlab.Packet{From: address(n, web, f), To: address(n, api, f), Payload: netlab.Datagram(1, 80, data)}
		later := packet.Fragments(0, 64)[1:]
		if n.Volley([]nodetest.Shot{{From: web, To: api, Wire: later, Token: token}})[0] {
			t.Errorf("%v: a fragment gets through by itself", f)
		}
	}
}
