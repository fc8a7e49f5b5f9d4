package selector

import "testing"

// TestPublishedSelectors are of the kinds that Calico's documentation and users' policies
// hold, on labels as an endpoint has them after inheritance.
func TestPublishedSelectors(t *testing.T) {
	pod := Map{
		"app": "frontend", "tier": "web", "k8s-app": "kube-dns",
		"app.kubernetes.io/name":                          "shop",
		"projectcalico.org/namespace":                     "production",
		"projectcalico.org/orchestrator":                  "k8s",
		"projectcalico.org/serviceaccount":                "shop-sa",
		"pcns.projectcalico.org/name":                     "production",
		"pcns.kubernetes.io/metadata.name":                "production",
		"pcns.environment":                                "prod-eu",
		"pcsa.projectcalico.org/name":                     "shop-sa",
		"pcsa.team":                                       "red",
		"statefulset.kubernetes.io/pod-name":              "shop-0",
		"topology.kubernetes.io/zone_with.all/characters": "A-1",
	}
	hostEndpoint := Map{"host-endpoint": "ingress", "kubernetes-host": "", "app": "frontend"}
	for _, c := range []struct {
		scope         Scope
		text          string
		ofPod, ofHost bool
	}{
		{Endpoints, `app == 'frontend'`, true, true},
		{Endpoints, `app == 'frontend' && has(projectcalico.org/namespace)`, true, false},
		{Endpoints, `!has(projectcalico.org/namespace)`, false, true},
		{Endpoints, `has(host-endpoint)`, false, true},
		{Endpoints, `has(kubernetes-host)`, false, true},
		{Endpoints, `projectcalico.org/orchestrator == 'k8s'`, true, false},
		{Endpoints, `app.kubernetes.io/name in { "shop", "store" }`, true, false},
		{Endpoints, `k8s-app not in {"kube-dns", "coredns"} || all()`, true, true},
		{Endpoints, `k8s-app != "kube-dns"`, false, true},
		{Endpoints, `statefulset.kubernetes.io/pod-name starts with 'shop-' && app contains "front"`, true, false},
		{Endpoints, `topology.kubernetes.io/zone_with.all/characters ends with '-1'`, true, false},
		{Endpoints, `(tier == "web" || tier == "api") && !(app in {"legacy"})`, true, false},
		{Endpoints, `role == 'db' || !has(role) && app == 'frontend'`, true, true},
		{Namespaces, `projectcalico.org/name == "production"`, true, false},
		{Namespaces, `projectcalico.org/name in {"kube-system", "calico-system"}`, false, false},
		{Namespaces, `kubernetes.io/metadata.name not in {"kube-system"}`, true, true},
		{Namespaces, `environment starts with "prod"`, true, false},
		{Namespaces, `all()`, true, false},
		{Namespaces, `global()`, false, true},
		{Namespaces, `has(projectcalico.org/name)`, true, false},
		{ServiceAccounts, `projectcalico.org/name == "shop-sa"`, true, false},
		{ServiceAccounts, `team == 'red'`, true, false},
		{ServiceAccounts, `team == 'blue'`, false, false},
		{ServiceAccounts, `all()`, true, false},
	} {
		s, err := ParseIn(c.scope, c.text)
		if err != nil {
			t.Errorf("%v: %s: %v", c.scope, c.text, err)
			continue
		}
		if got := s.Matches(pod); got != c.ofPod {
			t.Errorf("%v: %s on a pod: %v, want %v", c.scope, c.text, got, c.ofPod)
		}
		if got := s.Matches(hostEndpoint); got != c.ofHost {
			t.Errorf("%v: %s on a host endpoint: %v, want %v", c.scope, c.text, got, c.ofHost)
		}
	}
}
