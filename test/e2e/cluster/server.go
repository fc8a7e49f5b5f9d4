package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// What the control plane listens on, in its own namespace.
const (
	serverPort = 6443
	etcdClient = "http://127.0.0.1:2379"
	etcdPeer   = "http://127.0.0.1:2380"
)

// patience is how long a process may take to become ready. Only a failing test waits that long.
const patience = 90 * time.Second

// auditPolicy notes every request once it is answered, and watches also when they begin.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
`

// StartEtcd starts etcd, which must not be running, with the data that it left.
func (c *Cluster) StartEtcd() {
	c.t.Helper()
	c.must(c.startEtcd())
}

func (c *Cluster) startEtcd() (err error) {
	data := c.path("etcd")
	if err := errors.Join(os.MkdirAll(data, 0o700), os.Chmod(data, 0o700)); err != nil {
		return err // etcd insists on a directory that only its owner may enter
	}
	c.etcd, err = startProcess(c.control.Space, "etcd", c.path("etcd.log"), nil, c.components, "etcd",
		"--name", "e2e", "--data-dir", data, "--unsafe-no-fsync", "--log-level", "warn",
		"--listen-client-urls", etcdClient, "--advertise-client-urls", etcdClient, "--listen-peer-urls", etcdPeer)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	return c.etcd.await(ctx, func(ctx context.Context) error { return c.get(ctx, etcdClient+"/readyz") })
}

// StopEtcd ends etcd as a crash would, since otherwise it waits for the server to take leave.
// Nothing is lost: the kernel has what etcd has written. The server stays, and answers from its
// cache at best.
func (c *Cluster) StopEtcd() {
	c.t.Helper()
	c.must(c.etcd.kill())
	c.etcd = nil
}

// StartServer starts the API server, which must not be running, and waits until it is ready and
// has made its own objects. Further flags come after the usual ones and take their place.
func (c *Cluster) StartServer(flags ...string) {
	c.t.Helper()
	c.must(c.startServer(flags))
	c.awaitObjects()
}

func (c *Cluster) startServer(flags []string) error {
	if err := c.launchServer(flags); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	return c.server.await(ctx, func(ctx context.Context) error { return c.get(ctx, c.ServerURL()+"/readyz") })
}

// LaunchServer is StartServer without the waiting, for a server that is not to become ready.
func (c *Cluster) LaunchServer(flags ...string) {
	c.t.Helper()
	c.must(c.launchServer(flags))
}

func (c *Cluster) launchServer(flags []string) (err error) {
	all := append(append(c.serverFlags(), c.options.ServerFlags...), flags...)
	c.server, err = startProcess(c.control.Space, "kube-apiserver", c.path("kube-apiserver.log"), nil, c.components, all...)
	return err
}

func (c *Cluster) serverFlags() []string {
	pki := c.authority.path
	bind := "::" // both families
	if c.options.Families == family.NewSet(family.V4) {
		bind = "0.0.0.0"
	}
	return []string{
		"kube-apiserver", "--etcd-servers", etcdClient,
		"--bind-address", bind, "--secure-port", fmt.Sprint(serverPort), "--advertise-address", c.ServerAddress().String(),
		"--service-cluster-ip-range", strings.Join(texts(c.options.Services), ","),
		"--client-ca-file", pki("ca.crt"), "--tls-cert-file", pki("server.crt"), "--tls-private-key-file", pki("server.key"),
		"--cert-dir", c.path("certificates"),
		"--service-account-issuer", issuer, "--service-account-key-file", pki("sa.pub"), "--service-account-signing-key-file", pki("sa.key"),
		"--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction", "--allow-privileged",
		"--audit-policy-file", c.path("audit-policy.yaml"), "--audit-log-path", c.path("audit.log"), "--audit-log-mode", "blocking",
		"--shutdown-watch-termination-grace-period", "5s", // else it waits a minute for its watches to end
		"--profiling=false", "--max-requests-inflight", "800", "--max-mutating-requests-inflight", "400",
	}
}

// issuer is whom the tokens of service accounts say that they are from.
const issuer = "https://kubernetes.default.svc.cluster.local"

// StopServer ends the API server as an operator would, with SIGTERM: it closes watches orderly.
func (c *Cluster) StopServer() {
	c.t.Helper()
	c.must(c.server.stop())
	c.server = nil
}

// KillServer ends the API server as a crash would.
func (c *Cluster) KillServer() {
	c.t.Helper()
	c.must(c.server.kill())
	c.server = nil
}

// RestartServer stops the API server and starts it again. Further flags are for this run.
func (c *Cluster) RestartServer(flags ...string) {
	c.t.Helper()
	c.StopServer()
	c.StartServer(flags...)
}

// Snapshot is a copy of everything that etcd holds.
type Snapshot struct{ directory string }

// TakeSnapshot copies what etcd holds. Etcd pauses for it (well under a second); the server and
// its watches stay.
func (c *Cluster) TakeSnapshot() Snapshot {
	c.t.Helper()
	c.snapshots++
	s := Snapshot{c.path(fmt.Sprintf("snapshot%d", c.snapshots))}
	c.StopEtcd()
	c.must(os.CopyFS(s.directory, os.DirFS(c.path("etcd"))))
	c.StartEtcd()
	return s
}

// Restore stops the server and etcd and starts both with an older snapshot, revisions and all:
// the server then counts from numbers that its clients have long seen. The zero Snapshot is that
// of a cluster that has lost everything.
func (c *Cluster) Restore(s Snapshot) {
	c.t.Helper()
	c.StopServer()
	c.ReplaceData(s)
	c.StartServer()
}

// ReplaceData is Restore for etcd alone, for a test that has stopped the server itself.
func (c *Cluster) ReplaceData(s Snapshot) {
	c.t.Helper()
	c.StopEtcd()
	c.must(os.RemoveAll(c.path("etcd")))
	if s.directory != "" {
		c.must(os.CopyFS(c.path("etcd"), os.DirFS(s.directory)))
	}
	c.StartEtcd()
}

// NewServerCertificate gives the server a certificate that holds until a moment; zero is a day.
// A running server takes it within a minute, one that is restarted at once.
func (c *Cluster) NewServerCertificate(until time.Time) {
	c.t.Helper()
	c.must(c.signServer(until))
}

func (c *Cluster) signServer(until time.Time) error {
	who := identity{
		name:  "kube-apiserver",
		hosts: []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"},
		addrs: append(c.control.addresses(), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")),
		until: until,
	}
	for _, services := range c.options.Services {
		who.addrs = append(who.addrs, services.Masked().Addr().Next()) // that of the service kubernetes
	}
	return c.authority.sign("server", who)
}

// path is where a file of the cluster is.
func (c *Cluster) path(name string) string { return filepath.Join(c.directory, name) }
