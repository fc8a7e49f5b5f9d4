package e2e

import (
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/margay-net/margay/test/e2e/cluster"
)

const dryRun = meta.DryRunAll

// startAdmission is a cluster of two nodes with the manifests of an overlay, whose admission policies
// are enforced.
func startAdmission(t *testing.T) *definitions {
	t.Helper()
	d := &definitions{Cluster: cluster.Start(t, cluster.Options{Nodes: 2})}
	d.kubectl(t, "apply", "--validate=strict", "-k", "deploy/overlays/dual-stack")
	return d
}

// agentToken is the token of an agent's pod on a node.
func (d *definitions) agentToken(t *testing.T, node string) kubernetes.Interface {
	t.Helper()
	ctx, cancel := d.Context()
	defer cancel()
	pod := &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "margay-" + node},
		Spec: core.PodSpec{
			NodeName: node, ServiceAccountName: "margay", HostNetwork: true,
			Containers: []core.Container{{Name: "agent", Image: "margay:dev"}},
		},
	}
	if _, err := d.Admin.CoreV1().Pods("kube-system").Create(ctx, pod, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return d.As(d.Token(cluster.AgentAccount, cluster.TokenOptions{Pod: pod.Name}))
}

// patch is a change to a Node, and what the server says of it; "" is yes.
type patch struct{ node, subresource, text, want string }

func (p patch) try(t *testing.T, d *definitions, client kubernetes.Interface) error {
	t.Helper()
	ctx, cancel := d.Context()
	defer cancel()
	var subresources []string
	if p.subresource != "" {
		subresources = []string{p.subresource}
	}
	_, err := client.CoreV1().Nodes().Patch(ctx, p.node, types.StrategicMergePatchType, []byte(p.text), meta.PatchOptions{DryRun: []string{dryRun}}, subresources...)
	return err
}

// awaitRefused waits until an admission policy is enforced: until a request that it forbids is refused.
func awaitRefused(t *testing.T, request func() error) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); request() == nil; {
		if time.Now().After(deadline) {
			t.Fatal("the admission policy is not enforced")
		}
	}
}

func TestAgentsWriteTheirOwnNodeOnly(t *testing.T) {
	d := startAdmission(t)
	agent := d.agentToken(t, "node1")
	labelled := `{"metadata": {"labels": {"a": "b"}}}`
	awaitRefused(t, func() error { return patch{node: "node1", text: labelled}.try(t, d, agent) })
	const address = `{"metadata": {"annotations": {"projectcalico.org/IPv6Address": "fd00::1/64", "projectcalico.org/VXLANTunnelMACAddr": "02:00:00:00:00:01"}}}`
	const condition = `{"status": {"conditions": [{"type": "MargayReady", "status": "True", "reason": "Tested"}]}}`
	const own, keys, rest = "to its own node only", "its own annotations only", "labels, finalizers, owners or the spec"
	for _, p := range []patch{
		{"node1", "", address, ""},
		{"node1", "status", condition, ""},
		{"node2", "", address, own},
		{"node2", "status", condition, own},
		{"node1", "", `{"metadata": {"annotations": {"node.alpha.kubernetes.io/ttl": "0"}}}`, keys},
		{"node1", "status", `{"metadata": {"annotations": {"a": "b"}}}`, keys},
		{"node1", "", labelled, rest},
		{"node1", "status", labelled, rest},
		{"node1", "", `{"metadata": {"finalizers": ["a/b"]}}`, rest},
		{"node1", "", `{"spec": {"unschedulable": true}}`, rest},
		{"node1", "", `{"spec": {"taints": [{"key": "a", "effect": "NoExecute"}]}}`, rest},
		{"node1", "status", `{"status": {"conditions": [{"type": "Ready", "status": "False"}]}}`, "conditions that begin with Margay only"},
		{"node1", "status", `{"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.9"}]}}`, "conditions only"},
		{"node1", "status", `{"status": {"capacity": {"pods": "7"}}}`, "conditions only"},
	} {
		check(t, p.node+" "+p.subresource+" "+p.text, p.try(t, d, agent), p.want)
	}
	t.Run("with a token of no pod", func(t *testing.T) {
		client := d.As(d.Token(cluster.AgentAccount, cluster.TokenOptions{}))
		check(t, "node1", patch{node: "node1", text: address}.try(t, d, client), own)
	})
	t.Run("others are not concerned", func(t *testing.T) {
		check(t, "admin", patch{node: "node2", text: labelled}.try(t, d, d.Admin), "")
		check(t, "kubelet", patch{"node1", "status", `{"status": {"capacity": {"pods": "7"}}}`, ""}.try(t, d, d.Node("node1").Kubelet), "")
	})
}

// check compares an answer with what it should be.
func check(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case want != "" && err == nil:
		t.Errorf("%s: allowed, want %q", what, want)
	case want != "" && (!apierrors.IsForbidden(err) || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}
