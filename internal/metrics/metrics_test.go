package metrics

import (
	"errors"
	"io"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/family"
)

func start() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

// newMetrics makes metrics whose clock stands a minute after start.
func newMetrics() *Metrics {
	return New(Options{Host: "node1", Version: "v1", Now: func() time.Time { return start().Add(time.Minute) }})
}

// scrape is what Prometheus gets.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	response := httptest.NewRecorder()
	m.Handler().ServeHTTP(response, httptest.NewRequest("GET", "/metrics", nil))
	if response.Code != 200 {
		t.Fatalf("status %d: %s", response.Code, response.Body)
	}
	return response.Body.String()
}

// samples are the lines of a scrape that begin with one of the prefixes, comments left out.
func samples(t *testing.T, m *Metrics, prefixes ...string) string {
	t.Helper()
	var out []string
	for line := range strings.Lines(scrape(t, m)) {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimLeft(want, "\n"), got); diff != "" {
		t.Error(diff)
	}
}

func TestAtStart(t *testing.T) {
	m := newMetrics()
	want(t, samples(t, m, "margay_build_info"), `margay_build_info{goversion="`+runtime.Version()+`",version="v1"} 1`+"\n")
	want(t, samples(t, m, "felix_host", "felix_resync", "margay_e", "margay_o", "margay_s"), `
felix_host{host="node1"} 1
felix_resync_state 1
felix_resyncs_started 0
`+histogram("IPv4", "0", 0)+histogram("IPv6", "0", 0)+`margay_oldest_unapplied_seconds{family="IPv4"} 0
margay_oldest_unapplied_seconds{family="IPv6"} 0
margay_source_age_seconds 0
`)
}

// histogram is the text of an event-to-kernel histogram whose observations are all in the
// buckets from the one of the given index on.
func histogram(f, sum string, count int, from ...int) string {
	var out strings.Builder
	for i, le := range strings.Fields("0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 +Inf") {
		n := 0
		for _, first := range from {
			if i >= first {
				n++
			}
		}
		out.WriteString(`margay_event_to_kernel_seconds_bucket{family="` + f + `",le="` + le + `"} ` + string(rune('0'+n)) + "\n")
	}
	out.WriteString(`margay_event_to_kernel_seconds_sum{family="` + f + `"} ` + sum + "\n")
	out.WriteString(`margay_event_to_kernel_seconds_count{family="` + f + `"} ` + string(rune('0'+count)) + "\n")
	return out.String()
}

func TestSource(t *testing.T) {
	m := newMetrics()
	for _, s := range []SyncState{Waiting, Resyncing, Resyncing, InSync, Resyncing, InSync} {
		m.Source.SetState(s)
	}
	m.Source.Contact(start())
	m.Source.Problems(map[string]int{"unknown field": 3, "selector": 1})
	m.Source.Problems(map[string]int{"selector": 2})
	want(t, samples(t, m, "felix_resync", "margay_source", "margay_input"), `
felix_resync_state 3
felix_resyncs_started 2
margay_input_problems{kind="selector"} 2
margay_source_age_seconds 60
`)
}

func TestCalculation(t *testing.T) {
	m := newMetrics()
	m.Calculation.SetSizes(Sizes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	m.Calculation.Updated(map[string]int{"endpoint": 3, "policy": 1}, time.Second)
	m.Calculation.Updated(nil, time.Second)
	m.Calculation.HandedOver(7)
	m.Calculation.Evaluated(5, 6)
	want(t, samples(t, m, "felix_active", "felix_cluster", "felix_calc", "felix_label"), `
felix_active_local_endpoints 1
felix_active_local_policies 2
felix_active_local_selectors 3
felix_calc_graph_output_events 7
felix_calc_graph_update_time_seconds{quantile="0.5"} 0.25
felix_calc_graph_update_time_seconds{quantile="0.9"} 0.25
felix_calc_graph_update_time_seconds{quantile="0.99"} 0.25
felix_calc_graph_update_time_seconds_sum 0.25
felix_calc_graph_update_time_seconds_count 1
felix_calc_graph_updates_processed{type="endpoint"} 3
felix_calc_graph_updates_processed{type="policy"} 1
felix_cluster_num_host_endpoints 5
felix_cluster_num_hosts 4
felix_cluster_num_policies 7
felix_cluster_num_profiles 8
felix_cluster_num_tiers 9
felix_cluster_num_workload_endpoints 6
felix_label_index_num_active_selectors{optimized="false"} 12
felix_label_index_num_active_selectors{optimized="true"} 11
felix_label_index_num_endpoints 10
felix_label_index_selector_evals{result="false"} 6
felix_label_index_selector_evals{result="true"} 5
`)
}

func TestDataplane(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			m := newMetrics()
			d := m.Dataplane
			d.EventToKernel(f, 500*time.Microsecond) // the bound itself is inside
			d.EventToKernel(f, 3*time.Millisecond)
			d.EventToKernel(f, 100*time.Second)
			d.OldestUnapplied(f, start().Add(30*time.Second))
			d.OldestUnapplied(f.Other(), start())
			d.OldestUnapplied(f.Other(), time.Time{})
			d.Repaired("route", f, 2)
			d.Repaired("nftables", 0, 1)
			d.Failed("vxlan", f)
			d.InError("endpoint", f, 4)
			d.InError("endpoint", f, 3)
			histograms := map[family.Family]string{
				f:         histogram(f.String(), "100.0035", 3, 0, 3, 16),
				f.Other(): histogram(f.Other().String(), "0", 0),
			}
			ages := map[family.Family]string{f: "30", f.Other(): "0"}
			want(t, samples(t, m, "margay_event", "margay_old", "margay_rep", "margay_app", "margay_obj"), `
margay_apply_failures_total{family="`+f.String()+`",kind="vxlan"} 1
`+histograms[family.V4]+histograms[family.V6]+`margay_objects_in_error{family="`+f.String()+`",kind="endpoint"} 3
margay_oldest_unapplied_seconds{family="IPv4"} `+ages[family.V4]+`
margay_oldest_unapplied_seconds{family="IPv6"} `+ages[family.V6]+`
margay_repairs_total{family="`+f.String()+`",kind="route"} 2
margay_repairs_total{family="both",kind="nftables"} 1
`)
		})
	}
}

