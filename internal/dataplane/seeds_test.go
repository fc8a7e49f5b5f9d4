package dataplane_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// seeds are the manifests of real deployments, with their nodes' names made ours.
func seeds(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/seeds/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no seeds: %v", err)
	}
	manifests := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		manifests[filepath.Base(file)] = strings.NewReplacer("nodeName: master", "nodeName: "+nodetest.Name,
			"nodeName: k8s-node1", "nodeName: "+nodetest.Name).Replace(string(text))
	}
	return manifests
}

// All of the seeds together make a node that works, in both families: what is wrong with
// them stops nothing else. The source address that they want for IPv6 routes is not there:
// the routes go in without, it is said, and they get it when it comes.
func TestSeedsMakeANode(t *testing.T) {
	t.Parallel()
	const hello, lost = "default/hello1-deployment-d7dbc7d8c-cwfk8", "default/chenby-7975959574-n52d8"
	n := nodetest.Start(t, nodetest.Options{Manifests: seeds(t), Pods: []netlab.PodSpec{
		{Name: hello, Addresses: netlab.Addrs("10.244.219.68", "fc00::db4d:f2f2:402d:3b99:a183")},
		{Name: lost, Addresses: netlab.Addrs("172.99.1.5", "2001:db8:42:0:208b:133f:7967:ee05")},
	}})
	n.Settled()
	serve(t, n, 80, hello, lost)
	for _, f := range family.All() {
		wantRoute(t, n, address(n, hello, f), hello)
		probe(t, n, nodetest.Name, netlab.TCP, hello, f, 80, netlab.Answered)
		// Its author calls it deny-external-ipv6; it denies everybody but these.
		probe(t, n, lost, netlab.TCP, hello, f, 80, netlab.Silent)
	}
	inside := flow{from: partner, to: hello, packet: rules.Packet{
		Source: netip.MustParseAddr("fd00:10:244::9"), Destination: address(n, hello, family.V6),
		Protocol: model.TCP, SourcePort: 5, DestinationPort: 80, HopLimit: 64}}
	outside := inside
	outside.packet.Source = netip.MustParseAddr("fd00:10:245::9")
	if passed := try(t, n, []flow{inside, outside}); passed != 1 {
		t.Errorf("%d of the two pass", passed)
	}
	wantCondition(t, n, "RouteSourceAddressPresent", "fd00::1")

	source := netip.MustParseAddr("fd00::1")
	if err := n.AddAddress("lo", family.HostPrefix(source)); err != nil {
		t.Fatal(err)
	}
	n.Await(func() string {
		want := fmt.Sprintf("dev %s src %v", n.Pod(hello).Interface(), source)
		if got := routesTo(t, n, family.HostPrefix(address(n, hello, family.V6))); !slices.Equal(got, []string{want}) {
			return fmt.Sprintf("%s, have %v", want, got)
		}
		return ""
	})
	wantRoute(t, n, address(n, hello, family.V4), hello)
	n.Pass()
	if ready := n.Readiness(); len(ready.Conditions) > 0 {
		t.Errorf("conditions: %+v", ready.Conditions)
	}
}

// wantCondition wants the agent to remark on something, in these words.
func wantCondition(t *testing.T, n *nodetest.Node, name, words string) {
	t.Helper()
	for _, c := range n.Readiness().Conditions {
		if c.Name == name && strings.Contains(c.Message, words) {
			return
		}
	}
	t.Errorf("no condition %s about %s: %+v", name, words, n.Readiness().Conditions)
}
