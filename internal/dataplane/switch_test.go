package dataplane_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/dataplane"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nodetest"
)

// needsIptables leaves a test out where the programs are not, as on the emulated machines of
// make test-vm.
func needsIptables(t *testing.T) {
	t.Helper()
	for _, program := range []string{"iptables-nft-restore", "ip6tables-legacy-save", "ipset"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
}

// standing are the backends that have anything of ours in the node's kernel, and the number of
// IP sets.
func standing(t *testing.T, n *nodetest.Node) (backends []string, sets int) {
	t.Helper()
	err := n.Do(func() (err error) {
		backends, err = dataplane.Backends()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := n.Command("ipset", "list", "-n").Output()
	if err != nil {
		t.Fatal(err)
	}
	return backends, len(strings.Fields(string(out)))
}

// stands is what stands where a backend is in charge.
var stands = map[string][]string{
	nodetest.NFTables:       {"nftables table inet calico"},
	nodetest.IptablesNFT:    {"IPv4 iptables, variant nft", "IPv6 iptables, variant nft"},
	nodetest.IptablesLegacy: {"IPv4 iptables, variant legacy", "IPv6 iptables, variant legacy"},
}

func checkStanding(t *testing.T, n *nodetest.Node, backend string) {
	t.Helper()
	backends, sets := standing(t, n)
	if !slices.Equal(backends, stands[backend]) || (sets == 0) != (backend == nodetest.NFTables) {
		t.Errorf("%s is in charge, and there is %v, and %d sets", backend, backends, sets)
	}
}

// configuration asks for a backend in a FelixConfiguration.
func configuration(backend string) string {
	text := "nftablesMode: Enabled"
	if s := nodetest.BackendSettings(backend); len(s) > 0 {
		text = "nftablesMode: " + s["NFTablesMode"] + ", iptablesBackend: " + s["IptablesBackend"]
	}
	return nodetest.FelixConfiguration(text)
}

// ring is every change from one backend to another.
func ring() []string {
	return []string{nodetest.IptablesNFT, nodetest.IptablesLegacy, nodetest.NFTables, nodetest.IptablesLegacy, nodetest.IptablesNFT, nodetest.NFTables}
}

// Another backend takes over while the agent runs: no packet of an allowed flow is lost, no
// denied one passes, and afterwards nothing is left of the one before.
func TestBackendsTakeOver(t *testing.T) {
	t.Parallel()
	nodetest.OnlyNFTables(t)
	needsIptables(t)
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", udpToAPI(9000)+onlyIfBackOn+onlyOut)
			n.Write("pools.yaml", pools(on))
			n.Settled()
			s := startStreams(t, n, on)
			for _, backend := range ring() {
				n.Write("felix.yaml", configuration(backend))
				n.Settled()
				checkStanding(t, n, backend)
				for _, allowed := range s.allowed {
					next(t, allowed)
				}
			}
			s.check(t)
		})
	}
}

// So it is when the agent comes back after a restart with another setting: what the one before
// has left guards the node until all that is wanted has been read and written.
func TestRestartWithAnotherBackend(t *testing.T) {
	t.Parallel()
	nodetest.OnlyNFTables(t)
	needsIptables(t)
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", udpToAPI(9000)+onlyIfBackOn)
			n.Settled()
			s := startStreams(t, n, on)
			for _, backend := range ring() {
				n.Stop()
				n.Set("NFTablesMode", "Enabled")
				for name, value := range nodetest.BackendSettings(backend) {
					n.Set(name, value)
				}
				n.Run()
				n.Settled()
				checkStanding(t, n, backend)
			}
			s.check(t)
		})
	}
}

// A backend that cannot be had does not make the one in charge go.
func TestBackendThatIsNotThere(t *testing.T) {
	t.Parallel()
	nodetest.OnlyNFTables(t)
	needsIptables(t)
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", udpToAPI(9000))
	n.Settled()
	s := startStreams(t, n, family.Both)
	breakPrograms(t, n, "legacy", "*", "exit 1")
	n.Write("felix.yaml", configuration(nodetest.IptablesLegacy))
	n.Settled()
	checkStanding(t, n, nodetest.NFTables)
	if !strings.Contains(n.Dump("status"), "backend: iptables variant legacy") {
		t.Errorf("not told of:\n%s", n.Dump("status"))
	}
	n.Write("felix.yaml", configuration(nodetest.NFTables))
	n.Settled()
	s.check(t)
}