func TestApplyLoop(t *testing.T) {
	m := newMetrics()
	m.Dataplane.Applied(time.Second, false)
	m.Dataplane.Applied(time.Second, true)
	m.Dataplane.FirstApplied(1500 * time.Millisecond)
	m.Dataplane.Received(map[string]int{"set": 2, "policy": 1})
	m.Dataplane.KernelEvents(4, 5)
	want(t, samples(t, m, "felix_int_dataplane_failures", "felix_int_dataplane_init", "felix_int_dataplane_messages",
		"felix_int_dataplane_apply_time_seconds_", "felix_int_dataplane_msg_batch_size_",
		"felix_int_dataplane_iface_msg_batch_size_", "felix_int_dataplane_addr_msg_batch_size_"), `
felix_int_dataplane_addr_msg_batch_size_sum 5
felix_int_dataplane_addr_msg_batch_size_count 1
felix_int_dataplane_apply_time_seconds_sum 2
felix_int_dataplane_apply_time_seconds_count 2
felix_int_dataplane_failures 1
felix_int_dataplane_iface_msg_batch_size_sum 4
felix_int_dataplane_iface_msg_batch_size_count 1
felix_int_dataplane_initial_resync_time_seconds 1.5
felix_int_dataplane_messages{type="policy"} 1
felix_int_dataplane_messages{type="set"} 2
felix_int_dataplane_msg_batch_size_sum 3
felix_int_dataplane_msg_batch_size_count 1
`)
}

func TestDrivers(t *testing.T) {
	m := newMetrics()
	m.NFTables.SetSizes(family.PairOf(TableSize{1, 2, 3, 4, 5, 6}, TableSize{11, 12, 13, 14, 15, 16}))
	m.NFTables.SetSizes(family.PairOf(TableSize{1, 2, 3, 4, 5, 6}, TableSize{})) // IPv6 goes off
	m.NFTables.Sent(nil)
	m.NFTables.Sent(errors.New("no"))
	m.Routes.SetSize(254, family.V4, 7, 3)
	m.Routes.SetSize(254, family.V6, 8, 4)
	m.Routes.Resynced(time.Second)
	m.Routes.LinkResynced(2 * time.Second)
	m.Routes.ConntrackWaited(3 * time.Second)
	want(t, samples(t, m, "felix_nft", "felix_ipsets", "margay_nft", "felix_route_table_num",
		"felix_route_table_resync_seconds_sum", "felix_route_table_partial_resync_seconds_sum", "felix_route_table_conntrack_wait_seconds_sum"), `
felix_ipsets_calico{ip_version="4"} 6
felix_ipsets_calico{ip_version="6"} 0
felix_ipsets_total 6
felix_nft_calls 2
felix_nft_chains{ip_version="4"} 1
felix_nft_chains{ip_version="6"} 0
felix_nft_errors 1
felix_nft_maps{ip_version="4"} 3
felix_nft_maps{ip_version="6"} 0
felix_nft_rules{ip_version="4"} 2
felix_nft_rules{ip_version="6"} 0
felix_nft_sets{ip_version="4"} 4
felix_nft_sets{ip_version="6"} 0
felix_route_table_conntrack_wait_seconds_sum 3
felix_route_table_num_ifaces{ip_version="4",table="254"} 3
felix_route_table_num_ifaces{ip_version="6",table="254"} 4
felix_route_table_num_routes{ip_version="4",table="254"} 7
felix_route_table_num_routes{ip_version="6",table="254"} 8
felix_route_table_partial_resync_seconds_sum 2
felix_route_table_resync_seconds_sum 1
margay_nft_set_members{ip_version="4"} 5
margay_nft_set_members{ip_version="6"} 0
`)
}

