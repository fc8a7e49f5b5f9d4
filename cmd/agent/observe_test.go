package main

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/engine"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/model"
)

var _ engine.Observer = (*observer)(nil)

func newTestObserver(t *testing.T) *observer {
	s := newStand(t)
	o := &observer{
		board: health.NewBoard(family.Both), metrics: metrics.New(metrics.Options{Host: "n"}),
		configure: func(*config.Resolved) {}, announcer: s.announcer, sizes: newSizes(),
	}
	o.start(newRecord(newListener(), nil), func() calc.Stats { return calc.Stats{Matched: 3, Unmatched: 4, Indexed: 5, Scanned: 6} })
	return o
}

// scraped are the lines of /metrics that have a value, by name.
func scraped(t *testing.T, o *observer) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	o.metrics.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	values := map[string]string{}
	for _, line := range strings.Split(answer.Body.String(), "\n") {
		if name, value, ok := strings.Cut(line, " "); ok && name != "#" {
			values[name] = value
		}
	}
	return values
}

func wantScraped(t *testing.T, o *observer, want map[string]string) {
	t.Helper()
	got := scraped(t, o)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func TestTheSourcesStateShows(t *testing.T) {
	o := newTestObserver(t)
	reasons := func() string { return strings.Join(o.board.Detail(time.Now()).Reasons, "\n") }
	if got := reasons(); got != "source: has not been read yet" {
		t.Errorf("reasons %q", got)
	}
	wantScraped(t, o, map[string]string{"felix_resync_state": "2", "felix_resyncs_started": "1"})
	var many []string
	for n := range 7 {
		many = append(many, fmt.Sprintf("%d.yaml: empty", n))
	}
	o.Synced(false, many)
	if got, want := reasons(), "source: 0.yaml: empty; 1.yaml: empty; 2.yaml: empty; 3.yaml: empty; 4.yaml: empty; and 2 more"; got != want {
		t.Errorf("reasons\n is  %q\nwant %q", got, want)
	}
	o.Synced(true, nil)
	if got := reasons(); got != "" {
		t.Errorf("reasons %q", got)
	}
	wantScraped(t, o, map[string]string{"felix_resync_state": "3"})
	o.Synced(false, []string{"a.yaml: half"})
	wantScraped(t, o, map[string]string{"felix_resync_state": "2", "felix_resyncs_started": "2"})
}

func TestTheEngineIsAliveAsLongAsItTurns(t *testing.T) {
	o := newTestObserver(t)
	o.Synced(true, nil)
	o.Alive()
	now := time.Now()
	if d := o.board.Detail(now); !d.Live || !d.Ready {
		t.Errorf("%+v", d)
	}
	if d := o.board.Detail(now.Add(silence + time.Second)); d.Live {
		t.Error("alive, with nothing heard for longer than was promised")
	}
}

func TestWhatTheGraphDoesIsCounted(t *testing.T) {
	o := newTestObserver(t)
	o.record.Update([]model.Event{space("a"), space("b"), node("node-1")})
	o.Updated(model.KindNamespace, 2, time.Millisecond)
	o.Problems(map[model.Severity]int{model.Failure: 2, model.Note: 1})
	endpoint := model.Key{Kind: model.KindPod, Namespace: "a", Name: "x"}
	o.Flushed(&calc.Batch{
		Endpoints: []*model.LocalEndpoint{{ID: endpoint}},
		Policies:  []*model.ActivePolicy{{ID: model.Key{Name: "p"}}, {ID: model.Key{Name: "q"}}},
		Sets:      []calc.SetUpdate{{Set: model.Set{ID: "s"}, New: true}},
	})
	o.Flushed(&calc.Batch{Endpoints: []*model.LocalEndpoint{{ID: endpoint}}, PoliciesGone: []model.PolicyID{{Name: "q"}}})
	wantScraped(t, o, map[string]string{
		`felix_calc_graph_updates_processed{type="Namespace"}`:      "2",
		"felix_calc_graph_output_events":                            "6",
		"felix_active_local_endpoints":                              "1",
		"felix_active_local_policies":                               "1",
		"felix_active_local_selectors":                              "1",
		`felix_label_index_selector_evals{result="true"}`:           "3",
		`felix_label_index_selector_evals{result="false"}`:          "4",
		`felix_label_index_num_active_selectors{optimized="true"}`:  "5",
		`felix_label_index_num_active_selectors{optimized="false"}`: "6",
		"felix_cluster_num_profiles":                                "2",
		"felix_cluster_num_hosts":                                   "1",
		`margay_input_problems{kind="error"}`:                       "2",
		`margay_input_problems{kind="note"}`:                        "1",
	})
	o.Flushed(&calc.Batch{EndpointsGone: []model.Key{endpoint}, SetsGone: []model.SetID{"s"}})
	wantScraped(t, o, map[string]string{"felix_active_local_endpoints": "0", "felix_active_local_selectors": "0"})
}

func TestHealthShowsInMetrics(t *testing.T) {
	b := health.NewBoard(family.Both)
	now := time.Now()
	b.Ready(now, sourceComponent())
	b.NotReady(now, dataplaneComponent(family.V6), "no")
	b.SetCondition(now, health.Condition{Name: "NodeNotPublished", Status: health.True})
	ready, conditions := statements(b.Detail(now))
	want := "[{dataplane IPv6 false} {source family(0) true}] [{NodeNotPublished family(0) true}]"
	if got := fmt.Sprint(ready, " ", conditions); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
