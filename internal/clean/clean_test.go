package clean

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/netlab"
)

func TestMain(m *testing.M) { os.Exit(netlab.Main(m)) }

// node is a namespace in which lines of ip, nft, iptables and ipset are run.
type node struct {
	*testing.T
	*netlab.Node
}

func newNode(t *testing.T) *node {
	t.Helper()
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node"}}})
	return &node{t, lab.Node("node")}
}

// run runs lines, each a command.
func (n *node) run(lines string) string {
	n.Helper()
	var all strings.Builder
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		out, err := n.Command(words[0], words[1:]...).CombinedOutput()
		if err != nil {
			n.Fatalf("%s: %v: %s", line, err, out)
		}
		all.Write(out)
	}
	return all.String()
}

// clean cleans, and returns what it says.
func (n *node) clean(dry bool) string {
	n.Helper()
	var removed []string
	err := n.Do(func() (err error) {
		removed, err = Run(Options{
			RulePriority: 99, Dry: dry,
			Devices: []Device{{"vxlan.calico", "vxlan"}, {"vxlan-v6.calico", "vxlan"}},
		})
		return err
	})
	if err != nil {
		n.Fatal(err)
	}
	return strings.Join(removed, "\n")
}

const ours = `
	nft add table inet calico
	nft add chain inet calico forward-egress { type filter hook forward priority 0 ; }
	ip link add cali0123456789a type bridge
	ip link set cali0123456789a up
	ip link add vxlan.calico type vxlan id 4096 dstport 4789
	ip link set vxlan.calico up
	ip -4 route add 10.65.0.2/32 dev cali0123456789a proto 80
	ip -6 route add fd00:65::2/128 dev cali0123456789a proto 80
	ip -4 route add blackhole 10.65.0.0/26 proto 80
	ip -6 route add blackhole fd00:65::/122 proto 80
	ip -4 rule add not fwmark 0x100000/0x100000 priority 99 lookup 77
	ip -6 rule add not fwmark 0x100000/0x100000 priority 99 lookup 77
	ip -4 route add 10.66.0.0/26 dev cali0123456789a proto 80 table 77
	ip -6 route add fd00:66::/122 dev cali0123456789a proto 80 table 77
`

const others = `
	nft add table inet mine
	ip link add vxlan-v6.calico type bridge
	ip -4 route add 10.65.0.3/32 dev cali0123456789a
	ip -6 route add fd00:65::3/128 dev cali0123456789a proto static
	ip -4 rule add fwmark 0x1/0x1 priority 99 lookup 78
	ip -6 rule add from fd00::/8 priority 100 lookup 78
`

const look = `
	nft list tables
	ip -o link show
	ip -4 route show table all
	ip -6 route show table all
	ip -4 rule show
	ip -6 rule show
`

func TestAllThatIsOursGoes(t *testing.T) {
	n := newNode(t)
	n.run(ours + others)
	before := n.run(look)
	if found := n.clean(true); !strings.Contains(found, "nftables table inet calico") {
		t.Errorf("found:\n%s", found)
	}
	if n.run(look) != before {
		t.Fatal("a dry run has changed something")
	}
	said := n.clean(false)
	after := n.run(look)
	for _, gone := range []string{"inet calico", "vxlan.calico", "proto 80", "lookup 77", "blackhole"} {
		if !strings.Contains(before, gone) || strings.Contains(after, gone) {
			t.Errorf("%s:\n%s", gone, after)
		}
	}
	for _, stays := range []string{"table inet mine", "vxlan-v6.calico", "10.65.0.3 dev cali0123456789a", "fd00:65::3 dev cali0123456789a proto static", "lookup 78"} {
		if !strings.Contains(after, stays) {
			t.Errorf("%s is gone:\n%s", stays, after)
		}
	}
	for _, line := range []string{
		"nftables table inet calico", "vxlan device vxlan.calico", "IPv4 route blackhole 10.65.0.0/26", "IPv6 rule 99: not from all fwmark",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("not said: %s:\n%s", line, said)
		}
	}
	if again := n.clean(false); again != "" {
		t.Errorf("the second time:\n%s", again)
	}
}

func TestWhatIptablesHasOfOursGoes(t *testing.T) {
	for _, program := range []string{"iptables", "ipset"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	n := newNode(t)
	n.run(`
		iptables -N cali-FORWARD
		iptables -A FORWARD -j cali-FORWARD
		iptables -N MINE
		ip6tables -N cali-FORWARD
		ipset create cali40s:one hash:net
		ipset create mine hash:net
	`)
	said := n.clean(false)
	after := n.run("iptables-save\nip6tables-save\nipset save")
	if strings.Contains(after, "cali") || !strings.Contains(after, "MINE") || !strings.Contains(after, "create mine") {
		t.Errorf("left:\n%s\nremoved:\n%s", after, said)
	}
	if again := n.clean(false); again != "" {
		t.Errorf("the second time:\n%s", again)
	}
}
