package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/margay-net/margay/test/e2e/cluster"
)

// seeds are manifests as users write them; the directory's README says which are wrong and how.
const seeds = "internal/source/files/testdata/seeds"

// TestManifestsApply has kubectl apply every overlay, with every component, and what users write, with
// unknown fields refused.
func TestManifestsApply(t *testing.T) {
	// The service in workload.yaml brings its own addresses.
	d := &definitions{Cluster: cluster.Start(t, cluster.Options{Services: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("fd00::/112")}})}
	for _, overlay := range directories(t, "deploy/overlays") {
		d.kubectl(t, "apply", "--validate=strict", "-k", overlay)
		for _, component := range directories(t, "deploy/components") {
			d.kubectl(t, "apply", "--validate=strict", "--dry-run=server", "-k", withComponent(t, overlay, component))
		}
	}
	d.kubectl(t, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	d.kubectl(t, "apply", "--validate=strict", "--dry-run=server", "-f", "examples/pools.yaml")
	files, err := filepath.Glob(filepath.Join("../..", seeds, "*.yaml"))
	if err != nil || len(files) != 7 {
		t.Fatalf("seeds: %v, %v", files, err)
	}
	for _, file := range files {
		d.kubectl(t, "apply", "--validate=strict", "-f", filepath.Join(seeds, filepath.Base(file)))
	}
	// Of a key that stands twice, kubectl sends the last.
	if got := d.kubectl(t, "get", "bgpconfiguration", "default", "-o", "jsonpath={.spec.serviceClusterIPs}"); got != `[{"cidr":"fd00:10:96::/112"}]` {
		t.Errorf("service ranges %s", got)
	}
	// What the agent is to warn of is still there.
	if got := d.kubectl(t, "get", "gnp", "deny-external-ipv6", "-o", "jsonpath={.spec.ingress[1].protocol}"); got != "IPv6" {
		t.Errorf("protocol %q", got)
	}
}

// directories are those in one of the repository, by their paths from its top.
func directories(t *testing.T, in string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("../..", in))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range entries {
		paths = append(paths, filepath.Join(in, e.Name()))
	}
	return paths
}

// withComponent makes an overlay of an overlay and a component, as docs/installing.md tells people to.
func withComponent(t *testing.T, overlay, component string) string {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	from := func(path string) string {
		relative, err := filepath.Rel(dir, filepath.Join(top, path))
		if err != nil {
			t.Fatal(err)
		}
		return relative
	}
	text := fmt.Sprintf("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [%s]\ncomponents: [%s]\n", from(overlay), from(component))
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestOverlaysDifferInWhatTheySay: which families pods have, whose definitions there are, and who writes
// the routes between nodes.
func TestOverlaysDifferInWhatTheySay(t *testing.T) {
	d := &definitions{Cluster: cluster.Start(t, cluster.Options{})}
	for overlay, want := range map[string][]string{
		"dual-stack": {"IPV4SUPPORT true", "IPV6SUPPORT true", "PROGRAMCLUSTERROUTES Enabled", "definitions"},
		"ipv4":       {"IPV4SUPPORT true", "IPV6SUPPORT false", "PROGRAMCLUSTERROUTES Enabled", "definitions"},
		"ipv6":       {"IPV4SUPPORT false", "IPV6SUPPORT true", "PROGRAMCLUSTERROUTES Enabled", "definitions"},
		"calico":     {"IPV4SUPPORT true"},
	} {
		text := d.kubectl(t, "kustomize", "deploy/overlays/"+overlay)
		for _, name := range []string{"IPV4SUPPORT", "IPV6SUPPORT", "PROGRAMCLUSTERROUTES", "DEFAULTENDPOINTTOHOSTACTION"} {
			_, value, _ := strings.Cut(text, "- name: FELIX_"+name+"\n          value: ")
			value, _, _ = strings.Cut(value, "\n")
			value = strings.Trim(value, `"`)
			wanted := ""
			if name == "DEFAULTENDPOINTTOHOSTACTION" {
				wanted = "ACCEPT"
			}
			for _, w := range want {
				if v, ok := strings.CutPrefix(w, name+" "); ok {
					wanted = v
				}
			}
			if value != wanted {
				t.Errorf("%s: %s is %q, want %q", overlay, name, value, wanted)
			}
		}
		if has, wants := strings.Contains(text, "kind: CustomResourceDefinition\n"), strings.HasSuffix(strings.Join(want, " "), "definitions"); has != wants {
			t.Errorf("%s: definitions: %v, want %v", overlay, has, wants)
		}
		if strings.Contains(text, "privileged:") {
			t.Errorf("%s: a container is privileged", overlay)
		}
	}
}

// calicoNode is what matters here of the DaemonSet in Calico's manifests.
const calicoNode = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec:
      containers:
        - name: calico-node
          image: docker.io/calico/node:v3.30.0
          env: [{name: FELIX_IPV6SUPPORT, value: "true"}]
          livenessProbe: {exec: {command: [/bin/calico-node, -felix-live, -bird-live]}, periodSeconds: 10}
          readinessProbe: {exec: {command: [/bin/calico-node, -felix-ready, -bird-ready]}, periodSeconds: 10}
`

// TestFelixIsSwitchedOff applies the patches for Calico's DaemonSet.
func TestFelixIsSwitchedOff(t *testing.T) {
	d := &definitions{Cluster: cluster.Start(t, cluster.Options{})}
	d.Apply(calicoNode)
	const container = "{.spec.template.spec.containers[0]"
	const show = "jsonpath=" + container + ".env[*].name} live " + container + ".livenessProbe.exec.command} ready " + container + ".readinessProbe.exec.command}"
	for file, want := range map[string]string{
		"calico-node.patch.yaml":     `CALICO_DISABLE_FELIX FELIX_IPV6SUPPORT live  ready `,
		"calico-node-bgp.patch.yaml": `CALICO_DISABLE_FELIX FELIX_IPV6SUPPORT live ["/bin/calico-node","-bird-live"] ready ["/bin/calico-node","-bird-ready"]`,
	} {
		got := d.kubectl(t, "-n", "kube-system", "patch", "daemonset", "calico-node", "--dry-run=server",
			"--patch-file", "deploy/overlays/calico/"+file, "-o", show)
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", file, got, want)
		}
	}
}
