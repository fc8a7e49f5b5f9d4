package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// Options say what a cluster is to be. The zero value is a dual-stack cluster, IPv4 first, with a
// control plane and no nodes.
type Options struct {
	// Nodes is how many nodes there are at the start: node1, node2, and so on.
	Nodes int
	// Families are those of services, nodes and pods; by default both.
	Families family.Set
	// Primary is the family that comes first, of two; by default IPv4.
	Primary family.Family
	// Services are the ranges of service addresses, the primary family's first; by default
	// 10.96.0.0/16 and fd00:10:96::/112, as far as Families has them.
	Services []netip.Prefix
	// ServerFlags are further flags of kube-apiserver, which take the place of the usual ones.
	ServerFlags []string
	// WithoutNodeRoutes leaves out the static routes between the nodes' podCIDRs, for a test in
	// which the agents make their own.
	WithoutNodeRoutes bool
}

// Cluster is a cluster under test.
type Cluster struct {
	// Lab has the namespaces; the control plane is its node "control".
	Lab *netlab.Lab
	// Admin is a client in the group system:masters, without a limit of its own on requests.
	Admin kubernetes.Interface
	// Dynamic is the same for any kind of object.
	Dynamic dynamic.Interface

	t          testing.TB
	options    Options
	directory  string
	components string // the program that is etcd, kube-apiserver and kubectl
	authority  *authority
	control    *Node
	etcd       *process
	server     *process
	nodes      []*Node
	permitted  bool            // AgentAccount has its role
	daemonSet  *apps.DaemonSet // by which agents are started; nil before Install
	snapshots  int
	ipam       bool // UseIPAM was called
}

// Start builds the cluster and waits until its server is ready: about five seconds.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	netlab.Require(t)
	c := &Cluster{t: t, options: o.complete(), components: builtProgram(t, "MARGAY_E2E_COMPONENTS", ".cache/e2e/current/components")}
	c.directory = t.TempDir()
	c.Lab = netlab.Test(t, netlab.Options{Shared: []string{filepath.Dir(c.components)}, Link: c.options.onLink(linkNumber)})
	t.Cleanup(c.end)
	c.must(c.prepare())
	c.must(c.makeClients())
	c.supplyAccounts()
	c.StartEtcd()
	c.StartServer()
	for range o.Nodes {
		c.AddNode()
	}
	return c
}

// complete puts the defaults in.
func (o Options) complete() Options {
	if o.Families.Empty() {
		o.Families = family.Both
	}
	if o.Primary == 0 || !o.Families.Has(o.Primary) {
		o.Primary = o.Families.Families()[0]
	}
	if len(o.Services) == 0 {
		for _, f := range o.ordered() {
			o.Services = append(o.Services, plan.services.Get(f))
		}
	}
	return o
}

// ordered are the cluster's families, the primary one first.
func (o Options) ordered() []family.Family {
	fs := o.Families.Families()
	if fs[0] != o.Primary {
		slices.Reverse(fs)
	}
	return fs
}

// prepare makes the control plane's namespace, and the files that the server reads.
func (c *Cluster) prepare() (err error) {
	if c.control, err = c.newSpace("control", controlNumber); err != nil {
		return err
	}
	if c.authority, err = newAuthority(c.directory); err != nil {
		return err
	}
	if err := c.authority.sign("admin", identity{name: "admin", groups: []string{"system:masters"}}); err != nil {
		return err
	}
	if err := c.signServer(time.Time{}); err != nil {
		return err
	}
	return os.WriteFile(c.path("audit-policy.yaml"), []byte(auditPolicy), 0o644)
}

func (c *Cluster) makeClients() (err error) {
	config := c.Config()
	if c.Admin, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if c.Dynamic, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	return c.writeKubeconfig()
}

// end stops what is running, and shows what there is to see of a test that has failed.
func (c *Cluster) end() {
	if c.t.Failed() {
		c.showLogs()
		c.waitForPeople()
	}
	for _, n := range c.nodes {
		n.agent.endQuietly()
	}
	c.server.endQuietly()
	c.etcd.endQuietly()
}

// Families are the cluster's families.
func (c *Cluster) Families() family.Set { return c.options.Families }

// Context is the test's, with the patience of a test that waits for what must come.
func (c *Cluster) Context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.t.Context(), patience)
}

// must ends the test on an error.
func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// builtProgram is the path of a program that make has built.
func builtProgram(t testing.TB, variable, path string) string {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		program = filepath.Join(topOfTree(t), path)
	}
	real, err := filepath.EvalSymlinks(program)
	if err != nil {
		t.Fatalf("%v: `make test-e2e` builds it", err)
	}
	return real
}

// topOfTree is the directory of the main module's go.mod.
func topOfTree(t testing.TB) string {
	t.Helper()
	directory, err := os.Getwd()
	for err == nil && filepath.Base(directory) != "e2e" && directory != "/" {
		directory = filepath.Dir(directory)
	}
	if err != nil || directory == "/" {
		t.Fatalf("not below test/e2e: %v", err)
	}
	return filepath.Join(directory, "..", "..")
}

// texts prints values.
func texts[T fmt.Stringer](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = v.String()
	}
	return all
}
