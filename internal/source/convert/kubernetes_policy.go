package convert

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/selector"
)

// kubernetesPolicy converts Kubernetes' own NetworkPolicy: allow rules in the default
// tier, at the order that Calico gives them. Its selectors match pods only, never
// network sets.
func kubernetesPolicy(p *networkingv1.NetworkPolicy, invalid []api.FieldError) Result {
	r := result(model.KindKubernetesPolicy, p.Namespace, p.Name, nil)
	pods, err := podsIn(p.Namespace, &p.Spec.PodSelector)
	if err != nil {
		r.unreadable("spec.podSelector", "", "%v", err)
		return r
	}
	v := &model.Policy{
		Tier:     model.DefaultTier,
		Order:    model.KubernetesPolicyOrder,
		Selector: pods.String(),
		Types:    r.policyTypes(p),
	}
	r.Value = v
	broken, rest := brokenParts(invalid)
	r.invalid(rest)
	if r.Unreadable {
		deny(v)
		return r
	}
	for _, e := range invalid {
		if _, inRule := e.Rule(); inRule {
			r.problem(model.Failure, e.Field, e.Value, "%s; the rule allows nothing", e.Message)
		}
	}
	for i, rule := range p.Spec.Ingress {
		if broken[api.RuleRef{Direction: api.PolicyTypeIngress, Index: i}] != nil {
			continue
		}
		field := fmt.Sprintf("spec.ingress[%d]", i)
		v.Ingress = append(v.Ingress, r.kubernetesRule(p.Namespace, field, ".from", rule.From, rule.Ports, model.Ingress)...)
	}
	for i, rule := range p.Spec.Egress {
		if broken[api.RuleRef{Direction: api.PolicyTypeEgress, Index: i}] != nil {
			continue
		}
		field := fmt.Sprintf("spec.egress[%d]", i)
		v.Egress = append(v.Egress, r.kubernetesRule(p.Namespace, field, ".to", rule.To, rule.Ports, model.Egress)...)
	}
	return r
}

// policyTypes are the directions that the policy governs. Where none is named, it is
// ingress, and egress if there are egress rules. A type that is not known could be
// either, so it is taken for both.
func (r *Result) policyTypes(p *networkingv1.NetworkPolicy) model.Directions {
	var types model.Directions
	for i, t := range p.Spec.PolicyTypes {
		switch t {
		case networkingv1.PolicyTypeIngress:
			types = types.With(model.Ingress)
		case networkingv1.PolicyTypeEgress:
			types = types.With(model.Egress)
		default:
			r.problem(model.Failure, fmt.Sprintf("spec.policyTypes[%d]", i), string(t), "is neither Ingress nor Egress; taken for both")
			types = types.With(model.Ingress).With(model.Egress)
		}
	}
	if types == 0 {
		types = types.With(model.Ingress)
		if len(p.Spec.Egress) > 0 {
			types = types.With(model.Egress)
		}
	}
	return types
}

// podsIn selects the pods of one namespace that the label selector matches.
func podsIn(namespace string, s *metav1.LabelSelector) (*selector.Selector, error) {
	own, err := labelSelector(selector.Endpoints, s)
	if err != nil {
		return nil, err
	}
	return allOf(isPod(), inNamespace(namespace), has(own, nil))
}

// labelSelector translates Kubernetes' form of a selector.
func labelSelector(scope selector.Scope, s *metav1.LabelSelector) (*selector.Selector, error) {
	expressions := make([]selector.Requirement, 0, len(s.MatchExpressions))
	for _, e := range s.MatchExpressions {
		expressions = append(expressions, selector.Requirement{Key: e.Key, Operator: selector.Operator(e.Operator), Values: e.Values})
	}
	return selector.FromLabelSelector(scope, s.MatchLabels, expressions)
}

// kubernetesRule expands a rule of a NetworkPolicy: one rule for each protocol and peer.
// Whatever of it cannot be understood allows nothing.
func (r *Result) kubernetesRule(namespace, field, peersField string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, d model.Direction) []model.Rule {
	ends := []model.Peer{{}}
	if len(peers) > 0 {
		ends = ends[:0]
		for i := range peers {
			if peer, ok := r.kubernetesPeer(namespace, fmt.Sprintf("%s%s[%d]", field, peersField, i), &peers[i]); ok {
				ends = append(ends, peer)
			}
		}
	}
	var rules []model.Rule
	for _, base := range r.kubernetesPorts(field, ports) {
		for _, end := range ends {
			rule := base
			if d == model.Ingress {
				rule.Source = end
			} else {
				end.Ports, end.NamedPorts = rule.Destination.Ports, rule.Destination.NamedPorts
				rule.Destination = end
			}
			rules = append(rules, rule)
		}
	}
	return rules
}

