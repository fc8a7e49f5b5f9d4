package kubernetes

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// away starts a source on a server with ten policies, ten pods and a block, loses what f
// says while the server is away, and brings it back.
func away(t *testing.T, f func(*server)) *lab {
	t.Helper()
	s := newServer(t)
	s.serveCalico()
	for i := range 10 {
		s.put(networkPolicies, policy(fmt.Sprintf("k%d", i), ""))
		s.put("/api/v1/pods", pod(fmt.Sprintf("p%d", i), i+1))
	}
	s.put(calico("ipamblocks"), `{"metadata": {"name": "b"}, "spec": {"cidr": "10.0.0.0/30", "affinity": "host:n1",
		"allocations": [null, 0, null, null], "unallocated": [], "attributes": [{"secondary": {"namespace": "default", "pod": "p0", "node": "n1"}}]}}`)
	l := follow(t, s)
	l.want("in sync", "KubernetesNetworkPolicy/default/k9", "Pod/default/p9", "IPAMBlock/b")
	s.fail(func(*http.Request) *fault { return &fault{cut: true} })
	s.breakStreams()
	l.want("server lost")
	f(s)
	s.forget()
	s.fail(nil)
	l.want("!server lost")
	return l
}

const networkPolicies = "/apis/networking.k8s.io/v1/networkpolicies"

func TestAListThatHasLostLittleIsBelieved(t *testing.T) {
	start := time.Now()
	l := away(t, func(s *server) { s.lose(networkPolicies, "default/k1", "default/k2", "default/k3") })
	l.want("!k1", "!k2", "!k3", "KubernetesNetworkPolicy/default/k4")
	if took := time.Since(start); took > confirmAfter/2 {
		t.Errorf("that took %v", took)
	}
}

func TestAListThatHasLostMuchIsReadTwice(t *testing.T) {
	gone := make([]string, 0, 4)
	for i := range 4 {
		gone = append(gone, fmt.Sprintf("default/k%d", i))
	}
	l := away(t, func(s *server) {
		s.lose(networkPolicies, gone...)
		s.lose("/api/v1/pods", "default/p1", "default/p2", "default/p3", "default/p4", "default/p5")
	})
	l.want("!Pod/default/p1", "Pod/default/p6") // pods never wait
	if l.missing([]string{"KubernetesNetworkPolicy/default/k0", "KubernetesNetworkPolicy/default/k3"}) != "" {
		t.Error("policies are gone at once")
	}
	l.want("in sync", "!default/k0", "!default/k3", "KubernetesNetworkPolicy/default/k4")
}

func TestASecondListThatHasThemKeepsThem(t *testing.T) {
	var kept string
	l := away(t, func(s *server) {
		for i := range 5 {
			s.lose(networkPolicies, fmt.Sprintf("default/k%d", i))
		}
	})
	for i := range 5 {
		l.put(networkPolicies, policy(fmt.Sprintf("k%d", i), ""))
	}
	lists := countOf(l.seen(), networkPolicies+"?")
	for limit := time.Now().Add(2 * confirmAfter); countOf(l.seen(), networkPolicies+"?") == lists && time.Now().Before(limit); {
		l.put("/api/v1/namespaces", `{"metadata": {"name": "tick"}}`)
		l.want("in sync")
	}
	for _, key := range l.sink.gone() {
		if strings.Contains(key, "NetworkPolicy") {
			kept += key
		}
	}
	if kept != "" {
		t.Errorf("gone: %s", kept)
	}
}

func TestABlockThatStandsAgainstAPodGoesAtOnce(t *testing.T) {
	start := time.Now()
	l := away(t, func(s *server) { s.lose(calico("ipamblocks"), "b") })
	l.put("/api/v1/pods", strings.ReplaceAll(pod("other", 1), "n1", "n2")) // p0's address
	l.want("!IPAMBlock/b", "Pod/default/other")
	if took := time.Since(start); took > confirmAfter/2 {
		t.Errorf("that took %v", took)
	}
}

func TestWhatAWatchSaysIsGoneIsGone(t *testing.T) {
	s := newServer(t)
	s.put(networkPolicies, policy("only", ""))
	l := follow(t, s)
	l.want("in sync", "default/only")
	start := time.Now()
	s.remove(networkPolicies, "default/only")
	l.want("!default/only")
	if took := time.Since(start); took > confirmAfter/2 {
		t.Errorf("that took %v", took)
	}
}

// A server that was restored from a backup has versions that it has had before.
func TestAServerThatHasGoneBackInTime(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	l := follow(t, s)
	l.want("in sync", "Pod/default/p1")
	s.breakStreamsAnd(func() {
		s.lose("/api/v1/pods", "default/p1")
		s.rewind(50)
		s.put("/api/v1/pods", pod("p0", 9))
	})
	l.want("Pod/default/p0", "!Pod/default/p1", "in sync")
}
