package convert

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// node converts a Node. This is the one place where a node's address of each family is
// decided: the annotation, then the first InternalIP, then the first ExternalIP, each
// family for itself.
func node(n *corev1.Node) Result {
	r := result(model.KindNode, "", n.Name, nil)
	v := &model.Node{Labels: n.Labels}
	for _, f := range family.All() {
		*v.Addresses.At(f) = r.nodeAddress(n, f)
	}
	cidrs := n.Spec.PodCIDRs
	if len(cidrs) == 0 && n.Spec.PodCIDR != "" {
		cidrs = []string{n.Spec.PodCIDR}
	}
	for _, text := range cidrs {
		net, err := netip.ParsePrefix(text)
		if err != nil || net.Masked() != net {
			r.problem(model.Failure, "spec.podCIDRs", text, "is not a net")
			continue
		}
		if own := v.Addresses.Get(family.OfPrefix(net)); net.Contains(own.Addr()) {
			r.problem(model.Failure, "spec.podCIDRs", text, "holds the node's own address %v, and so no pods: it is left out", own.Addr())
			continue
		}
		if net.Bits() == 0 {
			r.problem(model.Failure, "spec.podCIDRs", text, "is every address there is: it is left out")
			continue
		}
		v.PodCIDRs = append(v.PodCIDRs, net)
	}
	r.tunnels(n, v)
	r.Value = v
	return r
}

// nodeAddress is the node's address of family f; an invalid prefix for none.
func (r *Result) nodeAddress(n *corev1.Node, f family.Family) netip.Prefix {
	annotation := model.AddressAnnotation(f)
	if text := n.Annotations[annotation]; text != "" {
		if p := parseNodeAddress(text); p.IsValid() && family.OfPrefix(p) == f {
			return p
		}
		r.problem(model.Failure, model.AnnotationField(annotation), text, "is not an %v address with the length of its subnet", f)
	}
	for _, kind := range []corev1.NodeAddressType{corev1.NodeInternalIP, corev1.NodeExternalIP} {
		for _, a := range n.Status.Addresses {
			if p := parseNodeAddress(a.Address); a.Type == kind && p.IsValid() && family.OfPrefix(p) == f {
				return p
			}
		}
	}
	return netip.Prefix{}
}

// parseNodeAddress reads an address, with or without the length of its subnet.
func parseNodeAddress(text string) netip.Prefix {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}
		}
		p = family.HostPrefix(a)
	}
	if a := p.Addr(); !a.IsGlobalUnicast() || a.Zone() != "" {
		return netip.Prefix{}
	}
	return p
}

// service converts a Service to the addresses that no pod can have.
func service(s *corev1.Service) Result {
	r := result(model.KindService, s.Namespace, s.Name, nil)
	var v model.Service
	texts := append([]string{s.Spec.ClusterIP, s.Spec.LoadBalancerIP}, s.Spec.ClusterIPs...)
	texts = append(texts, s.Spec.ExternalIPs...)
	for _, ingress := range s.Status.LoadBalancer.Ingress {
		texts = append(texts, ingress.IP)
	}
	seen := map[netip.Addr]bool{}
	for _, text := range texts {
		if text == "" || text == corev1.ClusterIPNone {
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil {
			r.problem(model.Warning, "spec.clusterIPs", text, "is not an address")
			continue
		}
		if a = a.Unmap(); !seen[a] {
			seen[a] = true
			v.Addresses = append(v.Addresses, a)
		}
	}
	r.Value = &v
	return r
}