// kubernetesPeer converts one peer; ok is false if it cannot be understood.
func (r *Result) kubernetesPeer(namespace, field string, p *networkingv1.NetworkPolicyPeer) (peer model.Peer, ok bool) {
	if p.IPBlock != nil {
		if p.PodSelector != nil || p.NamespaceSelector != nil {
			r.problem(model.Failure, field+".ipBlock", p.IPBlock.CIDR, "cannot stand beside a selector; the peer allows nothing")
			return peer, false
		}
		return r.ipBlock(field+".ipBlock", p.IPBlock)
	}
	if p.PodSelector == nil && p.NamespaceSelector == nil {
		r.problem(model.Failure, field, "", "names no peer; it allows nothing")
		return peer, false
	}
	parts := []part{isPod()}
	if p.NamespaceSelector == nil {
		parts = append(parts, inNamespace(namespace))
	} else {
		parts = append(parts, has(labelSelector(selector.Namespaces, p.NamespaceSelector)))
	}
	if p.PodSelector != nil {
		parts = append(parts, has(labelSelector(selector.Endpoints, p.PodSelector)))
	}
	all, err := allOf(parts...)
	if err != nil {
		r.problem(model.Failure, field, "", "%v; the peer allows nothing", err)
		return peer, false
	}
	peer.Selector = all.String()
	return peer, true
}

// ipBlock converts a net and its exceptions.
func (r *Result) ipBlock(field string, b *networkingv1.IPBlock) (peer model.Peer, ok bool) {
	net, ok := r.blockNet(field+".cidr", b.CIDR)
	if !ok {
		return peer, false
	}
	peer.Nets = []netip.Prefix{net}
	for i, text := range b.Except {
		except, ok := r.blockNet(fmt.Sprintf("%s.except[%d]", field, i), text)
		if !ok {
			return peer, false
		}
		peer.NotNets = append(peer.NotNets, except)
	}
	return peer, true
}

// blockNet reads a net of an ipBlock. Kubernetes takes one with host bits for the net that
// the address lies in, and so do we, but it is said.
func (r *Result) blockNet(field, text string) (netip.Prefix, bool) {
	net, err := netip.ParsePrefix(text)
	if err != nil {
		r.problem(model.Failure, field, text, "is not a net; the peer allows nothing")
		return netip.Prefix{}, false
	}
	if net != net.Masked() {
		r.problem(model.Warning, field, text, "host bits set; read as %v", net.Masked())
	}
	return net.Masked(), true
}

// kubernetesPorts groups the ports of a rule by protocol: one rule for each, with the
// ports on its destination. A protocol of which any port at all will do keeps no list.
func (r *Result) kubernetesPorts(field string, ports []networkingv1.NetworkPolicyPort) []model.Rule {
	if len(ports) == 0 {
		return []model.Rule{{Action: model.Allow}}
	}
	var rules []model.Rule
	for _, proto := range []model.Protocol{model.TCP, model.UDP, model.SCTP} {
		rule, used, all := model.Rule{Action: model.Allow, Protocol: proto}, false, false
		for i := range ports {
			p := &ports[i]
			if got, ok := kubernetesProtocol(protocolOf(p)); !ok || got != proto {
				if !ok && proto == model.TCP {
					r.problem(model.Failure, fmt.Sprintf("%s.ports[%d].protocol", field, i), string(*p.Protocol), "is not TCP, UDP or SCTP; the port allows nothing")
				}
				continue
			}
			if p.Port == nil {
				used, all = true, true
				continue
			}
			used = r.addPort(&rule.Destination, fmt.Sprintf("%s.ports[%d]", field, i), p) || used
		}
		if all {
			rule.Destination = model.Peer{}
		}
		if used {
			rules = append(rules, rule)
		}
	}
	return rules
}

func protocolOf(p *networkingv1.NetworkPolicyPort) corev1.Protocol {
	if p.Protocol == nil {
		return ""
	}
	return *p.Protocol
}

// addPort adds a port, a range or a named port; false if it cannot be understood.
func (r *Result) addPort(to *model.Peer, field string, p *networkingv1.NetworkPolicyPort) bool {
	if p.Port.Type == intstr.String {
		if p.Port.StrVal == "" || p.EndPort != nil {
			r.problem(model.Failure, field, p.Port.StrVal, "a named port needs a name and takes no endPort; it allows nothing")
			return false
		}
		to.NamedPorts = append(to.NamedPorts, p.Port.StrVal)
		return true
	}
	first, last := p.Port.IntVal, p.Port.IntVal
	if p.EndPort != nil {
		last = *p.EndPort
	}
	if first < 1 || last > 65535 || last < first {
		r.problem(model.Failure, field, fmt.Sprintf("%d-%d", first, last), "is not a range of ports; it allows nothing")
		return false
	}
	to.Ports = append(to.Ports, model.PortRange{First: uint16(first), Last: uint16(last)})
	return true
}
