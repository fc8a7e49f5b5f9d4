package health

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/family"
)

// exampleBoard has a ready family, a broken one, and a condition.
func exampleBoard() *Board {
	b := NewBoard(family.Both)
	b.Add(at(0), Component{Name: "calculation"}, Promise{Every: 30 * time.Second})
	b.Add(at(0), Component{"routes", family.V4}, Promise{Readiness: true})
	b.Add(at(0), Component{"routes", family.V6}, Promise{Readiness: true})
	b.Ready(at(1), Component{"routes", family.V4})
	b.NotReady(at(2), Component{"routes", family.V6}, "no default route")
	b.SetCondition(at(3), Condition{Name: "RouteSourceAddressMissing", Family: family.V6, Status: True, Message: "fd00::9 is on no interface"})
	return b
}

func TestJSON(t *testing.T) {
	response := get(exampleBoard(), "GET", "/readiness", "", at(10))
	const want = `{
  "live": true,
  "ready": false,
  "reasons": [
    "routes IPv6: no default route"
  ],
  "families": [
    {
      "family": "IPv4",
      "state": "ready"
    },
    {
      "family": "IPv6",
      "state": "not ready",
      "reasons": [
        "routes: no default route"
      ]
    }
  ],
  "components": [
    {
      "name": "calculation",
      "ready": true,
      "live": true,
      "since": "2026-11-20T12:00:00Z"
    },
    {
      "name": "routes",
      "family": "IPv4",
      "ready": true,
      "live": true,
      "since": "2026-11-20T12:00:01Z",
      "lastReport": "2026-11-20T12:00:01Z"
    },
    {
      "name": "routes",
      "family": "IPv6",
      "ready": false,
      "live": true,
      "reason": "no default route",
      "since": "2026-11-20T12:00:00Z",
      "lastReport": "2026-11-20T12:00:02Z"
    }
  ],
  "conditions": [
    {
      "name": "RouteSourceAddressMissing",
      "family": "IPv6",
      "status": "True",
      "message": "fd00::9 is on no interface",
      "since": "2026-11-20T12:00:03Z"
    }
  ]
}`
	if diff := cmp.Diff(want, response.Body.String()); diff != "" {
		t.Error(diff)
	}
	if response.Code != 503 || response.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v", response.Code, response.Header())
	}
	var d Detail
	if err := json.Unmarshal(response.Body.Bytes(), &d); err != nil || verdict(d) != verdict(exampleBoard().Detail(at(10))) {
		t.Errorf("read back: %v %+v", err, d)
	}
}

func TestText(t *testing.T) {
	response := get(exampleBoard(), "GET", "/readiness?format=text", "", at(60))
	const want = `not ready, not alive
  calculation: no report for 1m0s, expected at least every 30s
  routes IPv6: no default route
IPv4: ready
IPv6: not ready

COMPONENT    FAMILY  READY  ALIVE  SINCE     REPORTED  REASON
calculation  -       no     no     1m0s ago  never     no report for 1m0s, expected at least every 30s
routes       IPv4    yes    yes    59s ago   59s ago   -
routes       IPv6    no     yes    1m0s ago  58s ago   no default route

CONDITION                  FAMILY  STATUS  SINCE    MESSAGE
RouteSourceAddressMissing  IPv6    True    57s ago  fd00::9 is on no interface
`
	if diff := cmp.Diff(want, response.Body.String()); diff != "" {
		t.Error(diff)
	}
}

func TestEndpoints(t *testing.T) {
	good := NewBoard(family.Both)
	good.Ready(at(0), Component{Name: "calculation"})
	dead := NewBoard(family.Both)
	dead.Add(at(0), Component{Name: "calculation"}, Promise{Every: time.Second})
	for _, c := range []struct {
		board          *Board
		method, target string
		accept         string
		status         int
		contentType    string
	}{
		{good, "GET", "/liveness", "*/*", 200, "application/json"},
		{good, "GET", "/readiness", "*/*", 200, "application/json"},
		{good, "HEAD", "/liveness", "", 200, "application/json"},
		{good, "HEAD", "/readiness", "", 200, "application/json"},
		{exampleBoard(), "GET", "/liveness", "", 200, "application/json"},
		{exampleBoard(), "GET", "/readiness", "", 503, "application/json"},
		{exampleBoard(), "HEAD", "/readiness", "", 503, "application/json"},
		{dead, "GET", "/liveness", "", 503, "application/json"},
		{dead, "GET", "/readiness", "", 503, "application/json"},
		{good, "GET", "/liveness", "text/plain", 200, "text/plain; charset=utf-8"},
		{good, "GET", "/liveness", "text/plain, application/json", 200, "application/json"},
		{good, "GET", "/liveness?format=json", "text/plain", 200, "application/json"},
		{good, "POST", "/liveness", "", 405, "text/plain; charset=utf-8"},
		{good, "GET", "/metrics", "", 404, "text/plain; charset=utf-8"},
	} {
		response := get(c.board, c.method, c.target, c.accept, at(10))
		if response.Code != c.status || response.Header().Get("Content-Type") != c.contentType {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.target, response.Code, response.Header().Get("Content-Type"), c.status, c.contentType)
		}
	}
}

func get(b *Board, method, target, accept string, now time.Time) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(""))
	request.Header.Set("Accept", accept)
	response := httptest.NewRecorder()
	Handler(b, func() time.Time { return now }).ServeHTTP(response, request)
	return response
}

// TestConcurrentUse is for the race detector: reports, settings and probes at once.
func TestConcurrentUse(t *testing.T) {
	b := exampleBoard()
	var wait sync.WaitGroup
	for _, f := range family.All() {
		wait.Go(func() {
			for i := range 100 {
				b.Ready(at(i), Component{"routes", f})
				b.NotReady(at(i), Component{"routes", f}, "again")
				b.Beat(at(i), Component{Name: "calculation"})
				b.SetCondition(at(i), Condition{Name: "C", Family: f, Status: True})
			}
		})
	}
	wait.Go(func() {
		for i := range 100 {
			b.SetFamilies(family.Set(i % 4))
			b.SetTimeouts(map[string]time.Duration{"routes": time.Duration(i)})
			if code := get(b, http.MethodGet, "/liveness", "", at(i)).Code; code != 200 && code != 503 {
				t.Errorf("status %d", code)
			}
		}
	})
	wait.Wait()
}
