package manifest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/margay-net/margay/api"
	corev1 "k8s.io/api/core/v1"
)

// seed reads one of the manifests from real deployments (issue 2, seeds/README.md).
func seed(t *testing.T, name string) File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "seeds", name))
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{}).Read(name, string(data))
}

// seedLines returns what is wrong with a seed, its values included, line by line.
func seedLines(t *testing.T, name string) []string {
	t.Helper()
	var lines []string
	for _, d := range seed(t, name).Documents {
		problems := d.Problems
		if r, ok := d.Object.(api.Resource); ok && d.Usable() {
			r.Default()
			problems = append(problems, d.Reports(r.Validate())...)
		}
		for _, p := range problems {
			lines = append(lines, p.Severity.String()+": "+p.String())
		}
	}
	return lines
}

func TestSeeds(t *testing.T) {
	want := map[string][]string{
		"pools.yaml":              nil,
		"felixconfiguration.yaml": nil,
		"policies.yaml":           nil,
		"workload.yaml":           nil,
		"pod-lost-ipv6.yaml":      nil,
		"policy-protocol-ipv6.yaml": {
			"warning: policy-protocol-ipv6.yaml:16: document 1: GlobalNetworkPolicy deny-external-ipv6: " +
				`spec.ingress[1].protocol="IPv6": no protocol that a rule can name, write ipVersion: 6`,
		},
		"bgp.yaml": {
			"error: bgp.yaml:11: document 1: BGPConfiguration default: " +
				"spec.serviceClusterIPs: the key stands twice, in lines 9 and 11",
		},
	}
	for name, lines := range want {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(lines, seedLines(t, name)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if !seed(t, name).Complete {
				t.Error("the file is not complete")
			}
		})
	}
}

// TestSeedValues looks at what the seeds' objects hold, as far as the agent lives on it.
func TestSeedValues(t *testing.T) {
	f := seed(t, "pod-lost-ipv6.yaml")
	pod, ok := f.Documents[2].Object.(*corev1.Pod)
	if !ok {
		t.Fatalf("document 3 is %T", f.Documents[2].Object)
	}
	if got := pod.Annotations["cni.projectcalico.org/podIPs"]; got != "172.99.1.5/32,2001:db8:42:0:208b:133f:7967:ee05/128" {
		t.Errorf("annotation %q", got)
	}
	if len(pod.Status.PodIPs) != 1 || pod.Spec.NodeName != "k8s-node1" || pod.Spec.ServiceAccountName != "default" {
		t.Errorf("pod %+v", pod)
	}

	pool, ok := seed(t, "pools.yaml").Documents[1].Object.(*api.IPPool)
	if !ok || pool.Spec.CIDR != "fd00:10:244::/48" || pool.Spec.BlockSize != 122 || pool.Spec.VXLANMode != api.EncapCrossSubnet {
		t.Errorf("pool %+v", pool)
	}

	felix, ok := seed(t, "felixconfiguration.yaml").Documents[0].Object.(*api.FelixConfiguration)
	if !ok {
		t.Fatal("no FelixConfiguration")
	}
	for name, value := range map[string]string{
		"ipv6Support": "true", "routeRefreshInterval": `"90s"`, "vxlanMTUV6": "1430", "deviceRouteSourceAddressIPv6": `"fd00::1"`,
	} {
		if got := string(felix.Spec[name]); got != value {
			t.Errorf("%s is %s, want %s", name, got, value)
		}
	}

	policy, ok := seed(t, "policy-protocol-ipv6.yaml").Documents[0].Object.(*api.GlobalNetworkPolicy)
	if !ok || string(*policy.Spec.Ingress[1].Protocol) != "IPv6" {
		t.Errorf("policy %+v", policy)
	}

	bgp := seed(t, "bgp.yaml")
	if bgp.Documents[0].Usable() || !bgp.Documents[1].Usable() {
		t.Error("of bgp.yaml, the second document is usable, not the first")
	}
	service, ok := seed(t, "workload.yaml").Documents[1].Object.(*corev1.Service)
	if !ok || service.Spec.ClusterIPs[0] != "fd00::33a4" || service.Spec.Ports[0].TargetPort.IntValue() != 8080 {
		t.Errorf("service %+v", service)
	}
}
