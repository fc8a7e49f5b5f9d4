package workload

import (
	"fmt"
	"hash/crc32"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/family"
)

// MemberLabel is what the probe policy's rule selects; scenarios put it on and take it off.
const MemberLabel = "bench-member"

// Base hands over every object of the cluster, what is referred to first.
func (c *Cluster) Base(emit func(any)) {
	emit(&api.Tier{ObjectMeta: named("", api.DefaultTier), Spec: api.TierSpec{Order: ptr(float64(api.DefaultTierOrder))}})
	emit(&api.Tier{ObjectMeta: named("", "security"), Spec: api.TierSpec{Order: ptr(100.0)}})
	for _, f := range c.size.Families.Families() {
		emit(&api.IPPool{ObjectMeta: named("", fmt.Sprintf("pool-v%d", f.Version())), Spec: api.IPPoolSpec{
			CIDR: pool(f).String(), BlockSize: f.Bits() - 6, NATOutgoing: true,
		}})
	}
	for i := range c.size.Namespaces {
		emit(namespace(i))
		emit(&corev1.ServiceAccount{ObjectMeta: named(namespaceName(i), "default")})
	}
	for i := range c.size.Nodes {
		emit(c.node(i))
	}
	for i := range c.blocks {
		c.emitBlock(i, &c.blocks[i], emit)
	}
	used := 0
	for i := range c.size.NetSets {
		emit(c.netSet(i, &used))
	}
	for i := range c.size.Policies {
		emit(c.policy(i))
	}
	emit(ProbePolicy())
	for i := range c.size.Local + c.size.Remote {
		if i == c.size.Local { // one remote pod is a member from the start
			emit(c.RemotePod(0, true))
			continue
		}
		emit(c.pod(i, i, c.homes[i], nil))
	}
}

func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func ptr[T any](v T) *T { return &v }

func namespace(i int) *corev1.Namespace {
	n := &corev1.Namespace{ObjectMeta: named("", namespaceName(i))}
	n.Labels = map[string]string{
		"kubernetes.io/metadata.name": n.Name,
		"env":                         []string{"prod", "stage", "dev"}[i%3],
		"team":                        fmt.Sprintf("team-%d", i%10),
	}
	return n
}

func (c *Cluster) node(i int) *corev1.Node {
	n := &corev1.Node{ObjectMeta: named("", NodeName(i))}
	n.Labels = map[string]string{"kubernetes.io/hostname": n.Name, "topology.kubernetes.io/zone": fmt.Sprintf("zone-%c", 'a'+i%3)}
	n.Annotations = map[string]string{}
	for _, f := range c.size.Families.Families() {
		at := NodeAddress(f, i)
		n.Annotations["projectcalico.org/"+f.String()+"Address"] = at.String()
		n.Annotations["projectcalico.org/"+f.String()+"VXLANTunnelAddr"] = address(f, home{c.byNode[i][0], 0}).String()
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: at.Addr().String()})
	}
	return n
}

// emitBlock hands over block i, in each family.
func (c *Cluster) emitBlock(i int, b *block, emit func(any)) {
	for _, f := range c.size.Families.Families() {
		o := &api.IPAMBlock{Spec: api.IPAMBlockSpec{CIDR: blockCIDR(f, i).String(), Affinity: ptr("host:" + NodeName(b.node))}}
		o.Name = strings.NewReplacer(".", "-", "/", "-", ":", "-").Replace(o.Spec.CIDR)
		for place, pod := range b.pods {
			if pod == free {
				o.Spec.Allocations = append(o.Spec.Allocations, nil)
				o.Spec.Unallocated = append(o.Spec.Unallocated, place)
				continue
			}
			o.Spec.Allocations = append(o.Spec.Allocations, ptr(len(o.Spec.Attributes)))
			owner := map[string]string{"node": NodeName(b.node)}
			if pod == tunnel {
				owner["type"] = "vxlanTunnelAddress"
			} else {
				owner["namespace"], owner["pod"], _ = c.identity(pod)
			}
			o.Spec.Attributes = append(o.Spec.Attributes, api.AllocationAttribute{Secondary: owner})
		}
		emit(o)
	}
}

// identity is a pod's namespace, name and labels. Its application, tier and version are
// drawn from its own stream.
func (c *Cluster) identity(i int) (ns, name string, labels map[string]string) {
	r := c.random("pod", i)
	ns = namespaceName(i % c.size.Namespaces)
	app := applicationName(r.IntN(applications))
	tier, version := "db", "v1"
	switch k := r.IntN(100); {
	case k < 50:
		tier = "frontend"
	case k < 80:
		tier = "backend"
	}
	if r.IntN(100) >= 80 {
		version = "v2"
	}
	template := fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(ns+app+version)))
	return ns, fmt.Sprintf("%s-%s-%05d", app, template, i), map[string]string{"app": app, "tier": tier, "version": version, "pod-template-hash": template}
}

// pod makes pod i, with the labels of more beside its own, at a place of a node.
func (c *Cluster) pod(i, portSeed int, at home, more map[string]string) *corev1.Pod {
	ns, name, labels := c.identity(i)
	for k, v := range more {
		labels[k] = v
	}
	p := &corev1.Pod{ObjectMeta: named(ns, name)}
	p.Labels = labels
	p.Spec = corev1.PodSpec{NodeName: NodeName(c.blocks[at.block].node), ServiceAccountName: "default"}
	main := corev1.Container{Name: "main", Image: "example.invalid/app:1"}
	if c.random("port", portSeed).IntN(100) < 30 {
		main.Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}}
	}
	p.Spec.Containers = []corev1.Container{main}
	var prefixes []string
	for _, f := range c.size.Families.Families() {
		a := address(f, at)
		p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: a.String()})
		prefixes = append(prefixes, family.HostPrefix(a).String())
	}
	p.Status.Phase, p.Status.PodIP = corev1.PodRunning, p.Status.PodIPs[0].IP
	p.Annotations = map[string]string{"cni.projectcalico.org/podIP": prefixes[0], "cni.projectcalico.org/podIPs": strings.Join(prefixes, ",")}
	return p
}

// netSetSizes are the numbers of nets in network sets: most are tiny, some are not.
func netSetSize(i int) int { return []int{1, 1, 1, 1, 2, 3, 4, 5, 100, 1000}[i%10] }

// netSet makes network set i. No two nets overlap; used counts the places given out.
func (c *Cluster) netSet(i int, used *int) *api.GlobalNetworkSet {
	r := c.random("netset", i)
	s := &api.GlobalNetworkSet{ObjectMeta: named("", fmt.Sprintf("netset-%04d", i))}
	s.Labels = map[string]string{"netset": fmt.Sprintf("s-%d", i), "netset-group": fmt.Sprintf("g-%d", i%8)}
	for range netSetSize(i) {
		bits := []int{32, 32, 32, 32, 32, 32, 32, 28, 24, 24}[r.IntN(10)]
		net := netip.PrefixFrom(plus(netip.MustParseAddr("100.64.0.0"), *used*256), bits)
		s.Spec.Nets = append(s.Spec.Nets, net.String())
		if c.size.Families.Has(family.V6) && *used%4 == 0 {
			bits := []int{128, 128, 120, 112}[r.IntN(4)]
			net := netip.PrefixFrom(plus(netip.MustParseAddr("2001:db8::"), *used*65536), bits)
			s.Spec.Nets = append(s.Spec.Nets, net.String())
		}
		*used++
	}
	return s
}
