package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"golang.org/x/sync/errgroup"
)

// bulkNamespace has the pods of AddLoad, and bulkNodes is how many nodes they are on, with the
// numbers from firstBulk.
const (
	bulkNamespace = "load"
	bulkNodes     = 100
	firstBulk     = 101
	callsAtOnce   = 32
)

// AddLoad makes a large cluster's objects: running pods on a hundred further nodes, all of which
// are in the API only. The pods are load/pod-0 and so on, labelled app=app-0 to app=app-49.
func (c *Cluster) AddLoad(pods int) {
	c.t.Helper()
	c.EnsureNamespace(bulkNamespace)
	c.inParallel(bulkNodes, func(ctx context.Context, i int) error {
		nets := c.options.podNets(firstBulk + i)
		node := &core.Node{
			ObjectMeta: meta.ObjectMeta{Name: fmt.Sprintf("load-%d", i), Labels: map[string]string{"kubernetes.io/os": "linux"}},
			Spec:       core.NodeSpec{PodCIDR: nets[0].String(), PodCIDRs: texts(nets)},
		}
		for _, p := range c.options.onLink(firstBulk + i) {
			node.Status.Addresses = append(node.Status.Addresses, core.NodeAddress{Type: core.NodeInternalIP, Address: p.Addr().String()})
		}
		made, err := c.Admin.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{})
		if err != nil {
			return err
		}
		made.Status.Addresses = node.Status.Addresses
		_, err = c.Admin.CoreV1().Nodes().UpdateStatus(ctx, made, meta.UpdateOptions{})
		return err
	})
	c.inParallel(pods, c.addLoaded)
}

// addLoaded makes one pod, and says that it runs.
func (c *Cluster) addLoaded(ctx context.Context, i int) error {
	spec := PodSpec{
		Name: fmt.Sprintf("%s/pod-%d", bulkNamespace, i), Node: fmt.Sprintf("load-%d", i%bulkNodes),
		Labels: map[string]string{"app": fmt.Sprintf("app-%d", i%50)},
	}
	status := core.PodStatus{Phase: core.PodRunning}
	for _, a := range c.LoadAddresses(i) {
		status.PodIPs = append(status.PodIPs, core.PodIP{IP: a.String()})
	}
	status.PodIP = status.PodIPs[0].IP
	object := (&Pod{Spec: spec}).object()
	if _, err := c.Admin.CoreV1().Pods(bulkNamespace).Create(ctx, object, meta.CreateOptions{}); err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = c.Admin.CoreV1().Pods(bulkNamespace).Patch(ctx, object.Name, types.StrategicMergePatchType, patch, meta.PatchOptions{}, "status")
	return err
}

// LoadAddresses are the addresses of the pod of AddLoad with a number.
func (c *Cluster) LoadAddresses(i int) []netip.Addr {
	var addrs []netip.Addr
	for _, net := range c.options.podNets(firstBulk + i%bulkNodes) {
		addrs = append(addrs, nth(net, 2+i/bulkNodes))
	}
	return addrs
}

// LabelLoad gives pods of AddLoad, those with the numbers from first to before last, a label.
func (c *Cluster) LabelLoad(first, last int, key, value string) {
	c.t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]string{key: value}}})
	c.must(err)
	c.inParallel(last-first, func(ctx context.Context, i int) error {
		_, err := c.Admin.CoreV1().Pods(bulkNamespace).Patch(ctx, fmt.Sprintf("pod-%d", first+i), types.MergePatchType, patch, meta.PatchOptions{})
		return err
	})
}

// inParallel calls f for every number below n.
func (c *Cluster) inParallel(n int, f func(ctx context.Context, i int) error) {
	c.t.Helper()
	group, ctx := errgroup.WithContext(c.t.Context())
	group.SetLimit(callsAtOnce)
	for i := range n {
		group.Go(func() error { return f(ctx, i) })
	}
	c.must(group.Wait())
}
