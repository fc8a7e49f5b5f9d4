package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/netlab"
)

func smallCluster() Cluster {
	node := func(name string, host int, pods ...netlab.PodSpec) netlab.NodeSpec {
		return netlab.NodeSpec{
			Name: name, Pods: pods,
			Addresses: netlab.Prefixes(fmt.Sprintf("172.30.0.%d/24", host), fmt.Sprintf("fd30::%d/64", host)),
		}
	}
	return Cluster{
		node("one", 1, netlab.PodSpec{Name: "shop/web", Addresses: netlab.Addrs("10.65.1.10", "fd00::1:10")}),
		node("two", 2, netlab.PodSpec{Name: "shop/old", Addresses: netlab.Addrs("10.65.2.10")}),
		node("three", 3, netlab.PodSpec{Name: "shop/old3", Addresses: netlab.Addrs("10.65.3.10")}, netlab.PodSpec{Name: "shop/new", Addresses: netlab.Addrs("fd00::3:10")}),
	}
}

func TestEncapsulationIsOneThatIsKnown(t *testing.T) {
	for _, c := range []struct {
		in, want Encapsulation
		wrong    bool
	}{
		{Encapsulation{}, Encapsulation{}, false},
		{Encapsulation{Kind: "vxlan"}, Encapsulation{"vxlan", "Always"}, false},
		{Encapsulation{"vxlan", "CrossSubnet"}, Encapsulation{"vxlan", "CrossSubnet"}, false},
		{Encapsulation{"vxlan", "Sometimes"}, Encapsulation{}, true},
		{Encapsulation{Kind: "wireguard"}, Encapsulation{Kind: "wireguard"}, false},
		{Encapsulation{"wireguard", "Always"}, Encapsulation{}, true},
		{Encapsulation{Kind: "gre"}, Encapsulation{}, true},
		{Encapsulation{Mode: "Always"}, Encapsulation{}, true},
	} {
		got, err := c.in.complete()
		if (err != nil) != c.wrong || err == nil && got != c.want {
			t.Errorf("%v: %v, %v", c.in, got, err)
		}
	}
}

func TestLastNodeBehindRouter(t *testing.T) {
	moved, router := smallCluster().behindRouter()
	for i, want := range []string{
		"one  [172.30.0.1/24 fd30::1/64] [172.30.0.254 fd30::fe]",
		"two  [172.30.0.2/24 fd30::2/64] [172.30.0.254 fd30::fe]",
		"three far [172.30.1.3/24 fd30:0:0:1::3/64] [172.30.1.254 fd30:0:0:1::fe]",
	} {
		n := moved[i]
		if got := fmt.Sprint(n.Name, " ", n.Link, " ", n.Addresses, " ", n.Gateways); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := fmt.Sprint(router.Addresses, router.Ports[0]); got != "[172.30.0.254/24 fd30::fe/64] {far [172.30.1.254/24 fd30:0:0:1::fe/64]}" {
		t.Errorf("router %s", got)
	}
	if before := smallCluster(); fmt.Sprint(before[2].Addresses) == fmt.Sprint(moved[2].Addresses) {
		t.Error("nothing has moved")
	}
}

func TestManifestsAskForTheEncapsulation(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "all.yaml")
	text := "vxlanMode: Never\nIPv4Address: 172.30.0.3/24\n  address: 172.30.0.3\n  address: 172.30.0.30\nIPv6Address: fd30::3/64\n  address: fd30::3"
	rewritten := func(e Encapsulation) string {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := e.rewrite(dir, smallCluster()); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimRight(string(got), "\n")
	}
	if got := rewritten(Encapsulation{}); got != text {
		t.Errorf("none: %s", got)
	}
	if got := rewritten(Encapsulation{"vxlan", "Always"}); got != strings.Replace(text, "Never", "Always", 1) {
		t.Errorf("Always: %s", got)
	}
	want := "vxlanMode: CrossSubnet\nIPv4Address: 172.30.1.3/24\n  address: 172.30.1.3\n  address: 172.30.0.30\nIPv6Address: fd30:0:0:1::3/64\n  address: fd30:0:0:1::3"
	if got := rewritten(Encapsulation{"vxlan", "CrossSubnet"}); got != want {
		t.Errorf("CrossSubnet: %s", got)
	}
}

func TestCrossings(t *testing.T) {
	c := smallCluster()
	var got []string
	for _, x := range c.crossings() {
		got = append(got, fmt.Sprintf("%v %s>%s", x.family, x.sender, x.receiver))
	}
	want := []string{
		"IPv4 shop/web>shop/old", "IPv4 shop/web>shop/old3", "IPv4 shop/old>shop/web", "IPv4 shop/old>shop/old3",
		"IPv4 shop/old3>shop/web", "IPv4 shop/old3>shop/old", "IPv6 shop/web>shop/new", "IPv6 shop/new>shop/web",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, h := range []struct {
		e        Encapsulation
		from, to string
		want     bool
	}{
		{Encapsulation{}, "one", "two", false},
		{Encapsulation{"vxlan", "Always"}, "one", "two", true},
		{Encapsulation{"vxlan", "CrossSubnet"}, "one", "two", false},
		{Encapsulation{"vxlan", "CrossSubnet"}, "one", "three", true},
		{Encapsulation{"vxlan", "CrossSubnet"}, "three", "two", true},
	} {
		if got := h.e.hides(c, h.from, h.to); got != h.want {
			t.Errorf("%v from %s to %s: %v", h.e, h.from, h.to, got)
		}
	}
}
