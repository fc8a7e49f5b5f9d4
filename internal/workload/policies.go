package workload

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/margay-net/margay/api"
)

// policy makes policy i. Of every ten, seven are Kubernetes' own, one is Calico's for a
// namespace, and two are global: one over network sets, one in a tier before the others.
func (c *Cluster) policy(i int) any {
	r := c.random("policy", i)
	app := func() string { return applicationName(r.IntN(applications)) }
	ns := namespaceName(r.IntN(c.size.Namespaces))
	name := fmt.Sprintf("pol-%05d", i)
	switch i % 10 {
	case 5:
		return kubernetes(ns, name, "tier", "backend", networkingv1.NetworkPolicyIngressRule{
			From:  []networkingv1.NetworkPolicyPeer{{NamespaceSelector: label("team", c.team(r.IntN)), PodSelector: label("tier", "frontend")}},
			Ports: []networkingv1.NetworkPolicyPort{{Protocol: ptr(corev1.ProtocolTCP), Port: ptr(intstr.FromString("http"))}},
		})
	case 6:
		return egressOfNamespace(ns, name, environment(r.IntN))
	case 7:
		return c.calicoPolicy(ns, name, i, fmt.Sprintf("app in {'%s', '%s'} && tier != 'db'", app(), app()), c.team(r.IntN))
	case 8:
		return global(name, "default", 800+float64(i), fmt.Sprintf("tier == 'db' && app == '%s'", app()), environment(r.IntN),
			[]api.Rule{
				{Action: api.Deny, Source: api.EntityRule{Selector: fmt.Sprintf("netset-group == 'g-%d'", r.IntN(8))}},
				allowTCP(api.EntityRule{Selector: "tier == 'backend'", NamespaceSelector: "all()"}, "5432"),
			}, nil)
	case 9:
		var nets []string
		for range 4 {
			nets = append(nets, fmt.Sprintf("203.0.%d.0/24", r.IntN(256)))
		}
		return global(name, "security", float64(i), fmt.Sprintf("app == '%s'", app()), "",
			[]api.Rule{{Action: api.Deny, Source: api.EntityRule{Nets: nets}}, {Action: api.Pass}},
			[]api.Rule{{Action: api.Deny, Destination: api.EntityRule{Selector: fmt.Sprintf("netset == 's-%d'", r.IntN(max(1, c.size.NetSets)))}}, {Action: api.Pass}})
	}
	return kubernetes(ns, name, "app", app(), networkingv1.NetworkPolicyIngressRule{
		From:  []networkingv1.NetworkPolicyPeer{{PodSelector: label("app", app())}},
		Ports: []networkingv1.NetworkPolicyPort{{Protocol: ptr(corev1.ProtocolTCP), Port: ptr(intstr.FromInt32(8080))}},
	})
}

func (c *Cluster) team(pick func(int) int) string {
	return fmt.Sprintf("team-%d", pick(min(10, c.size.Namespaces)))
}

func environment(pick func(int) int) string { return []string{"prod", "stage", "dev"}[pick(3)] }

func label(key, value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

func kubernetes(ns, name, key, value string, rule networkingv1.NetworkPolicyIngressRule) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{ObjectMeta: named(ns, name), Spec: networkingv1.NetworkPolicySpec{
		PodSelector: *label(key, value),
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		Ingress:     []networkingv1.NetworkPolicyIngressRule{rule},
	}}
}

func egressOfNamespace(ns, name, env string) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{ObjectMeta: named(ns, name), Spec: networkingv1.NetworkPolicySpec{
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
		Egress: []networkingv1.NetworkPolicyEgressRule{{
			To:    []networkingv1.NetworkPolicyPeer{{NamespaceSelector: label("env", env)}},
			Ports: []networkingv1.NetworkPolicyPort{{Protocol: ptr(corev1.ProtocolTCP), Port: ptr(intstr.FromInt32(5432)), EndPort: ptr(int32(5440))}},
		}, {
			Ports: []networkingv1.NetworkPolicyPort{{Protocol: ptr(corev1.ProtocolUDP), Port: ptr(intstr.FromInt32(53))}},
		}},
	}}
}

func (c *Cluster) calicoPolicy(ns, name string, i int, selector, team string) *api.NetworkPolicy {
	return &api.NetworkPolicy{ObjectMeta: named(ns, name), Spec: api.PolicySpec{
		Order: ptr(500 + float64(i)), Selector: selector,
		Ingress: []api.Rule{
			allowTCP(api.EntityRule{Selector: "version == 'v2'", NamespaceSelector: fmt.Sprintf("team == '%s'", team)}, "80", "443", "8000:8100"),
			{Action: api.Deny, Protocol: ptr(api.Protocol("TCP")), Destination: api.EntityRule{Ports: []api.Port{"22"}}},
		},
		Egress: []api.Rule{{Action: api.Allow}},
	}}
}

func global(name, tier string, order float64, selector, env string, ingress, egress []api.Rule) *api.GlobalNetworkPolicy {
	p := &api.GlobalNetworkPolicy{ObjectMeta: named("", name)}
	p.Spec.PolicySpec = api.PolicySpec{Tier: tier, Order: &order, Selector: selector, Ingress: ingress, Egress: egress}
	if env != "" {
		p.Spec.NamespaceSelector = fmt.Sprintf("env == '%s'", env)
	}
	return p
}

func allowTCP(from api.EntityRule, ports ...api.Port) api.Rule {
	return api.Rule{Action: api.Allow, Protocol: ptr(api.Protocol("TCP")), Source: from, Destination: api.EntityRule{Ports: ports}}
}
