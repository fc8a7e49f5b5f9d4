package kubernetes

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// An object that was stored before its definition got strict, or that a newer version has
// written, is in error by itself: the others of its kind come and change as ever.
func TestOneBadObjectDoesNotStopItsKind(t *testing.T) {
	s := newServer(t)
	s.serveCalico()
	path := calico("globalnetworkpolicies")
	s.put(path, `{"metadata": {"name": "good"}, "spec": {"selector": "all()", "types": ["Ingress"], "order": 5}}`)
	s.put(path, `{"metadata": {"name": "bad"}, "spec": {"selector": "all()", "types": ["Ingress"], "order": "many"}}`)
	s.put(path, `{"metadata": {"name": "worse"}, "spec": "all()"}`)
	s.put(calico("ippools"), `{"metadata": {"name": "none"}, "spec": {"cidr": "10.0.0.0/99"}}`)
	l := follow(t, s)
	l.want("in sync", "GlobalNetworkPolicy/good",
		`error at globalnetworkpolicies.projectcalico.org bad: GlobalNetworkPolicy bad: spec.order "many"`,
		"error at globalnetworkpolicies.projectcalico.org worse: GlobalNetworkPolicy worse: spec",
		`error at ippools.projectcalico.org none: IPPool none: spec.cidr "10.0.0.0/99"`)
	s.put(path, `{"metadata": {"name": "good"}, "spec": {"selector": "all()", "types": ["Egress"], "order": 5}}`)
	s.put(path, `{"metadata": {"name": "bad"}, "spec": {"selector": "all()", "types": ["Egress"], "order": 7}}`)
	l.want("GlobalNetworkPolicy/good tier=default order=5 selector=all() types=egress", "GlobalNetworkPolicy/bad tier=default order=7", "!many")
}

// A policy that cannot be read keeps its last good version, and with none denies what it selects.
func TestTheLastGoodVersionStays(t *testing.T) {
	s := newServer(t)
	s.serveCalico()
	path := calico("globalnetworkpolicies")
	s.put(path, `{"metadata": {"name": "p"}, "spec": {"selector": "all()", "types": ["Ingress"], "order": 5, "ingress": [{"action": "Allow"}]}}`)
	l := follow(t, s)
	l.want("in sync", "order=5", "ingress allow")
	s.put(path, `{"metadata": {"name": "p"}, "spec": {"selector": "all()", "types": 1, "order": 6}}`)
	l.want("error at globalnetworkpolicies.projectcalico.org p", "order=5", "ingress allow")
	s.put(path, `{"metadata": {"name": "q"}, "spec": {"selector": "has(x)", "types": 1}}`)
	l.want("GlobalNetworkPolicy/q", "ingress deny")
	s.remove(path, "p")
	l.want("!GlobalNetworkPolicy/p", "!policies.projectcalico.org p")
}

// A field of a rule that is newer than this agent is not passed over, as protobuf would.
func TestAFieldThatIsNotKnownClosesTheRule(t *testing.T) {
	s := newServer(t)
	s.put(networkPolicies, policy("p", `{"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}, "onlyOnSundays": true}]}]}`))
	l := follow(t, s)
	l.want("in sync", "KubernetesNetworkPolicy/default/p", "onlyOnSundays", "the rule allows nothing", "!ingress allow")
}

func TestTheServerIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	var first, second time.Time
	s.fail(func(r *http.Request) *fault {
		if r.URL.Path != "/api/v1/pods" {
			return nil
		}
		if first.IsZero() {
			first = time.Now()
			return &fault{code: 429, reason: "TooManyRequests", after: 2}
		}
		if second.IsZero() {
			second = time.Now()
		}
		return nil
	})
	l := follow(t, s)
	l.want("in sync", "Pod/default/p1")
	if waited := second.Sub(first); waited < 2*time.Second {
		t.Errorf("asked again after %v", waited)
	}
}

func TestWhatFailsForAMomentIsNotNamed(t *testing.T) {
	for _, code := range []int{429, 500, 503, 504} {
		s := newServer(t)
		s.put("/api/v1/pods", pod("p1", 1))
		l := follow(t, s)
		l.want("in sync")
		s.fail(func(r *http.Request) *fault {
			if r.URL.Path == "/api/v1/pods" {
				return &fault{code: code, reason: "Trouble"}
			}
			return nil
		})
		asked := countOf(l.seen(), "/api/v1/pods")
		s.breakStreams()
		s.await(func() bool { return countOf(s.requests, "/api/v1/pods") > asked+1 })
		if missing := l.missing([]string{"in sync", "!not in sync", "!server lost", "Pod/default/p1"}); missing != "" {
			t.Errorf("%d: missing %s in\n%s", code, missing, l.sink.state())
		}
		s.fail(nil)
		s.put("/api/v1/pods", pod("p2", 2))
		l.want("in sync", "Pod/default/p2")
	}
}

