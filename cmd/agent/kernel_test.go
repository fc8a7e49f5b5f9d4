package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/netlab"
)

// machine is a node of a lab on which the real agent runs, as a process of its own.
type machine struct {
	*netlab.Node
	t         *testing.T
	manifests string
	self      string
	agent     *netlab.Cmd
	log       lines
}

// lines are the agent's log as it comes.
type lines struct {
	mu    sync.Mutex
	seen  []string
	ended bool
	more  *sync.Cond
}

func (l *lines) follow(from io.Reader) {
	for scanner := bufio.NewScanner(from); scanner.Scan(); {
		l.mu.Lock()
		l.seen = append(l.seen, scanner.Text())
		l.more.Broadcast()
		l.mu.Unlock()
	}
	l.mu.Lock()
	l.ended = true
	l.more.Broadcast()
	l.mu.Unlock()
}

// await waits for a line that has all the words; false if the agent ended without one.
func (l *lines) await(words ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for _, line := range l.seen {
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
				return true
			}
		}
		if l.ended {
			return false
		}
		l.more.Wait()
	}
}

func newMachine(t *testing.T) *machine {
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{
		Name:      "node-1",
		Addresses: netlab.Prefixes("172.30.0.1/24", "fd30::1/64"),
		Pods: []netlab.PodSpec{{
			Name: "web", Interface: netlab.InterfaceOf("shop", "web"),
			Addresses: netlab.Addrs("10.65.1.10", "fd00:10:65:1::10"),
		}},
	}}})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{Node: lab.Node("node-1"), t: t, manifests: t.TempDir(), self: self}
	m.write("cluster.yaml", `
apiVersion: v1
kind: Node
metadata: {name: node-1}
spec: {podCIDRs: [10.65.1.0/24, "fd00:10:65:1::/64"]}
status: {addresses: [{type: InternalIP, address: 172.30.0.1}, {type: InternalIP, address: "fd30::1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {nodeName: node-1, containers: [{name: c}]}
status: {phase: Running, podIPs: [{ip: 10.65.1.10}, {ip: "fd00:10:65:1::10"}]}
`)
	return m
}

// write writes a manifest as people do who replace files in one piece.
func (m *machine) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.manifests, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		m.t.Fatal(err)
	}
}

// command is the agent with arguments, not started yet.
func (m *machine) command(args ...string) *netlab.Cmd {
	c := m.Command(m.self, args...)
	c.Args[0] = "agent" // which is what TestMain goes by
	return c
}

func (m *machine) start() {
	m.t.Helper()
	m.agent = m.command("run", "--datastore", "files", "--manifests", m.manifests, "--node", "node-1")
	m.log = lines{}
	m.log.more = sync.NewCond(&m.log.mu)
	log, err := m.agent.StderrPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.agent.Start(); err != nil {
		m.t.Fatal(err)
	}
	go m.log.follow(log)
	m.t.Cleanup(func() {
		if m.t.Failed() {
			m.t.Log(strings.Join(m.log.seen, "\n"))
		}
	})
}

// stop sends SIGTERM, and wants the agent to end well.
func (m *machine) stop() {
	m.t.Helper()
	if err := m.agent.Process.Signal(syscall.SIGTERM); err != nil {
		m.t.Fatal(err)
	}
	if !m.log.await("Agent stops") {
		m.t.Error("the agent did not say that it stops")
	}
	if err := m.agent.Wait(); err != nil {
		m.t.Errorf("the agent ended with %v", err)
	}
}

func (m *machine) dump(stage string) string {
	out, err := m.command("dump", stage).CombinedOutput()
	if err != nil {
		return "dump " + stage + ": " + err.Error() + ": " + string(out)
	}
	return string(out)
}

// await asks for a dump until it has all the words. Each question is a process of its own,
// so this is no busy waiting; what never comes is the test's time running out.
func (m *machine) await(stage string, words ...string) string {
	m.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		text := m.dump(stage)
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			return text
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("dump %s lacks some of %q:\n%s", stage, words, text)
		}
	}
}

