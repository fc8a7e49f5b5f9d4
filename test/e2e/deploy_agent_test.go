package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// webOnly is a policy's spec.
const webOnly = `
spec:
  selector: app == 'db'
  ingress: [{action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [5432]}}]
`

// deployed is a cluster of two nodes that an overlay was applied to, whose agents write the routes between
// them, and pods of which db talks to web alone.
func deployed(t *testing.T, overlay string, families family.Set) *definitions {
	t.Helper()
	d := &definitions{Cluster: cluster.Start(t, cluster.Options{Nodes: 2, Families: families, WithoutNodeRoutes: true})}
	d.startDeployed(t, overlay, `
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web-only, namespace: shop}
`+webOnly)
	return d
}

// startDeployed applies an overlay and a policy, and starts agents as the overlay's DaemonSet has them.
func (d *definitions) startDeployed(t *testing.T, overlay, policy string) {
	t.Helper()
	d.kubectl(t, "apply", "--validate=strict", "-k", overlay)
	d.kubectl(t, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	d.EnsureNamespace("shop")
	d.Apply(policy)
	d.AddPod(cluster.PodSpec{Name: "shop/web", Node: "node1", Labels: map[string]string{"app": "web"}, Serves: []uint16{80}})
	d.AddPod(cluster.PodSpec{Name: "shop/other", Node: "node1"})
	d.AddPod(cluster.PodSpec{Name: "shop/db", Node: "node2", Labels: map[string]string{"app": "db"}, Serves: []uint16{5432}})
	agent := container(t, d.kubectl(t, "kustomize", overlay))
	t.Setenv("MARGAY_E2E_AGENT", confine(t, agent))
	for _, n := range d.Nodes() {
		n.StartAgent(cluster.AgentOptions{Account: cluster.AgentAccount, Environment: environment(agent)})
	}
	for _, n := range d.Nodes() {
		n.AwaitReady()
	}
}

const deployedFlows = `
	FROM        TO            IPv4 TCP  IPv6 TCP
	shop/web    shop/db:5432  yes       yes
	shop/other  shop/db:5432  no        no`

// TestAgentNeedsNoMoreThanItsManifest runs agents as the DaemonSet does: with its ServiceAccount's token
// and role, its environment, only its capabilities and no way to new ones, a root that is read-only like
// /proc/sys, and the node's /proc/sys/net where the volume has it. (The runtime's seccomp and AppArmor
// profiles are not there: there is no runtime.) Nothing that they ask of the server is refused, and pods
// are served.
func TestAgentNeedsNoMoreThanItsManifest(t *testing.T) {
	for overlay, families := range map[string]family.Set{
		"dual-stack": family.Both, "ipv4": family.NewSet(family.V4), "ipv6": family.NewSet(family.V6),
	} {
		t.Run(overlay, func(t *testing.T) {
			d := deployed(t, "deploy/overlays/"+overlay, families)
			d.AwaitFlows(d.Table(deployedFlows))
			for _, f := range families.Families() {
				checkInterface(t, d, f, netlab.InterfaceOf("shop", "db"))
			}
			d.checkLogs(t)
			d.checkCalls(t, "watch pods", "watch ippools.projectcalico.org", "patch nodes")
		})
	}
}

// TestAgentOnClustersOfCalico does so on a cluster that has the definitions of Calico's manifests, where a
// policy's name begins with its tier, and somebody else writes the routes between nodes.
func TestAgentOnClustersOfCalico(t *testing.T) {
	d := &definitions{Cluster: cluster.Start(t, cluster.Options{Nodes: 2})}
	for _, file := range directories(t, "deploy/crds") {
		if strings.Contains(file, "projectcalico.org_") {
			d.Apply(inGroupOfManifests(t, file))
		}
	}
	d.startDeployed(t, "deploy/overlays/calico", `
apiVersion: crd.projectcalico.org/v1
kind: NetworkPolicy
metadata: {name: default.web-only, namespace: shop}
`+webOnly)
	d.AwaitFlows(d.Table(deployedFlows))
	d.checkLogs(t)
	d.checkCalls(t, "watch pods", "watch ippools.crd.projectcalico.org", "patch nodes")
}

// inGroupOfManifests is a definition as Calico's manifests name it.
func inGroupOfManifests(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(
		".projectcalico.org\n", ".crd.projectcalico.org\n", "group: projectcalico.org", "group: crd.projectcalico.org",
		"    name: v3\n", "    name: v1\n", "  - name: v3\n", "  - name: v1\n",
		"ipamconfigurations", "ipamconfigs", "IPAMConfiguration", "IPAMConfig", "ipamconfiguration", "ipamconfig").Replace(string(text))
}

// TestAgentWithIptables does so with policy in iptables, for which the component adds what it takes.
func TestAgentWithIptables(t *testing.T) {
	d := deployed(t, withComponent(t, "deploy/overlays/dual-stack", "deploy/components/iptables"), family.Both)
	d.AwaitFlows(d.Table(deployedFlows))
	d.checkLogs(t)
	for _, program := range []string{"iptables-save", "ip6tables-save"} {
		rules, err := d.Node("node2").Command(program, "-t", "filter").Output()
		if err != nil || !strings.Contains(string(rules), "cali-tw-"+netlab.InterfaceOf("shop", "db")) {
			t.Errorf("%s: %v:\n%s", program, err, rules)
		}
	}
}

// checkInterface checks that the agent could write the settings of a pod's interface.
func checkInterface(t *testing.T, d *definitions, f family.Family, name string) {
	t.Helper()
	settings := family.PairOf("net/ipv4/conf/"+name+"/proxy_arp = 1", "net/ipv6/conf/"+name+"/accept_ra = 0")
	path, want, _ := strings.Cut(settings.Get(f), " = ")
	if got, err := d.Node("node2").Sysctl(path); err != nil || got != want {
		t.Errorf("%s is %q, %v; want %q", path, got, err, want)
	}
}

// checkLogs checks that the agents had nothing to complain of.
func (d *definitions) checkLogs(t *testing.T) {
	t.Helper()
	for _, n := range d.Nodes() {
		if log := n.AgentLog(); strings.Contains(log, "level=error") || strings.Contains(log, "level=warning") {
			t.Errorf("%s:\n%s", n.Name(), log)
		}
	}
}

// checkCalls checks what the agents have asked of the server: what they must, and nothing that was refused.
func (d *definitions) checkCalls(t *testing.T, must ...string) {
	t.Helper()
	asked := map[string]bool{}
	for _, call := range d.Calls(cluster.AgentAccount) {
		asked[call.Verb+" "+call.Resource] = true
		if call.Status == http.StatusUnauthorized || call.Status == http.StatusForbidden {
			t.Errorf("%v", call)
		}
	}
	for _, call := range must {
		if !asked[call] {
			t.Errorf("no %s among %v", call, asked)
		}
	}
}

// TestDeletedManifestsLeaveTheDataPathClosed: what stood goes on to hold, and a pod that comes afterwards has
// no way out or in.
func TestDeletedManifestsLeaveTheDataPathClosed(t *testing.T) {
	d := deployed(t, "deploy/overlays/dual-stack", family.Both)
	d.AwaitFlows(d.Table(deployedFlows))
	for _, n := range d.Nodes() {
		n.StopAgent()
	}
	d.kubectl(t, "delete", "--wait=false", "-k", "deploy/overlays/dual-stack")
	d.AddPod(cluster.PodSpec{Name: "shop/late", Node: "node1", Labels: map[string]string{"app": "web"}, Serves: []uint16{80}})
	d.CheckFlows(d.Table(deployedFlows + `
	shop/late   shop/db:5432  no        no
	shop/late   shop/web:80   no        no
	shop/web    shop/late:80  no        no`))
}

// container is the agent's, from the manifests.
func container(t *testing.T, manifests string) core.Container {
	t.Helper()
	for document := range strings.SplitSeq(manifests, "\n---\n") {
		var set apps.DaemonSet
		if err := yaml.Unmarshal([]byte(document), &set); err == nil && set.Kind == "DaemonSet" {
			return set.Spec.Template.Spec.Containers[0]
		}
	}
	t.Fatal("no DaemonSet")
	return core.Container{}
}

// environment are the container's own variables; those from elsewhere the cluster gives.
func environment(c core.Container) []string {
	var all []string
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			all = append(all, v.Name+"="+strings.Replace(v.Value, "/host/", hostDirectory+"/", 1))
		}
	}
	return all
}

