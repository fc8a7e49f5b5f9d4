package dataplane_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// The cluster that policies are tried in: two namespaces on one node, and two hosts outside,
// which the second node of the lab speaks for.
const (
	web   = "shop/web"
	api   = "shop/api"
	db    = "shop/db"
	till  = "bank/till"
	vault = "bank/vault"
	four  = "bank/four" // has no IPv6 address
	six   = "bank/six"  // has no IPv4 address

	partner  = "partner"  // lies in the network set of partners
	stranger = "stranger" // lies in no set
)

// clusterPods are what is plugged in.
func clusterPods() []netlab.PodSpec {
	pods := []netlab.PodSpec{}
	for i, name := range []string{web, api, db, till, vault, four, six} {
		pods = append(pods, netlab.PodSpec{Name: name, Addresses: nodetest.Addresses(uint8(i + 1))})
	}
	pods[5].Addresses = pods[5].Addresses[:1]
	pods[6].Addresses = pods[6].Addresses[1:]
	return pods
}

// outsiders are the addresses of the hosts outside.
func outsiders(name string) []netip.Addr {
	if name == partner {
		return netlab.Addrs("192.0.2.10", "2001:db8:a::10")
	}
	return netlab.Addrs("198.51.100.10", "2001:db8:b::10")
}

// clusterManifests is what the API says of all that, without policies.
func clusterManifests() string {
	text := `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {env: prod}}
---
apiVersion: v1
kind: Namespace
metadata: {name: bank, labels: {env: dev}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: clerk, namespace: shop, labels: {trust: high}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: clerk, namespace: bank, labels: {trust: low}}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: partners, labels: {role: partner}}
spec: {nets: [192.0.2.0/24, '2001:db8:a::/48']}
---
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: suppliers, namespace: bank, labels: {role: supplier}}
spec: {nets: [192.0.2.10/32, '2001:db8:a::10/128']}
`
	for _, p := range clusterPods() {
		text += podOf(p)
	}
	return text
}

// podOf is the Pod object of one of the cluster's pods.
func podOf(p netlab.PodSpec) string {
	extra := map[string]struct{ labels, account, ports string }{
		web:   {"app: web, side: front", "default", ""},
		api:   {"app: api, side: back", "clerk", "{name: http, containerPort: 8080}"},
		db:    {"app: db, side: back", "default", "{name: psql, containerPort: 5432}, {name: dns, containerPort: 53, protocol: UDP}"},
		till:  {"app: till, side: front", "clerk", ""},
		vault: {"app: vault, side: back", "default", "{name: http, containerPort: 8443}, {name: psql, containerPort: 5432}"},
		four:  {"app: four", "default", ""},
		six:   {"app: six", "default", ""},
	}[p.Name]
	spec := fmt.Sprintf("spec: {nodeName: %s, serviceAccountName: %s, containers: [{name: c, image: i, ports: [%s]}]}",
		nodetest.Name, extra.account, extra.ports)
	return strings.Replace(nodetest.PodManifest(p, extra.labels), "spec: {nodeName: "+nodetest.Name+"}", spec, 1)
}

// startCluster starts the node with all of the cluster on it.
func startCluster(t *testing.T, on family.Set, settings map[string]string) *nodetest.Node {
	t.Helper()
	n := nodetest.Start(t, nodetest.Options{
		Families: on, Settings: settings, Pods: clusterPods(),
		Manifests: map[string]string{"cluster.yaml": clusterManifests()},
	})
	n.Settled()
	return n
}

// flow is a packet and who sends it to whom.
type flow struct {
	from, to string
	packet   rules.Packet
	id       uint16 // tells echo requests apart
}

func (f flow) String() string { return fmt.Sprintf("%s > %s (%v)", f.from, f.to, &f.packet) }

// address is the address that a member of the cluster has; invalid for none.
func address(n *nodetest.Node, name string, f family.Family) netip.Addr {
	switch name {
	case partner, stranger:
		return outsiders(name)[f.Version()/6]
	case nodetest.Name:
		return n.Address(f)
	case nodetest.Outside:
		return n.Outside().Address(f)
	}
	return n.Pod(name).Address(f)
}

// device is the node's interface that leads to a member; none for the node itself.
func device(n *nodetest.Node, name string) string {
	switch name {
	case partner, stranger:
		return netlab.Uplink
	case nodetest.Name:
		return ""
	}
	return n.Pod(name).Interface()
}

func (f flow) way(n *nodetest.Node) rules.Way {
	return rules.Way{In: device(n, f.from), Out: device(n, f.to)}
}

// place is where a member sends from and hears at, in the words of nodetest.
func place(name string) string {
	if name == partner || name == stranger {
		return nodetest.Outside
	}
	return name
}

// shot puts the packet on the wire.
func (f flow) shot(expected bool) nodetest.Shot {
	token, p := netlab.Token(), &f.packet
	packet := netlab.Packet{From: p.Source, To: p.Destination, HopLimit: p.HopLimit, Payload: payload(p, f.id, token)}
	s := nodetest.Marked(place(f.from), place(f.to), token, packet)
	s.Protocol, s.Expected = int(p.Protocol), expected
	return s
}

func payload(p *rules.Packet, identifier uint16, token []byte) netlab.Payload {
	switch p.Protocol {
	case model.TCP:
		return netlab.Segment(p.SourcePort, p.DestinationPort, netlab.SYN, token)
	case model.UDP:
		return netlab.Datagram(p.SourcePort, p.DestinationPort, token)
	case model.SCTP:
		return netlab.Init(p.SourcePort, p.DestinationPort, token)
	case model.ICMP, model.ICMPv6:
		body := binary.BigEndian.AppendUint16(nil, identifier)
		return netlab.Message(p.Family(), p.ICMPType, p.ICMPCode, append(append(body, 0, 1), token...))
	}
	return netlab.Octets(uint8(p.Protocol), token)
}

// try sends packets and holds the kernel to the oracle. It returns how many were to pass.
func try(t *testing.T, n *nodetest.Node, flows []flow) (passed int) {
	t.Helper()
	o := ask(t, n)
	shots := make([]nodetest.Shot, len(flows))
	traces := make([]*rules.Trace, len(flows))
	for i, f := range flows {
		traces[i] = o.verdict(f.packet, f.way(n))
		shots[i] = f.shot(traces[i].Allowed)
	}
	for i, arrived := range n.Volley(shots) {
		if arrived {
			passed++
		}
		if arrived != traces[i].Allowed {
			t.Errorf("%v: arrived is %v, but the evaluator says:\n%v", flows[i], arrived, traces[i])
		}
	}
	return passed
}