// tables are the node's nftables tables.
func (m *machine) tables() string {
	var names []string
	err := m.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		tables, err := c.ListTables()
		for _, table := range tables {
			names = append(names, table.Name)
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestTheAgentOnANode(t *testing.T) {
	m := newMachine(t)
	if got := m.tables(); got != "" {
		t.Fatalf("a fresh node has the tables %q", got)
	}
	m.start()
	m.await("health", "ready, alive\nIPv4: ready\nIPv6: ready\n")
	if desired, kernel := m.dump("desired"), m.dump("kernel"); desired != kernel || !strings.Contains(kernel, "table inet calico") {
		t.Errorf("desired\n%s\nkernel\n%s", desired, kernel)
	}
	m.await("model", "Pod/shop/web ", "Node/node-1 address=172.30.0.1/24 address=fd30::1/64") // as published
	m.await("status", "IPv4: on=true in-sync=true", "IPv6: on=true in-sync=true")

	// A half-written file opens nothing, removes nothing, and is named.
	before := m.dump("kernel")
	m.write("policy.yaml", "apiVersion: networking.k8s.io/v1\nkind: Netw")
	m.await("health", "not ready, alive", "policy.yaml: ")
	m.await("problems", "error   policy.yaml")
	if after := m.dump("kernel"); after != before {
		t.Errorf("the kernel has changed from\n%s\nto\n%s", before, after)
	}
	m.write("policy.yaml", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: shop}\nspec: {podSelector: {}}\n")
	m.await("health", "ready, alive\n")
	m.await("policy", "ingress KubernetesNetworkPolicy/shop/deny")

	m.stop()
	if got := m.tables(); got != "calico" {
		t.Errorf("after the agent has ended there are the tables %q", got)
	}
}

func TestSettingsAreReloaded(t *testing.T) {
	m := newMachine(t)
	m.start()
	m.await("health", "ready, alive")
	m.write("settings.yaml", `
apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata: {name: default}
spec: {ipv6Support: false, healthPort: 9199, debugPort: 6060, logSeverityScreen: Debug, interfacePrefix: "cali,tap"}
`)
	for _, words := range [][]string{
		{"A setting has changed", "setting=Ipv6Support"},
		{"A setting has changed", "setting=InterfacePrefix"},
		{"Listening", "server=health", ":9199"},
		{"Listening", "server=profiles", ":6060"},
		{"No longer listening", "server=health", ":9099"},
	} {
		if !m.log.await(words...) {
			t.Fatalf("the log lacks a line with %q", words)
		}
	}
	m.await("health", "ready, alive\nIPv4: ready\nIPv6: off\n")
	m.await("settings", "Ipv6Support ", "FelixConfiguration default")
	if err := os.Remove(filepath.Join(m.manifests, "settings.yaml")); err != nil {
		t.Fatal(err)
	}
	m.await("health", "ready, alive\nIPv4: ready\nIPv6: ready\n")
	m.stop()
}

// TestManifestsThatCannotBeWritten are as a ConfigMap is mounted.
func TestManifestsThatCannotBeWritten(t *testing.T) {
	m := newMachine(t)
	err := m.Do(func() error {
		if err := unix.Mount(m.manifests, m.manifests, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
		return unix.Mount("", m.manifests, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
	})
	if err != nil {
		t.Fatal(err)
	}
	m.start()
	m.await("health", "ready, alive\nIPv4: ready\nIPv6: ready\n", "NodeNotPublished", "read-only file system")
	m.stop()
}

// TestAnotherAgentsSocketIsLeft: the second one's trouble is not the first one's.
func TestAnotherAgentsSocketIsLeft(t *testing.T) {
	m := newMachine(t)
	m.start()
	m.await("health", "ready, alive")
	second := m.command("run", "--manifests", m.manifests, "--node", "node-2")
	out, err := second.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	log := lines{}
	log.more = sync.NewCond(&log.mu)
	go log.follow(out)
	if !log.await("level=error", "another agent answers there", "component=dumps") {
		t.Error("the second agent does not say so")
	}
	_ = second.Process.Signal(syscall.SIGTERM)
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
	m.await("settings", "node-1")
	m.stop()
}
