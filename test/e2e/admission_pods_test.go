package e2e

import (
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/margay-net/margay/test/e2e/cluster"
)

// writers lets two accounts write pods: that of an owner of pods, and that of Calico's CNI plugin.
const writers = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: writes-pods}
rules:
  - {apiGroups: [""], resources: [pods, pods/status, pods/binding, bindings], verbs: [create, update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: writes-pods}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: writes-pods}
subjects:
  - {kind: ServiceAccount, namespace: shop, name: owner}
  - {kind: ServiceAccount, namespace: kube-system, name: calico-cni-plugin}
`

// TestAddressAnnotationsAreTheCNIPluginsAlone tries to write the annotations that say which addresses a
// pod has, by every way that leads to a pod's annotations.
func TestAddressAnnotationsAreTheCNIPluginsAlone(t *testing.T) {
	d := startAdmission(t)
	d.EnsureAccount("shop/owner")
	d.EnsureAccount("kube-system/calico-cni-plugin")
	d.Apply(writers)
	owner := d.As(d.Token("shop/owner", cluster.TokenOptions{}))
	plugin := d.As(d.Token("kube-system/calico-cni-plugin", cluster.TokenOptions{}))
	forged := map[string]string{"cni.projectcalico.org/podIP": "10.0.0.1/32"}
	awaitRefused(t, func() error { return d.createPod(t, owner, "forged", forged) })

	const refused = "are for the CNI plugin to write"
	for _, key := range []string{"podIP", "podIPs", "containerID"} {
		annotation := map[string]string{"cni.projectcalico.org/" + key: "x"}
		check(t, "create with "+key, d.createPod(t, owner, "forged", annotation), refused)
		check(t, "create with "+key+" by the plugin", d.createPod(t, plugin, "genuine", annotation), "")
		check(t, "create with "+key+" by an administrator", d.createPod(t, d.Admin, "restored", annotation), "")
	}
	check(t, "create", d.createPod(t, owner, "plain", map[string]string{"a": "b"}), "")

	d.AddPod(cluster.PodSpec{Name: "shop/web", Node: "node1"})
	const assign = `{"metadata": {"annotations": {"cni.projectcalico.org/podIPs": "10.0.0.1/32,fd00::1/128"}}}`
	for _, subresource := range []string{"", "status"} {
		check(t, "patch of "+subresource, d.patchPod(t, owner, assign, subresource), refused)
		check(t, "patch by the plugin of "+subresource, d.patchPod(t, plugin, assign, subresource), "")
	}
	d.kubectl(t, "-n", "shop", "annotate", "pod", "web", "cni.projectcalico.org/podIPs=10.0.0.1/32")
	check(t, "change", d.patchPod(t, owner, assign, ""), refused)
	check(t, "removal", d.patchPod(t, owner, `{"metadata": {"annotations": {"cni.projectcalico.org/podIPs": null}}}`, ""), refused)
	check(t, "another annotation", d.patchPod(t, owner, `{"metadata": {"annotations": {"a": "b"}}}`, ""), "")
	check(t, "the kubelet's status", d.kubeletReports(t), "")

	// A Binding's annotations become the pod's.
	for _, way := range []func(kubernetes.Interface, *core.Binding) error{
		func(c kubernetes.Interface, b *core.Binding) error {
			return c.CoreV1().Pods("shop").Bind(t.Context(), b, meta.CreateOptions{DryRun: []string{dryRun}})
		},
		func(c kubernetes.Interface, b *core.Binding) error {
			return c.CoreV1().RESTClient().Post().Namespace("shop").Resource("bindings").Param("dryRun", dryRun).Body(b).Do(t.Context()).Error()
		},
	} {
		binding := &core.Binding{ObjectMeta: meta.ObjectMeta{Name: "web", Annotations: forged}, Target: core.ObjectReference{Kind: "Node", Name: "node2"}}
		check(t, "binding", way(owner, binding), refused)
	}
}

func (d *definitions) createPod(t *testing.T, client kubernetes.Interface, name string, annotations map[string]string) error {
	t.Helper()
	ctx, cancel := d.Context()
	defer cancel()
	pod := &core.Pod{ObjectMeta: meta.ObjectMeta{Name: name, Annotations: annotations}, Spec: core.PodSpec{Containers: []core.Container{{Name: "c", Image: "i"}}}}
	_, err := client.CoreV1().Pods("shop").Create(ctx, pod, meta.CreateOptions{DryRun: []string{dryRun}})
	return err
}

func (d *definitions) patchPod(t *testing.T, client kubernetes.Interface, text, subresource string) error {
	t.Helper()
	ctx, cancel := d.Context()
	defer cancel()
	var subresources []string
	if subresource != "" {
		subresources = []string{subresource}
	}
	_, err := client.CoreV1().Pods("shop").Patch(ctx, "web", types.MergePatchType, []byte(text), meta.PatchOptions{DryRun: []string{dryRun}}, subresources...)
	return err
}

// kubeletReports has the node's kubelet write the status of the pod, as it does all the time.
func (d *definitions) kubeletReports(t *testing.T) error {
	t.Helper()
	return d.patchPod(t, d.Node("node1").Kubelet, `{"status": {"message": "tested"}}`, "status")
}
