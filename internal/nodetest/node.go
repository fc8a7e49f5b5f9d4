package nodetest

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/dataplane"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// Name is the name of the node under test, Outside that of a second node on its link. No
// agent runs there: it plays whatever lies outside the cluster, and is the default gateway
// of the node under test.
const (
	Name    = "node1"
	Outside = "outside"
)

// Options say what a Node is to be. The zero value is a node of both families without pods.
type Options struct {
	// Families are those that are on: the others are switched off by the settings
	// Ipv4Support and Ipv6Support. The lab has addresses of both all the same. Empty: both.
	Families family.Set
	// Settings are made as if on the command line, by name.
	Settings map[string]string
	// Pods are what is plugged into the node. What the API says of them is Manifests'.
	Pods []netlab.PodSpec
	// Manifests are the files of the directory at the start, by their names. A Node
	// object for the node under test is there in addition, in node.yaml, unless given.
	Manifests map[string]string
	// NoAgent leaves the agent stopped; Run starts it.
	NoAgent bool
	// NoGateway leaves the node without a default route.
	NoGateway bool
	// Without is a family that the node's kernel does not have.
	Without family.Family
}

// Node is a node under test. Its methods are for the test's own goroutine and end the test
// if they cannot do what they say.
type Node struct {
	*netlab.Node
	Lab *netlab.Lab
	// Directory is where the manifests are.
	Directory string

	t        testing.TB
	settings map[string]string
	agent    *agent
	logs     *logs
	markers  int
	removed  []string // manifests that the running agent has yet to miss
	taps     map[ear]*netlab.Tap
	cluster  *Cluster // nil for a node alone
	silent   atomic.Bool
}

// Start makes a lab with the node, writes the manifests, and starts the agent unless it is
// told not to. All of it goes with the test.
func Start(t testing.TB, o Options) *Node {
	t.Helper()
	lab := netlab.Test(t, labOptions(o))
	n := &Node{
		Node:      lab.Node(Name),
		Lab:       lab,
		Directory: t.TempDir(),
		t:         t,
		settings:  settingsOf(o),
		logs:      newLogs(t),
		taps:      map[ear]*netlab.Tap{},
	}
	manifests := map[string]string{"node.yaml": NodeManifest(n.Node)}
	maps.Copy(manifests, o.Manifests)
	for name, text := range manifests {
		n.Write(name, text)
	}
	t.Cleanup(n.Stop)
	if !o.NoAgent {
		n.Run()
	}
	return n
}

func labOptions(o Options) netlab.Options {
	outside := netlab.Prefixes("172.16.0.2/24", "fd00:16::2/64")
	var gateways []netip.Addr
	if !o.NoGateway {
		gateways = []netip.Addr{outside[0].Addr(), outside[1].Addr()}
	}
	node := netlab.NodeSpec{Name: Name, Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64"), Gateways: gateways, Pods: o.Pods}
	if o.Without != 0 {
		node.Without = o.Without
		node.Addresses = slices.DeleteFunc(node.Addresses, func(p netip.Prefix) bool { return family.OfPrefix(p) == o.Without })
		node.Gateways = slices.DeleteFunc(node.Gateways, func(a netip.Addr) bool { return family.Of(a) == o.Without })
	}
	return netlab.Options{Nodes: []netlab.NodeSpec{{Name: Outside, Addresses: outside}, node}}
}

func settingsOf(o Options) map[string]string {
	settings := map[string]string{"FelixHostname": Name}
	for _, f := range family.All() {
		if !o.Families.Empty() && !o.Families.Has(f) {
			settings[supportSetting.Get(f)] = "false"
		}
	}
	maps.Copy(settings, backends[Backend()])
	maps.Copy(settings, o.Settings)
	return settings
}

var supportSetting = family.PairOf("Ipv4Support", "Ipv6Support")

// Families are the sets of families that every test of the dataplane is to run with.
func Families() []family.Set {
	return []family.Set{family.NewSet(family.V4), family.NewSet(family.V6), family.Both}
}

// Run starts the agent, which must not be running. It returns when the agent follows the
// kernel's events and has written the closed table if there was none; what the manifests
// say is not in the kernel yet: see Settled.
func (n *Node) Run() {
	n.t.Helper()
	if n.agent != nil {
		n.t.Fatal("the agent is running")
	}
	a, err := startAgent(n)
	if err != nil {
		n.t.Fatalf("start the agent: %v", err)
	}
	n.agent = a
}

// Stop stops the agent, if it is running. The kernel keeps what it has.
func (n *Node) Stop() {
	if n.agent == nil {
		return
	}
	if err := n.agent.stop(); err != nil {
		n.t.Errorf("the agent has failed: %v", err)
	}
	n.agent, n.removed = nil, nil
}

// Restart stops the agent and starts another one, on the same kernel.
func (n *Node) Restart() {
	n.t.Helper()
	n.Stop()
	n.Run()
}

// Set changes a setting of the command line for the next Run. One that is to change while
// the agent runs belongs into a FelixConfiguration.
func (n *Node) Set(name, value string) { n.settings[name] = value }

// Pod is a pod of the lab by its name; the test ends if there is none.
func (n *Node) Pod(name string) *netlab.Pod {
	n.t.Helper()
	p := n.Lab.Pod(name)
	if p == nil {
		n.t.Fatalf("there is no pod %s in the lab", name)
	}
	return p
}

// Outside is the second node.
func (n *Node) Outside() *netlab.Node { return n.Lab.Node(Outside) }

// Log is everything that the agents have logged so far.
func (n *Node) Log() string { return n.logs.text() }

// logger is a logger into the node's logs.
func (n *Node) logger() *logrus.Entry {
	l := logrus.New()
	l.SetOutput(n.logs)
	l.SetLevel(logrus.InfoLevel)
	l.SetFormatter(&logrus.TextFormatter{DisableColors: true})
	return logrus.NewEntry(l)
}

// context is the test's, with the patience of a test that waits for what must come.
func (n *Node) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(n.t.Context(), patience)
}

// Dataplane is that of the running agent.
func (n *Node) Dataplane() *dataplane.Dataplane {
	n.t.Helper()
	return n.running().dataplane
}