// At the beginning it is: nothing is known of the kind.
func TestWhatFailsAtTheBeginningIsNamed(t *testing.T) {
	s := newServer(t)
	s.fail(func(r *http.Request) *fault {
		switch r.URL.Path {
		case "/api/v1/pods":
			return &fault{code: 500, reason: "Trouble"}
		case "/api/v1/nodes":
			return &fault{cut: true}
		}
		return nil
	})
	follow(t, s).want("not in sync: nodes: the stream ended at once; pods: Trouble")
}

func TestAKindThatMayNotBeReadAnyMoreStays(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	l := follow(t, s)
	l.want("in sync", "Pod/default/p1")
	s.fail(func(r *http.Request) *fault {
		if r.URL.Path == "/api/v1/pods" {
			return &fault{code: 403, reason: metaForbidden}
		}
		return nil
	})
	s.breakStreams()
	l.want("not in sync: pods: Forbidden", "Pod/default/p1")
	s.fail(nil)
	l.want("!not in sync", "Pod/default/p1")
	if gone := l.sink.gone(); len(gone) > 0 {
		t.Errorf("gone: %v", gone)
	}
}

// A server that does not know a field to select by has its pods read without.
func TestAnOldServerIsAskedForAllPods(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	s.put("/api/v1/pods", `{"metadata": {"namespace": "default", "name": "host"}, "spec": {"nodeName": "n1", "hostNetwork": true}}`)
	s.fail(func(r *http.Request) *fault {
		if strings.Contains(r.URL.RawQuery, "hostNetwork") {
			return &fault{code: 400, reason: "BadRequest"}
		}
		return nil
	})
	l := follow(t, s)
	l.want("in sync", "Pod/default/p1", "!Pod/default/host")
}

func TestPagesOfAList(t *testing.T) {
	s := newServer(t)
	s.old = true
	for i := range 2*pageSize + 1 {
		s.put("/api/v1/pods", pod(fmt.Sprintf("p%d", i), i%250+1))
	}
	l := follow(t, s)
	l.want("in sync", fmt.Sprintf("Pod/default/p%d ", 2*pageSize), "Pod/default/p0 ")
	if n := countOf(l.seen(), "continue="); n != 2 {
		t.Errorf("%d further pages, want 2", n)
	}
}

// A line that is no event costs the stream, and nothing else.
func TestAStreamWithALineThatIsNoEvent(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	l := follow(t, s)
	l.want("in sync", "Pod/default/p1")
	s.tear("/api/v1/pods")
	s.put("/api/v1/pods", pod("p2", 2))
	l.want("in sync", "Pod/default/p2")
	if gone := l.sink.gone(); len(gone) > 0 {
		t.Errorf("gone: %v", gone)
	}
}

// What a change leaves as it was in the model is no event: a kubelet reports often.
func TestWhatDoesNotMatterIsNotTold(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	l := follow(t, s)
	l.want("in sync", "Pod/default/p1")
	before := l.sink.count()
	for range 5 {
		s.put("/api/v1/pods", strings.Replace(pod("p1", 1), `"phase"`, `"message": "still well", "phase"`, 1))
	}
	s.put("/api/v1/pods", pod("p2", 2))
	l.want("Pod/default/p2")
	if told := l.sink.count() - before; told != 1 {
		t.Errorf("%d events, want 1", told)
	}
}

// The steady state is streams, and no other request.
func TestNothingIsAskedWhileNothingIsWrong(t *testing.T) {
	s := newServer(t)
	s.serveCalico()
	l := follow(t, s)
	l.want("in sync")
	s.awaitStreams(len(kinds()) + 2)
	before := len(l.seen())
	for i := range 50 {
		s.put("/api/v1/pods", pod(fmt.Sprintf("p%d", i), i+1))
	}
	l.want("Pod/default/p49")
	if now := l.seen(); len(now) != before {
		t.Errorf("requests: %v", now[before:])
	}
}
