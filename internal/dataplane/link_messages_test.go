package dataplane_test

import (
	"net/netip"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// denyAll lets no pod send or receive anything.
const denyAll = `
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: deny-all}
spec: {selector: all(), types: [Ingress, Egress]}
`

// The types of the messages that this is about (RFC 4861, RFC 2710, RFC 3810).
const (
	mldQuery, mldReport, mldDone, mld2Report = 130, 131, 132, 143
	routerSolicitation, routerAdvertisement  = 133, 134
	neighborSolicitation, neighborAdvert     = 135, 136
	redirect                                 = 137
)

// linkCase is a message of a pod to its node.
type linkCase struct {
	kind, hops       uint8
	source, receiver string
	taken            bool
}

// linkCases are all to the group of all nodes: those of routers the node need not be in, and
// whom a message is for does not count.
func linkCases(own, another string) []linkCase {
	const allNodes, unspecified, linkLocal = "ff02::1", "::", "fe80::7"
	return []linkCase{
		{neighborSolicitation, 255, unspecified, allNodes, true}, // duplicate address detection
		{neighborSolicitation, 255, linkLocal, allNodes, true},
		{neighborSolicitation, 255, own, allNodes, true},
		{neighborSolicitation, 255, another, allNodes, false},
		{neighborSolicitation, 64, linkLocal, allNodes, false},
		{neighborSolicitation, 64, unspecified, allNodes, false},
		{neighborAdvert, 255, linkLocal, allNodes, true},
		{neighborAdvert, 255, own, allNodes, true},
		{neighborAdvert, 254, own, allNodes, false},
		{routerSolicitation, 255, unspecified, allNodes, true},
		{routerSolicitation, 255, linkLocal, allNodes, true},
		{routerSolicitation, 1, linkLocal, allNodes, false},
		{mldQuery, 1, linkLocal, allNodes, true},
		{mldReport, 1, linkLocal, allNodes, true},
		{mldReport, 1, unspecified, allNodes, true},
		{mldDone, 1, linkLocal, allNodes, true},
		{mld2Report, 1, unspecified, allNodes, true},
		{mld2Report, 1, another, allNodes, false},
		{mld2Report, 255, linkLocal, allNodes, false},
		{routerAdvertisement, 255, linkLocal, allNodes, false},
		{routerAdvertisement, 255, own, allNodes, false},
		{routerAdvertisement, 1, linkLocal, allNodes, false},
		{redirect, 255, linkLocal, allNodes, false},
		{redirect, 255, own, allNodes, false},
		{128, 64, linkLocal, allNodes, false}, // echo requests, from a source not its own
		{128, 255, linkLocal, allNodes, false},
		{128, 1, unspecified, allNodes, false},
	}
}

// What a pod and its node need to find each other passes whatever policy says; what makes a
// router does not, whoever claims it.
func TestLinkMessagesToTheNode(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", denyAll)
			n.Settled()
			o := ask(t, n)
			var shots []nodetest.Shot
			cases := linkCases(address(n, web, family.V6).String(), address(n, db, family.V6).String())
			for _, c := range cases {
				p := icmp6(c.kind, c.hops, netip.MustParseAddr(c.source), netip.MustParseAddr(c.receiver))
				trace := o.verdict(p, rules.Way{In: device(n, web)})
				if want := c.taken && on.Has(family.V6); trace.Allowed != want {
					t.Errorf("want %v, the evaluator says:\n%v", want, trace)
				}
				shots = append(shots, linkShot(p, web, nodetest.Name, trace.Allowed))
			}
			for i, taken := range n.Volley(shots) {
				if taken != shots[i].Expected {
					t.Errorf("%+v: taken is %v", cases[i], taken)
				}
			}
		})
	}
}

func icmp6(kind, hops uint8, source, to netip.Addr) rules.Packet {
	return rules.Packet{Source: source, Destination: to, Protocol: model.ICMPv6, ICMPType: kind, HopLimit: hops, State: rules.Untracked}
}

// linkShot is the message on the wire; those of MLD with the router alert that they have.
func linkShot(p rules.Packet, from, to string, expected bool) nodetest.Shot {
	token := netlab.Token()
	packet := netlab.Packet{
		From: p.Source, To: p.Destination, HopLimit: p.HopLimit,
		Payload: netlab.Message(family.V6, p.ICMPType, 0, append(make([]byte, 20), token...)),
	}
	if p.HopLimit == 1 {
		packet.Extensions = []netlab.Extension{netlab.RouterAlert()}
	}
	s := nodetest.Marked(from, to, token, packet)
	s.Protocol, s.Expected = int(model.ICMPv6), expected
	return s
}

// None of these messages is forwarded: not between pods, not out, not in, and where there
// is no policy at all either.
func TestLinkMessagesAreNotForwarded(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	o := ask(t, n)
	var shots []nodetest.Shot
	var traces []*rules.Trace
	for _, kind := range []uint8{mldQuery, mldReport, mldDone, mld2Report, routerSolicitation, routerAdvertisement,
		neighborSolicitation, neighborAdvert, redirect} {
		for _, way := range [][2]string{{web, api}, {web, partner}, {partner, web}} {
			for _, hops := range []uint8{255, 64, 2} {
				f := flow{from: way[0], to: way[1], packet: icmp6(kind, hops, address(n, way[0], family.V6), address(n, way[1], family.V6))}
				trace := o.verdict(f.packet, f.way(n))
				if trace.Allowed {
					t.Errorf("the evaluator says:\n%v", trace)
				}
				traces = append(traces, trace)
				shots = append(shots, linkShot(f.packet, place(f.from), place(f.to), false))
			}
		}
	}
	for i, arrived := range n.Volley(shots) {
		if arrived {
			t.Errorf("is forwarded:\n%v", traces[i])
		}
	}
}
