package cluster

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/source/convert"
)

// PodSpec says what a pod is to be.
type PodSpec struct {
	// Name is "namespace/name". The namespace is made if it is not there.
	Name string
	// Node is the name of the node that the pod runs on.
	Node string
	// Labels and Annotations of the object, and its service account ("default" if empty).
	Labels, Annotations map[string]string
	Account             string
	// Addresses are the pod's; by default the next of each podCIDR of the node.
	Addresses []netip.Addr
	// Ports are the container's named ports.
	Ports []core.ContainerPort
	// Serves are the ports on which the pod answers, over TCP and UDP.
	Serves []uint16
	// Without is a family that is switched off in the pod's kernel.
	Without family.Family
}

// Pod is a pod of the cluster: an object in the API and, once it is plugged in, namespaces on its
// node. netlab.Pod's methods are for the second only.
type Pod struct {
	*netlab.Pod
	Spec PodSpec

	c    *Cluster
	node *Node
}

// AddPod does all that happens to a pod until it runs: CreatePod, Plug, Report.
func (c *Cluster) AddPod(spec PodSpec) *Pod {
	c.t.Helper()
	p := c.CreatePod(spec)
	p.Plug()
	p.Report()
	return p
}

// CreatePod makes the object of a pod, bound to its node. It has no addresses yet.
func (c *Cluster) CreatePod(spec PodSpec) *Pod {
	c.t.Helper()
	ctx, cancel := c.Context()
	defer cancel()
	p := &Pod{Spec: spec, c: c, node: c.Node(spec.Node)}
	if spec.Addresses == nil {
		p.Spec.Addresses = p.node.allocate()
	}
	object := p.object()
	var last error // while the namespace or its account is not there
	for {
		_, err := c.Admin.CoreV1().Pods(object.Namespace).Create(ctx, object, meta.CreateOptions{})
		if err == nil {
			break
		}
		if apierrors.IsNotFound(err) {
			c.EnsureNamespace(object.Namespace)
		} else if !apierrors.IsForbidden(err) {
			c.must(errors.Join(err, last))
		}
		if last = err; pause(ctx) != nil {
			c.must(last)
		}
	}
	p.assign()
	return p
}

func (p *Pod) object() *core.Pod {
	namespace, name := split(p.Spec.Name)
	return &core.Pod{
		ObjectMeta: meta.ObjectMeta{Namespace: namespace, Name: name, Labels: p.Spec.Labels, Annotations: p.Spec.Annotations},
		Spec: core.PodSpec{
			NodeName:           p.Spec.Node,
			ServiceAccountName: p.Spec.Account,
			Containers:         []core.Container{{Name: "main", Image: "example.org/none", Ports: p.Spec.Ports}},
		},
	}
}

// allocate takes the next address of each podCIDR.
func (n *Node) allocate() []netip.Addr {
	var addrs []netip.Addr
	for _, net := range n.PodNets {
		addrs = append(addrs, nth(net, n.next))
	}
	n.next++
	return addrs
}

// Plug makes the pod's namespaces and its veth pair, under the name that Calico's CNI plugin
// gives it, and begins to serve.
func (p *Pod) Plug() {
	p.c.t.Helper()
	namespace, name := split(p.Spec.Name)
	pod, err := p.node.AddPod(netlab.PodSpec{
		Name: p.Spec.Name, Addresses: p.Spec.Addresses, Without: p.Spec.Without,
		Interface: convert.InterfaceName("cali", namespace, name),
	})
	p.c.must(err)
	p.Pod = pod
	if len(p.Spec.Serves) > 0 {
		server, err := pod.Serve(p.Spec.Serves...)
		p.c.must(err)
		p.c.t.Cleanup(server.Close)
	}
}

// Report tells the API that the pod runs, and its addresses, as the kubelet does.
func (p *Pod) Report() {
	p.c.t.Helper()
	p.report(core.PodRunning, p.Spec.Addresses)
}

// ReportAddresses is Report with other addresses than the pod's: some container runtimes leave out
// those of a family.
func (p *Pod) ReportAddresses(addrs ...netip.Addr) {
	p.c.t.Helper()
	p.report(core.PodRunning, addrs)
}

// Finish tells the API that the pod has come to its end: PodSucceeded or PodFailed. The kubelet
// leaves the addresses in the status.
func (p *Pod) Finish(phase core.PodPhase) {
	p.c.t.Helper()
	p.report(phase, p.Spec.Addresses)
}

func (p *Pod) report(phase core.PodPhase, addrs []netip.Addr) {
	p.c.t.Helper()
	ctx, cancel := p.c.Context()
	defer cancel()
	patch, err := json.Marshal(map[string]any{"status": statusOf(p.node, phase, addrs)})
	p.c.must(err)
	namespace, name := split(p.Spec.Name)
	_, err = p.node.Kubelet.CoreV1().Pods(namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, meta.PatchOptions{}, "status")
	p.c.must(err)
}

// statusOf is the status of a pod that the kubelet of a node reports.
func statusOf(n *Node, phase core.PodPhase, addrs []netip.Addr) core.PodStatus {
	ready := core.ConditionFalse
	if phase == core.PodRunning {
		ready = core.ConditionTrue
	}
	status := core.PodStatus{
		Phase:      phase,
		Conditions: []core.PodCondition{{Type: core.PodReady, Status: ready, LastTransitionTime: meta.Now()}},
	}
	for _, a := range n.addresses() {
		status.HostIPs = append(status.HostIPs, core.HostIP{IP: a.String()})
	}
	status.HostIP = status.HostIPs[0].IP
	for _, a := range addrs {
		status.PodIPs = append(status.PodIPs, core.PodIP{IP: a.String()})
	}
	if len(addrs) > 0 {
		status.PodIP = addrs[0].String()
	}
	return status
}

// Terminate asks for the pod's end, as kubectl delete does: the object stays, marked, until the
// kubelet has ended the containers (Finish) and removed it (Delete).
func (p *Pod) Terminate() {
	p.c.t.Helper()
	ctx, cancel := p.c.Context()
	defer cancel()
	namespace, name := split(p.Spec.Name)
	p.c.must(p.c.Admin.CoreV1().Pods(namespace).Delete(ctx, name, *meta.NewDeleteOptions(30)))
}

// Delete removes the pod: its object at once, then its namespaces, if it has any.
func (p *Pod) Delete() {
	p.c.t.Helper()
	p.DeleteObject()
	if p.Pod != nil {
		p.c.must(p.Pod.Remove())
		p.Pod = nil
	}
	p.release()
}

// DeleteObject removes the pod from the API only.
func (p *Pod) DeleteObject() {
	p.c.t.Helper()
	ctx, cancel := p.c.Context()
	defer cancel()
	namespace, name := split(p.Spec.Name)
	p.c.must(p.c.Admin.CoreV1().Pods(namespace).Delete(ctx, name, *meta.NewDeleteOptions(0)))
}

// Address is the pod's address of a family, invalid if it has none.
func (p *Pod) Address(f family.Family) netip.Addr {
	i := slices.IndexFunc(p.Spec.Addresses, func(a netip.Addr) bool { return family.Of(a) == f })
	if i < 0 {
		return netip.Addr{}
	}
	return p.Spec.Addresses[i]
}
