package workload

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/family"
)

// everyPod selects all pods of the workload, and no network set.
const everyPod = "has(tier)"

// ProbePolicy is part of every base. It applies to every pod and allows from the pods
// with MemberLabel, so that relabelling one moves it into or out of one set.
func ProbePolicy() *api.GlobalNetworkPolicy {
	return global("bench-probe", "default", 900, everyPod, "",
		[]api.Rule{allowTCP(api.EntityRule{Selector: MemberLabel + " == 'yes'"}, "9999")}, nil)
}

// LocalPod is one more pod on the local node, in the block that the base keeps free there.
func (c *Cluster) LocalPod(i int) *corev1.Pod {
	blocks := c.byNode[0]
	return c.pod(1_000_000+i, i, home{blocks[len(blocks)-1], i % blockSize}, nil)
}

// RemotePod is the i-th remote pod of the base, with MemberLabel or without.
func (c *Cluster) RemotePod(i int, member bool) *corev1.Pod {
	pod := c.size.Local + i%c.size.Remote
	var more map[string]string
	if member {
		more = map[string]string{MemberLabel: "yes"}
	}
	return c.pod(pod, pod, c.homes[pod], more)
}

// PolicyOnAllLocal applies to every pod, without a selector in its rule.
func PolicyOnAllLocal(i int) *api.GlobalNetworkPolicy {
	nets := []string{fmt.Sprintf("192.0.2.%d/32", i%256), fmt.Sprintf("2001:db8:ffff::%x/128", i)}
	return global(fmt.Sprintf("bench-all-local-%04d", i), "default", 901, everyPod, "",
		[]api.Rule{allowTCP(api.EntityRule{Nets: nets}, api.Port(fmt.Sprint(7000+i%1000)))}, nil)
}

// PolicySelectingAll applies to every pod and allows from every pod, by a selector that
// was not there before: a new set with every pod of the cluster in it.
func PolicySelectingAll(i int) *api.GlobalNetworkPolicy {
	return global(fmt.Sprintf("bench-all-remote-%04d", i), "default", 902, everyPod, "",
		[]api.Rule{allowTCP(api.EntityRule{Selector: fmt.Sprintf("%s && !has(bench-none-%d)", everyPod, i)}, api.Port(fmt.Sprint(6000+i%1000)))}, nil)
}

// Churn hands over n more remote pods with MemberLabel, and ahead of each 64 of them the
// block that they are in.
func (c *Cluster) Churn(n int, emit func(any)) {
	next := len(c.blocks)
	for i := 0; i < n; next++ {
		b := block{node: 1 + (i/blockSize)%(c.size.Nodes-1)}
		for place := range b.pods {
			b.pods[place] = free
			if i+place < n {
				b.pods[place] = 2_000_000 + i + place
			}
		}
		c.blocks = append(c.blocks, b)
		c.emitBlock(next, &b, emit)
		for place := 0; place < blockSize && i < n; place++ {
			emit(c.pod(2_000_000+i, i, home{next, place}, map[string]string{MemberLabel: "yes"}))
			i++
		}
	}
}

// PacketPolicies let local pod 0 reach TCP port 9999 of local pod 1, behind k policies
// that are looked at and do not match.
func (c *Cluster) PacketPolicies(k int, emit func(any)) {
	emit(c.pod(0, 0, c.homes[0], map[string]string{MemberLabel: "yes"}))
	emit(global("bench-packet-egress", "default", 1, MemberLabel+" == 'yes'", "", nil, []api.Rule{{Action: api.Allow}}))
	for i := range k {
		from := api.EntityRule{Nets: []string{fmt.Sprintf("198.51.%d.%d/32", i/256, i%256), fmt.Sprintf("2001:db8:51::%x/128", i)}}
		emit(global(fmt.Sprintf("bench-packet-%04d", i), "default", 10+float64(i)/1000, everyPod, "",
			[]api.Rule{allowTCP(from, api.Port(fmt.Sprint(7000+i%1000)))}, nil))
	}
}

// LocalPods are the addresses of the base's local pods, for those who make them.
func (c *Cluster) LocalPods() []*corev1.Pod {
	out := make([]*corev1.Pod, c.size.Local)
	for i := range out {
		out[i] = c.pod(i, i, c.homes[i], nil)
	}
	return out
}

// Families are those of the cluster.
func (c *Cluster) Families() family.Set { return c.size.Families }
