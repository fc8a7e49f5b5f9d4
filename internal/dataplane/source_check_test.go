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

// sourceCase is a source that a pod sends from.
type sourceCase struct {
	what   string
	source netip.Addr
	own    bool
}

// sourcesOf are all kinds of sources that the web pod may try in a family.
func sourcesOf(n *nodetest.Node, f family.Family) []sourceCase {
	of := func(v4, v6 string) netip.Addr {
		return netip.MustParseAddr([]string{v4, v6}[f.Version()/6])
	}
	return []sourceCase{
		{"its own", address(n, web, f), true},
		{"the node's", n.Address(f), false},
		{"its gateway's", netlab.Gateway(f), false},
		{"another local pod's", address(n, db, f), false},
		{"the receiving pod's", address(n, api, f), false},
		{"nobody's in the pods' range", nodetest.Addresses(99)[f.Version()/6], false},
		{"a remote pod's", of("10.65.1.1", "fd00:65:1::1"), false},
		{"another node's", n.Outside().Address(f), false},
		{"a stranger's", address(n, stranger, f), false},
		{"unspecified", of("0.0.0.0", "::"), false},
		{"link-local", of("169.254.7.7", "fe80::7"), false},
		{"loopback", of("127.0.0.1", "::1"), false},
		{"multicast", of("224.0.0.5", "ff02::5"), false},
		{"broadcast, or all nodes", of("255.255.255.255", "ff02::1"), false},
		{"its own but mapped, or an odd one", of("10.65.0.0", "::ffff:10.65.0.1"), false},
	}
}

// A pod sends from its own addresses, to whomever, and from no others. There is no policy
// here, and the node takes everything that the source check lets through.
func TestSourceAddresses(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, map[string]string{"DefaultEndpointToHostAction": "ACCEPT"})
			for _, f := range family.All() {
				for _, to := range []string{api, partner, nodetest.Name} {
					for _, hops := range []uint8{64, 255} {
						trySources(t, n, f, to, hops, on.Has(f))
					}
				}
			}
		})
	}
}

func trySources(t *testing.T, n *nodetest.Node, f family.Family, to string, hops uint8, on bool) {
	t.Helper()
	var flows []flow
	o := ask(t, n)
	for i, c := range sourcesOf(n, f) {
		p := rules.Packet{Source: c.source, Destination: address(n, to, f), Protocol: model.UDP,
			SourcePort: uint16(1000 + i), DestinationPort: uint16(hops), HopLimit: hops}
		fl := flow{from: web, to: to, packet: p}
		if trace := o.verdict(p, fl.way(n)); trace.Allowed != (c.own && on) {
			t.Errorf("%v, source %s: the evaluator says\n%v", f, c.what, trace)
		}
		flows = append(flows, fl)
	}
	try(t, n, flows)
}

// A pod whose kernel has lost a family has no source of that family either.
func TestSourceOfAFamilyThatThePodDoesNotHave(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, map[string]string{"DefaultEndpointToHostAction": "ACCEPT"})
	var flows []flow
	for i, to := range []string{api, partner, nodetest.Name} {
		for _, c := range []struct {
			from   string
			source int // which of the addresses that it does not have
		}{{four, 6}, {six, 7}} {
			source := nodetest.Addresses(uint8(c.source))[map[string]int{four: 1, six: 0}[c.from]]
			flows = append(flows, flow{from: c.from, to: to, packet: rules.Packet{
				Source: source, Destination: address(n, to, family.Of(source)), Protocol: model.UDP,
				SourcePort: uint16(1000 + i), DestinationPort: 9, HopLimit: 64,
			}})
		}
	}
	if passed := try(t, n, flows); passed > 0 {
		t.Errorf("%d packets pass", passed)
	}
}

// Pods do not tunnel, unless the settings let them: neither to the node, nor through it.
func TestPodsDoNotTunnel(t *testing.T) {
	t.Parallel()
	const ipv6InIP, esp = 41, 50
	for _, c := range []struct {
		name     string
		settings map[string]string
		vxlan    uint16 // the port that is VXLAN
		open     map[string]bool
	}{
		{name: "by default", vxlan: 4789},
		{name: "VXLAN on another port", settings: map[string]string{"VXLANPort": "4790"}, vxlan: 4790},
		{name: "VXLAN allowed", settings: map[string]string{"AllowVXLANPacketsFromWorkloads": "true"}, vxlan: 4789, open: map[string]bool{"VXLAN": true}},
		{name: "IP in IP allowed", settings: map[string]string{"AllowIPIPPacketsFromWorkloads": "true"}, vxlan: 4789, open: map[string]bool{"IP in IP": true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{"DefaultEndpointToHostAction": "ACCEPT"}
			for name, value := range c.settings {
				settings[name] = value
			}
			n := startCluster(t, family.Both, settings)
			o := ask(t, n)
			other := uint16(4789 + 4790 - int(c.vxlan))
			for _, p := range []struct {
				what string
				rules.Packet
				open bool
			}{
				{"VXLAN", rules.Packet{Protocol: model.UDP, DestinationPort: c.vxlan}, c.open["VXLAN"]},
				{"from the port of VXLAN", rules.Packet{Protocol: model.UDP, SourcePort: c.vxlan, DestinationPort: 9}, true},
				{"UDP on a port nearby", rules.Packet{Protocol: model.UDP, DestinationPort: other}, true},
				{"TCP on the port of VXLAN", rules.Packet{Protocol: model.TCP, DestinationPort: c.vxlan}, true},
				{"IP in IP", rules.Packet{Protocol: rules.IPProtocolIPIP}, c.open["IP in IP"]},
				{"ESP", rules.Packet{Protocol: esp}, true},
			} {
				var flows []flow
				for _, f := range family.All() {
					for _, to := range []string{nodetest.Name, api, partner} {
						q := p.Packet
						q.Source, q.Destination, q.HopLimit = address(n, web, f), address(n, to, f), 64
						fl := flow{from: web, to: to, packet: q}
						if trace := o.verdict(q, fl.way(n)); trace.Allowed != p.open {
							t.Errorf("%s: the evaluator says\n%v", p.what, trace)
						}
						flows = append(flows, fl)
					}
				}
				try(t, n, flows)
			}
		})
	}
}
