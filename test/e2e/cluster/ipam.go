package cluster

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/family"
)

// blockBits is the length of a block: of 64 addresses, Calico's default.
var blockBits = family.PairOf(26, 122)

// What calico/node calls a node's own address on the VXLAN network: in a block, and as annotation.
var (
	tunnelType       = family.PairOf("vxlanTunnelAddress", "vxlanV6TunnelAddress")
	tunnelAnnotation = family.PairOf("projectcalico.org/IPv4VXLANTunnelAddr", "projectcalico.org/IPv6VXLANTunnelAddr")
)

// tunnelNumber is the number of that address in the block; pods begin after it.
const tunnelNumber = 1

// UseIPAM does from now on what Calico's IPAM does: each node has a block of each of its podCIDRs,
// of which it gives pods their addresses and itself one on the VXLAN network. The definitions must
// be there; pods that are too are entered.
func (c *Cluster) UseIPAM() {
	c.t.Helper()
	c.ipam = true
	for _, n := range c.nodes {
		annotations := map[string]string{}
		for _, net := range n.PodNets {
			n.assign(nth(net, tunnelNumber), map[string]string{"node": n.Name(), "type": tunnelType.Get(family.OfPrefix(net))})
			annotations[tunnelAnnotation.Get(family.OfPrefix(net))] = nth(net, tunnelNumber).String()
		}
		n.annotate(annotations)
		n.writeBlocks()
	}
}

// annotate writes annotations of the node's object, as calico/node does.
func (n *Node) annotate(annotations map[string]string) {
	n.c.t.Helper()
	ctx, cancel := n.c.Context()
	defer cancel()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	n.c.must(err)
	_, err = n.c.Admin.CoreV1().Nodes().Patch(ctx, n.Name(), types.MergePatchType, patch, meta.PatchOptions{})
	n.c.must(err)
}

// assign notes whom an address of the node's was given to; nil: nobody any more.
func (n *Node) assign(a netip.Addr, to map[string]string) {
	if n.assigned == nil {
		n.assigned = map[netip.Addr]map[string]string{}
	}
	n.assigned[a] = to
	if to == nil {
		delete(n.assigned, a)
	}
}

// assign enters the pod's addresses in the blocks that they are of. A pod on another node than its
// block's has borrowed its address.
func (p *Pod) assign() {
	p.c.t.Helper()
	namespace, name := split(p.Spec.Name)
	p.enter(map[string]string{"namespace": namespace, "pod": name, "node": p.Spec.Node})
}

// release takes them out again.
func (p *Pod) release() {
	p.c.t.Helper()
	p.enter(nil)
}

func (p *Pod) enter(owner map[string]string) {
	p.c.t.Helper()
	for _, n := range p.c.nodes {
		theirs := slices.DeleteFunc(slices.Clone(p.Spec.Addresses), func(a netip.Addr) bool { return !n.owns(a) })
		for _, a := range theirs {
			n.assign(a, owner)
		}
		if len(theirs) > 0 {
			n.writeBlocks()
		}
	}
}

// owns says whether an address is in the node's podCIDRs.
func (n *Node) owns(a netip.Addr) bool {
	return slices.ContainsFunc(n.PodNets, func(net netip.Prefix) bool { return net.Contains(a) })
}

// writeBlocks writes the node's blocks to the API, if there is IPAM.
func (n *Node) writeBlocks() {
	n.c.t.Helper()
	if !n.c.ipam {
		return
	}
	ctx, cancel := n.c.Context()
	defer cancel()
	blocks := n.c.Dynamic.Resource(schema.GroupVersionResource{Group: "projectcalico.org", Version: "v3", Resource: "ipamblocks"})
	for _, net := range n.PodNets {
		block := n.block(netip.PrefixFrom(net.Addr(), blockBits.Get(family.OfPrefix(net))))
		text, err := json.Marshal(block)
		n.c.must(err)
		object := &unstructured.Unstructured{}
		n.c.must(json.Unmarshal(text, &object.Object))
		_, err = blocks.Apply(ctx, block.Name, object, meta.ApplyOptions{FieldManager: "ipam", Force: true})
		n.c.must(err)
	}
}

// block is the object of a block with what of it is assigned.
func (n *Node) block(net netip.Prefix) *api.IPAMBlock {
	affinity := "host:" + n.Name()
	b := &api.IPAMBlock{
		TypeMeta:   meta.TypeMeta{APIVersion: api.APIVersion, Kind: "IPAMBlock"},
		ObjectMeta: meta.ObjectMeta{Name: strings.NewReplacer(".", "-", ":", "-", "/", "-").Replace(net.String())},
		Spec:       api.IPAMBlockSpec{CIDR: net.String(), Affinity: &affinity, Attributes: []api.AllocationAttribute{}, Unallocated: []int{}},
	}
	for i := range 1 << (net.Addr().BitLen() - net.Bits()) {
		to, assigned := n.assigned[nth(net, i)]
		if !assigned {
			b.Spec.Allocations = append(b.Spec.Allocations, nil)
			b.Spec.Unallocated = append(b.Spec.Unallocated, i)
			continue
		}
		handle, place := fmt.Sprintf("e2e.%s.%d", n.Name(), i), len(b.Spec.Attributes)
		b.Spec.Attributes = append(b.Spec.Attributes, api.AllocationAttribute{HandleID: &handle, Secondary: maps.Clone(to)})
		b.Spec.Allocations = append(b.Spec.Allocations, &place)
	}
	return b
}
