package netlab_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

func oneNode(t *testing.T, spec netlab.NodeSpec) *netlab.Node {
	t.Helper()
	spec.Name = "node1"
	return netlab.Test(t, netlab.Options{
		Link:  netlab.Prefixes("172.16.0.254/24", "fd00:16::fe/64"),
		Nodes: []netlab.NodeSpec{spec},
	}).Node("node1")
}

func linkNames(t *testing.T) []string {
	t.Helper()
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range links {
		names = append(names, l.Attrs().Name)
	}
	return names
}

func TestDoIsInsideAndOnlyInside(t *testing.T) {
	n := oneNode(t, netlab.NodeSpec{Addresses: netlab.Prefixes("172.16.0.1/24")})
	var inside []string
	err := n.Do(func() error {
		inside = linkNames(t)
		return os.WriteFile("/run/xtables.lock", nil, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(inside, "lo") || !slices.Contains(inside, "eth0") {
		t.Errorf("devices in the node: %v, want lo and eth0", inside)
	}
	if got := linkNames(t); slices.Contains(got, "eth0") {
		t.Errorf("devices outside: %v, want none of the node's", got)
	}
	if _, err := os.Stat("/run/xtables.lock"); err == nil {
		t.Error("a file in the node's /run is seen outside")
	}
	if err := n.Do(func() error { _, err := os.Stat("/run/xtables.lock"); return err }); err != nil {
		t.Errorf("a file in the node's /run is not seen there later: %v", err)
	}
}

func TestDoReturnsWhatTheFunctionDoes(t *testing.T) {
	n := oneNode(t, netlab.NodeSpec{})
	want := errors.New("told so")
	if err := n.Do(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
	if err := n.Do(func() error { runtime.Goexit(); return nil }); err == nil {
		t.Error("a function that never returned counts as done")
	}
}

func TestTemporaryDirectoriesAreSharedWithTheLab(t *testing.T) {
	n := oneNode(t, netlab.NodeSpec{})
	manifests := t.TempDir()
	if err := os.WriteFile(filepath.Join(manifests, "pod.yaml"), []byte("kind: Pod"), 0o644); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	out, err := n.Command("sh", "-c", "pwd; cat "+manifests+"/pod.yaml; ls /tmp/not-shared").CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		t.Errorf("ls of a directory that is not there: %v, want a failure", err)
	}
	if !strings.HasPrefix(string(out), here+"\nkind: Pod") {
		t.Errorf("inside: %q, want the directory %s and the manifest", out, here)
	}
}

func TestCommandRunsInside(t *testing.T) {
	n := oneNode(t, netlab.NodeSpec{})
	out, err := n.Command("cat", "/proc/self/net/dev").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "eth0:") {
		t.Errorf("devices that a command sees:\n%s\nwant eth0 among them", out)
	}
}

func TestCommandFailureHasItsWords(t *testing.T) {
	n := oneNode(t, netlab.NodeSpec{})
	_, err := n.Command("cat", "/nowhere").Output()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || !strings.Contains(string(exit.Stderr), "/nowhere") {
		t.Errorf("error is %v, want an exit status with what the program said", err)
	}
}

func TestCloseKillsWhatRunsInside(t *testing.T) {
	netlab.Require(t)
	lab, err := netlab.New(netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node1"}}})
	if err != nil {
		t.Fatal(err)
	}
	c := lab.Node("node1").Command("cat") // reads standard input for ever
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if err := lab.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the process ended with %v, want it killed", err)
	}
	if err := lab.Node("node1").Command("true").Start(); err == nil {
		t.Error("a command starts in a node that is closed")
	}
	if err := lab.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestNetlinkHandleWorksFromOutside(t *testing.T) {
	n := oneNode(t, netlab.NodeSpec{Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64")})
	h, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	l, err := h.LinkByName(netlab.Uplink)
	if err != nil {
		t.Fatal(err)
	}
	for f, want := range map[int]string{netlink.FAMILY_V4: "172.16.0.1/24", netlink.FAMILY_V6: "fd00:16::1/64"} {
		addrs, err := h.AddrList(l, f)
		if err != nil {
			t.Fatal(err)
		}
		if len(addrs) == 0 || addrs[0].IPNet.String() != want {
			t.Errorf("addresses %v, want %s first", addrs, want)
		}
	}
}

func TestSettingsAreTheNodesOwn(t *testing.T) {
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node1"}, {Name: "node2", Without: family.V6}}})
	const key = "net/ipv6/conf/all/disable_ipv6"
	for name, want := range map[string]string{"node1": "0", "node2": "1"} {
		if got, err := lab.Node(name).Sysctl(key); err != nil || got != want {
			t.Errorf("%s in %s is %s (%v), want %s", key, name, got, err, want)
		}
	}
}

func TestNamesAreVisibleUntilClosed(t *testing.T) {
	netlab.Require(t)
	visible := func() string {
		entries, _ := filepath.Glob("/run/netns/nt-*")
		for i := range entries {
			entries[i] = filepath.Base(entries[i])
		}
		return strings.Join(entries, " ")
	}
	options := netlab.Options{Prefix: "nt-", Named: true, Keep: true, Nodes: []netlab.NodeSpec{{
		Name: "node1", Pods: []netlab.PodSpec{{Name: "default/a", Addresses: netlab.Addrs("10.244.1.1")}},
	}}}
	kept, err := netlab.New(options)
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := visible(), "nt-default-a nt-link nt-node1"; got != want {
		t.Errorf("after a lab that is kept: %q, want %q", got, want)
	}
	options.Keep = false
	next, err := netlab.New(options) // takes the names over
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Pod("default/a").Remove(); err != nil {
		t.Fatal(err)
	}
	if got, want := visible(), "nt-link nt-node1"; got != want {
		t.Errorf("after a pod is gone: %q, want %q", got, want)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	if got := visible(); got != "" {
		t.Errorf("after closing: %q, want nothing", got)
	}
	if err := netlab.RemoveNamed(""); err == nil {
		t.Error("an empty prefix is taken for everybody's names")
	}
}