// hostDirectory stands for the container's /host: of a test's node, only /run is its own.
const hostDirectory = "/run/host"

// confine writes a program that runs the agent as a runtime runs the container, and returns its path.
func confine(t *testing.T, c core.Container) string {
	t.Helper()
	security := c.SecurityContext
	if drop := security.Capabilities.Drop; len(drop) != 1 || drop[0] != "ALL" || *security.AllowPrivilegeEscalation || !*security.ReadOnlyRootFilesystem {
		t.Fatalf("security context: %+v", security)
	}
	bounding := "-all"
	for _, capability := range security.Capabilities.Add {
		bounding += ",+" + strings.ToLower(string(capability))
	}
	var volumes []string
	for _, v := range c.VolumeMounts {
		volumes = append(volumes, v.MountPath)
	}
	slices.Sort(volumes)
	volumes = slices.DeleteFunc(volumes, func(at string) bool { return at == "/run/xtables.lock" }) // a node's /run is its own
	if want := []string{"/host/proc/sys/net", "/run", "/var/lib/calico"}; !slices.Equal(volumes, want) {
		t.Fatalf("volumes at %v; the program below has %v", volumes, want)
	}
	agent := os.Getenv("MARGAY_E2E_AGENT")
	if agent == "" {
		agent, _ = filepath.Abs("../../bin/agent")
	}
	script := `#!/bin/sh
exec unshare --mount --propagation private sh -ec '
net=` + hostDirectory + `/proc/sys/net
mkdir -p $net
mount --bind /proc/sys/net $net
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /
mount -t tmpfs volumes /var/lib
mkdir /var/lib/calico
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=` + bounding + ` "$@"' confined ` + agent + ` "$@"
`
	path := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
