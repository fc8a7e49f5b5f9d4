package iptables_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/netlab"
)

// prober looks into a node.
func prober(t *testing.T, n *netlab.Node) *iptables.Probe {
	t.Helper()
	p := &iptables.Probe{Start: func(c *exec.Cmd) error { return n.Do(c.Start) }}
	for f, name := range map[family.Family]string{family.V4: "ip_tables_names", family.V6: "ip6_tables_names"} {
		// The list is that of the thread's namespace: a copy stands for it.
		file := filepath.Join(t.TempDir(), name)
		err := n.Do(func() error {
			text, err := os.ReadFile("/proc/thread-self/net/" + name)
			if err == nil {
				err = os.WriteFile(file, text, 0o644)
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		*p.Names.At(f) = file
	}
	return p
}

func freshNode(t *testing.T) *netlab.Node {
	t.Helper()
	return netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node"}}}).Node("node")
}

func restoreIn(t *testing.T, n *netlab.Node, f family.Family, v iptables.Variant, table, lines string) {
	t.Helper()
	k := &iptables.Programs{Family: f, Variant: v, Start: func(c *exec.Cmd) error { return n.Do(c.Start) }}
	if err := k.Restore(table, []byte("*"+table+"\n"+lines+"COMMIT\n")); err != nil {
		t.Fatal(err)
	}
}

func TestVariantIsKubernetesOne(t *testing.T) {
	for _, c := range []struct {
		name string
		with func(n *netlab.Node)
		want iptables.Variant
		why  string
	}{
		{"nothing", func(*netlab.Node) {}, iptables.NFT, "no chain of Kubernetes"},
		{"kubelet in legacy", func(n *netlab.Node) {
			restoreIn(t, n, family.V6, iptables.Legacy, iptables.Mangle, ":KUBE-KUBELET-CANARY - [0:0]\n")
		}, iptables.Legacy, "KUBE-KUBELET-CANARY"},
		{"kubelet in both", func(n *netlab.Node) {
			restoreIn(t, n, family.V4, iptables.Legacy, iptables.NAT, ":KUBE-SERVICES - [0:0]\n")
			restoreIn(t, n, family.V4, iptables.NFT, iptables.Mangle, ":KUBE-IPTABLES-HINT - [0:0]\n")
		}, iptables.NFT, "KUBE-IPTABLES-HINT"},
		{"others in legacy", func(n *netlab.Node) {
			restoreIn(t, n, family.V4, iptables.Legacy, iptables.Filter, ":DOCKER - [0:0]\n")
		}, iptables.NFT, "no chain of Kubernetes"},
	} {
		n := freshNode(t)
		c.with(n)
		choice, err := prober(t, n).Choose("")
		if err != nil || choice.Variant != c.want || !strings.Contains(choice.Why, c.why) || choice.PredictablePorts {
			t.Errorf("%s: %+v, %v", c.name, choice, err)
		}
	}
}

// To look for what is left makes no table, in either variant.
func TestLookingMakesNothing(t *testing.T) {
	n := freshNode(t)
	for _, f := range family.All() {
		for _, v := range []iptables.Variant{iptables.NFT, iptables.Legacy} {
			p := prober(t, n)
			if guards, err := p.Guards(f, v); guards || err != nil {
				t.Errorf("%v %s: %v, %v", f, v, guards, err)
			}
			if removed, err := p.Remove(f, v); removed != 0 || err != nil {
				t.Errorf("%v %s: %d, %v", f, v, removed, err)
			}
		}
		if names := prober(t, n).InUse(f, iptables.Legacy); len(names) != 0 {
			t.Errorf("%v: legacy tables are in use: %v", f, names)
		}
	}
	out, err := n.Command("nft", "list", "tables").Output()
	if err != nil || len(out) > 0 {
		t.Errorf("nft lists %q (%v)", out, err)
	}
}

// What Felix has left in a variant goes, and nobody else's.
func TestLeftoversGoAndOthersStay(t *testing.T) {
	const felix = ":cali-FORWARD - [0:0]\n:cali-from-wl-dispatch - [0:0]\n" +
		`-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD` + "\n" +
		`-A FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT` + "\n" +
		"-A cali-FORWARD -i cali+ -j cali-from-wl-dispatch\n"
	const theirs = ":KUBE-FORWARD - [0:0]\n-A FORWARD -j KUBE-FORWARD\n-A KUBE-FORWARD -p tcp -j ACCEPT\n-A FORWARD -i calico0 -j DROP\n"
	for _, f := range family.All() {
		for _, v := range []iptables.Variant{iptables.NFT, iptables.Legacy} {
			n := freshNode(t)
			restoreIn(t, n, f, v, iptables.Filter, theirs)
			before, err := prober(t, n).Programs(f, v).Save(iptables.Filter)
			if err != nil {
				t.Fatal(err)
			}
			restoreIn(t, n, f, v, iptables.Filter, felix)
			restoreIn(t, n, f, v, iptables.NAT, ":cali-POSTROUTING - [0:0]\n-A POSTROUTING -j cali-POSTROUTING\n")
			p := prober(t, n)
			if guards, err := p.Guards(f, v); !guards || err != nil {
				t.Errorf("not seen: %v", err)
			}
			if removed, err := p.Remove(f, v); removed != 3 || err != nil {
				t.Errorf("%d chains are removed: %v", removed, err)
			}
			after, err := p.Programs(f, v).Save(iptables.Filter)
			if err != nil || rulesOf(string(after)) != rulesOf(string(before)) {
				t.Errorf("%v %s: %v\n%s\nwas\n%s", f, v, err, after, before)
			}
		}
	}
}

// rulesOf are all lines of chains and rules, others' too.
func rulesOf(saved string) string {
	var out []string
	for _, line := range strings.Split(saved, "\n") {
		if strings.HasPrefix(line, "-A") || strings.HasPrefix(line, ":") && strings.Contains(line, " - ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
