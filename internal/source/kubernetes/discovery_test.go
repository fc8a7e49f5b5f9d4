package kubernetes

import (
	"net/http"
	"strings"
	"testing"
)

func TestKindsThatAreAbsentAreEmptyUntilTheyCome(t *testing.T) {
	s := newServer(t)
	l := follow(t, s)
	l.want("in sync")
	s.serveCalico()
	s.put(calico("ippools"), `{"metadata": {"name": "v4"}, "spec": {"cidr": "10.0.0.0/16"}}`)
	s.define("ippools")
	l.want("in sync", "IPPool/v4")
}

func TestAKindThatGoesHasNoObjectsAnyMore(t *testing.T) {
	s := newServer(t)
	s.serveCalico()
	s.put(calico("ippools"), `{"metadata": {"name": "v4"}, "spec": {"cidr": "10.0.0.0/16"}}`)
	s.put(calico("networksets"), `{"metadata": {"namespace": "default", "name": "s"}, "spec": {"nets": ["10.1.0.0/16"]}}`)
	s.define("networksets")
	l := follow(t, s)
	l.want("in sync", "NetworkSet/default/s")
	s.withdraw(calico("networksets"))
	s.remove(definitions().path, "networksets.projectcalico.org")
	l.want("in sync", "!NetworkSet/default/s", "IPPool/v4")
}

func TestADiscoveryThatFailsIsNamed(t *testing.T) {
	s := newServer(t)
	s.fail(func(r *http.Request) *fault {
		if r.URL.Path == calicoGroups()[1].path {
			return &fault{code: 503, reason: "ServiceUnavailable"}
		}
		return nil
	})
	l := follow(t, s)
	l.want("not in sync: discovery of /apis/crd.projectcalico.org/v1: ServiceUnavailable")
	s.fail(nil)
	l.want("!not in sync", "in sync")
}

// Calico's own API server keeps in crd.projectcalico.org what it shows in projectcalico.org;
// with definitions of the latter, the former is what is left of an earlier installation.
func TestWhichGroupCounts(t *testing.T) {
	const inCRD = "/apis/crd.projectcalico.org/v1/ippools"
	for _, c := range []struct {
		name    string
		serve   []string
		defined bool
		want    string
	}{
		{"one group", []string{calico("ippools")}, true, "192.0.2.0/24"},
		{"the other group", []string{inCRD}, true, "198.51.100.0/24"},
		{"an API server before it", []string{calico("ippools"), inCRD}, false, "198.51.100.0/24"},
		{"definitions of its own", []string{calico("ippools"), inCRD}, true, "192.0.2.0/24"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.serve(c.serve...)
			for _, path := range c.serve {
				cidr := "192.0.2.0/24"
				if path == inCRD {
					cidr = "198.51.100.0/24"
				}
				s.put(path, `{"metadata": {"name": "p"}, "spec": {"cidr": "`+cidr+`"}}`)
			}
			if c.defined {
				s.define("ippools")
			}
			follow(t, s).want("in sync", "IPPool/p cidr="+c.want)
		})
	}
}

func TestPoliciesOfTheOtherGroupHaveTheirTierInTheName(t *testing.T) {
	const path = "/apis/crd.projectcalico.org/v1/globalnetworkpolicies"
	s := newServer(t)
	s.serve(path)
	s.put(path, `{"metadata": {"name": "security.p"}, "spec": {"tier": "security", "selector": "all()", "types": ["Ingress"]}}`)
	l := follow(t, s)
	l.want("in sync", "GlobalNetworkPolicy/p tier=security")
	s.remove(path, "security.p")
	l.want("!GlobalNetworkPolicy/p")
}

// Where definitions may not be watched, the kinds are found all the same.
func TestDefinitionsThatMayNotBeWatched(t *testing.T) {
	s := newServer(t)
	s.serveCalico()
	s.put(calico("ippools"), `{"metadata": {"name": "v4"}, "spec": {"cidr": "10.0.0.0/16"}}`)
	s.fail(func(r *http.Request) *fault {
		if strings.HasPrefix(r.URL.Path, "/apis/api") {
			return &fault{code: 403, reason: metaForbidden}
		}
		return nil
	})
	follow(t, s).want("in sync", "IPPool/v4")
}
