package dataplane_test

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nodetest"
)

// onlyIptables leaves a test out that is about iptables.
func onlyIptables(t *testing.T) (variant string) {
	t.Helper()
	if nodetest.Backend() == nodetest.NFTables {
		t.Skip("about iptables")
	}
	return strings.TrimPrefix(nodetest.Backend(), "iptables-")
}

// restoreAs changes the filter table as another program does that uses the same variant.
func restoreAs(t *testing.T, n *nodetest.Node, f family.Family, variant, lines string) {
	t.Helper()
	c := n.Command(map[family.Family]string{family.V4: "iptables-", family.V6: "ip6tables-"}[f]+variant+"-restore", "--noflush")
	c.Stdin = strings.NewReader("*filter\n" + lines + "COMMIT\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// Beside Docker, which drops whatever is forwarded and is not its own, and beside the chains of
// kube-proxy and of a firewall: what policy allows passes, what it denies does not, whatever
// they accept, and their rules stay.
func TestBesideOthers(t *testing.T) {
	t.Parallel()
	variant := onlyIptables(t)
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", udpToAPI(9000)+onlyIfBackOn)
	const theirs = ":FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n:KUBE-FORWARD - [0:0]\n" +
		"-A FORWARD -j DOCKER-USER\n-A FORWARD -j KUBE-FORWARD\n-A KUBE-FORWARD -m conntrack --ctstate NEW -j ACCEPT\n-A DOCKER-USER -j RETURN\n"
	for _, f := range family.All() {
		restoreAs(t, n, f, variant, theirs)
	}
	n.Settled()
	s := startStreams(t, n, family.Both)
	n.Restart()
	n.Settled()
	s.check(t)
	out, err := n.Command("iptables-"+variant, "-S", "FORWARD").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 4 || lines[0] != "-P FORWARD DROP" || !strings.Contains(lines[1], "cali-FORWARD") || lines[2] != "-A FORWARD -j DOCKER-USER" {
		t.Errorf("there is\n%s", out)
	}
}

// Somebody else holds the xtables lock: what stands stays, the node says so, and what has
// changed meanwhile is in force once the lock is free.
func TestSomebodyHoldsTheLock(t *testing.T) {
	t.Parallel()
	if onlyIptables(t) != "legacy" {
		t.Skip("the nft variant needs no lock")
	}
	n := startCluster(t, family.Both, nil)
	n.Write("policy.yaml", udpToAPI(9000))
	n.Settled()
	var lock *os.File
	err := n.Do(func() (err error) {
		if lock, err = os.OpenFile("/run/xtables.lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
			return err
		}
		return unix.Flock(int(lock.Fd()), unix.LOCK_EX)
	})
	if err != nil {
		t.Fatal(err)
	}
	open := stream(t, n, till, api, family.V4, 9000, true)
	closed := blocked(t, n, till, api, family.V4, 9100)
	n.Write("policy.yaml", udpToAPI(9100))
	n.Settled()
	next(t, open)
	if status := n.Dump("status"); !strings.Contains(status, "xtables lock") {
		t.Errorf("not told of:\n%s", status)
	}
	if r := closed.Report(); len(r.Lost()) != len(r.Sent) {
		t.Errorf("written in spite of the lock: %v", r)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	next(t, closed)
	open.Stop()
	closed.Stop()
}

// In nftables our accept does not count in the chains of others: the node says where a drop
// will win.
func TestOthersDropIsTold(t *testing.T) {
	t.Parallel()
	nodetest.OnlyNFTables(t)
	needsIptables(t)
	n := startCluster(t, family.Both, nil)
	restoreAs(t, n, family.V6, "nft", ":FORWARD DROP [0:0]\n")
	n.Restart()
	n.Settled()
	var told []string
	for _, c := range n.Readiness().Conditions {
		if c.Name == "PolicyBackendShared" && strings.Contains(c.Message, "chain FORWARD of the table ip6 filter") {
			told = append(told, c.Family)
		}
	}
	if len(told) != 1 || told[0] != family.V6.String() {
		t.Errorf("told of %v; conditions: %+v", told, n.Readiness().Conditions)
	}
}
