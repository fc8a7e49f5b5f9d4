package nodetest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// Write puts a manifest into the directory, in one piece, in the place of one that may be
// there. A name may have folders in front.
func (n *Node) Write(name, text string) {
	n.t.Helper()
	path := filepath.Join(n.Directory, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		n.t.Fatal(err)
	}
	// The source leaves names alone that begin with a dot.
	draft := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(draft, []byte(text), 0o644); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(draft, path); err != nil {
		n.t.Fatal(err)
	}
}

// Remove removes a manifest.
func (n *Node) Remove(name string) {
	n.t.Helper()
	path := filepath.Join(n.Directory, name)
	if n.agent != nil {
		n.agent.follower.forget(path)
		n.removed = append(n.removed, path)
	}
	if err := os.Remove(path); err != nil {
		n.t.Fatal(err)
	}
}

// PodRange is what the pods of the node under test have their addresses from.
func PodRange(f family.Family) netip.Prefix { return podRange.Get(f) }

var podRange = family.PairOf(netip.MustParsePrefix("10.65.0.0/24"), netip.MustParsePrefix("fd00:65::/64"))

// Addresses are the n-th addresses of both families in the pods' range.
func Addresses(n uint8) []netip.Addr {
	var out []netip.Addr
	for _, f := range family.All() {
		b := PodRange(f).Addr().AsSlice()
		b[len(b)-1] = n
		a, _ := netip.AddrFromSlice(b)
		out = append(out, a)
	}
	return out
}

// NodeManifest is the Node object of a node of the lab.
func NodeManifest(n *netlab.Node) string {
	var ranges, addresses []string
	for _, f := range family.All() {
		ranges = append(ranges, fmt.Sprintf("'%s'", PodRange(f)))
		if a := n.Address(f); a.IsValid() {
			addresses = append(addresses, fmt.Sprintf("{type: InternalIP, address: '%s'}", a))
		}
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Node
metadata: {name: %s}
spec: {podCIDRs: [%s]}
status: {addresses: [%s]}
`, n.Name(), strings.Join(ranges, ", "), strings.Join(addresses, ", "))
}

// PodManifest is the Pod object of a pod of the lab, on the node under test, running, with
// its addresses in its status. Labels are written as in YAML: "app: web, tier: front".
func PodManifest(p netlab.PodSpec, labels string) string {
	namespace, name, _ := strings.Cut(p.Name, "/")
	return fmt.Sprintf(`---
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: %s, labels: {%s}}
spec: {nodeName: %s}
status: {phase: Running, podIPs: [%s]}
`, name, namespace, labels, Name, podIPs(p.Addresses))
}

// podIPs are addresses as a pod's status lists them.
func podIPs(addresses []netip.Addr) string {
	var ips []string
	for _, a := range addresses {
		ips = append(ips, fmt.Sprintf("{ip: '%s'}", a))
	}
	return strings.Join(ips, ", ")
}

// PodManifests are the Pod objects of several pods, without labels.
func PodManifests(pods ...netlab.PodSpec) string {
	var text strings.Builder
	for _, p := range pods {
		text.WriteString(PodManifest(p, ""))
	}
	return text.String()
}

// FelixConfiguration is one named default with these settings: "ipv6Support: false, …".
func FelixConfiguration(settings string) string {
	return fmt.Sprintf(`apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata: {name: default}
spec: {%s}
`, settings)
}