func TestHealth(t *testing.T) {
	m := newMetrics()
	down := true
	NewHealth(m.Registerer(), func() (ready, conditions []Statement) {
		return []Statement{{"routes", family.V4, true}, {"routes", family.V6, !down}, {"source", 0, true}},
			[]Statement{{"RouteSourceAddressMissing", family.V6, down}}
	})
	want(t, samples(t, m, "margay_component", "margay_condition"), `
margay_component_ready{component="routes",family="IPv4"} 1
margay_component_ready{component="routes",family="IPv6"} 0
margay_component_ready{component="source",family="both"} 1
margay_condition{condition="RouteSourceAddressMissing",family="IPv6"} 1
`)
	down = false // read anew each time
	want(t, samples(t, m, `margay_component_ready{component="routes",family="IPv6"`, "margay_condition"), `
margay_component_ready{component="routes",family="IPv6"} 1
margay_condition{condition="RouteSourceAddressMissing",family="IPv6"} 0
`)
}

func TestLogHook(t *testing.T) {
	m := newMetrics()
	logger := logrus.New()
	logger.Out = io.Discard
	logger.AddHook(m.Log)
	logger.Info("no error")
	logger.Warn("no error")
	logger.Error("error")
	logger.WithField("family", family.V6).Error("error")
	want(t, samples(t, m, "felix_log"), "felix_log_errors 2\n")
}

func TestRuntimeMetricsAreSwitched(t *testing.T) {
	m := newMetrics()
	for _, step := range []struct{ golang, process bool }{
		{false, false}, {true, false}, {true, true}, {true, true}, {false, true}, {false, false}, {true, true},
	} {
		m.SetRuntime(step.golang, step.process)
		golang, process := samples(t, m, "go_") != "", samples(t, m, "process_") != ""
		if golang != step.golang || process != step.process {
			t.Errorf("%+v: go_ %v, process_ %v", step, golang, process)
		}
	}
}

func TestTwoAgentsInOneProcess(t *testing.T) {
	a, b := newMetrics(), newMetrics()
	a.SetRuntime(true, true)
	b.SetRuntime(true, true)
	a.Routes.SetSize(254, family.V4, 1, 1)
	if got := samples(t, b, "felix_route_table_num_routes"); got != "" {
		t.Errorf("one agent shows the other's: %s", got)
	}
}

// TestNewNamesFollowTheConventions lints what is ours; Felix's names are as they are.
func TestNewNamesFollowTheConventions(t *testing.T) {
	m := newMetrics()
	m.Dataplane.Repaired("route", family.V4, 1)
	m.Dataplane.Failed("route", family.V4)
	m.Dataplane.InError("route", family.V4, 1)
	m.Source.Problems(map[string]int{"selector": 1})
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "margay_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	for target, status := range map[string]int{"GET /metrics": 200, "HEAD /metrics": 200, "POST /metrics": 405, "GET /": 404} {
		method, path, _ := strings.Cut(target, " ")
		response := httptest.NewRecorder()
		newMetrics().Handler().ServeHTTP(response, httptest.NewRequest(method, path, nil))
		if response.Code != status {
			t.Errorf("%s: %d, want %d", target, response.Code, status)
		}
	}
}

// TestConcurrentUse is for the race detector: scrapes, settings and updates at once.
func TestConcurrentUse(t *testing.T) {
	m := newMetrics()
	var wait sync.WaitGroup
	for _, f := range family.All() {
		wait.Go(func() {
			for i := range 100 {
				m.Dataplane.EventToKernel(f, time.Duration(i))
				m.Dataplane.OldestUnapplied(f, start())
				m.Source.Problems(map[string]int{f.String(): i})
				m.Source.SetState(SyncState(1 + i%3))
			}
		})
	}
	wait.Go(func() {
		for i := range 20 {
			m.SetRuntime(i%2 == 0, i%3 == 0)
			scrape(t, m)
		}
	})
	wait.Wait()
}

func BenchmarkEventToKernel(b *testing.B) {
	m := newMetrics()
	b.ReportAllocs()
	for b.Loop() {
		m.Dataplane.EventToKernel(family.V6, time.Millisecond)
	}
}
