package kubernetes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// writes is a server that takes what is written.
type writes struct {
	mu    sync.Mutex
	taken []writing
	news  chan struct{}
	// node is what GET of the node answers; refuse how often a write is refused, and with what.
	node   string
	refuse []int
	// answer is what a write is answered with.
	answer string
}

// writing is a request that has been taken.
type writing struct{ method, path, body string }

func newWrites(t *testing.T) (*writes, *Client) {
	t.Helper()
	w := &writes{node: `{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}`, news: make(chan struct{}, 100)}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	c, err := NewClient(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return w, c
}

func (w *writes) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(out, w.node)
		return
	}
	if len(w.refuse) > 0 {
		code := w.refuse[0]
		w.refuse = w.refuse[1:]
		out.WriteHeader(code)
		writeJSON(out, status(code, map[int]metav1.StatusReason{403: "Forbidden", 409: "AlreadyExists", 429: "TooManyRequests", 500: "InternalError"}[code]))
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.taken = append(w.taken, writing{r.Method, r.URL.String(), string(body)})
	_, _ = io.WriteString(out, cmp.Or(w.answer, `{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}`))
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// requests are what has been taken, a line for each.
func (w *writes) requests() []writing {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.taken)
}

func quiet() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

func patchOf(address string, ready bool) source.NodePatch {
	return source.NodePatch{
		Annotations: map[string]string{"projectcalico.org/IPv4Address": address},
		Conditions:  []source.Condition{{Type: "MargayIPv4Ready", Status: ready, Reason: "Ready"}},
	}
}

func TestWhatIsNewIsPublishedAndNothingElse(t *testing.T) {
	w, c := newWrites(t)
	p, err := NewPublisher(c, "n1")
	if err != nil {
		t.Fatal(err)
	}
	for _, patch := range []source.NodePatch{patchOf("192.0.2.1/24", true), patchOf("192.0.2.1/24", true), patchOf("192.0.2.1/24", false)} {
		if err := p.Publish(context.Background(), patch); err != nil {
			t.Fatal(err)
		}
	}
	const manager = "?fieldManager=margay&force=true"
	var got []string
	for _, r := range w.requests() {
		got = append(got, r.method+" "+r.path)
	}
	want := []string{"PATCH /api/v1/nodes/n1" + manager, "PATCH /api/v1/nodes/n1/status" + manager, "PATCH /api/v1/nodes/n1/status" + manager}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if body := w.requests()[0].body; body != `{"apiVersion":"v1","kind":"Node","metadata":{"annotations":{"projectcalico.org/IPv4Address":"192.0.2.1/24"},"name":"n1"}}` {
		t.Errorf("annotations: %s", body)
	}
	if body := w.requests()[2].body; !strings.Contains(body, `"status":"False"`) {
		t.Errorf("conditions: %s", body)
	}
}

// What an earlier run has written is not written again, and a condition keeps its time.
func TestAnAgentThatStartsAgainWritesNothing(t *testing.T) {
	w, c := newWrites(t)
	w.node = `{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1",
		"annotations": {"projectcalico.org/IPv4Address": "192.0.2.1/24", "somebody.else/s": "x"},
		"managedFields": [
			{"manager": "margay", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:annotations": {"f:projectcalico.org/IPv4Address": {}}}}},
			{"manager": "margay", "operation": "Apply", "subresource": "status", "fieldsType": "FieldsV1",
				"fieldsV1": {"f:status": {"f:conditions": {"k:{\"type\":\"MargayIPv4Ready\"}": {"f:status": {}}}}}},
			{"manager": "kubelet", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:conditions": {"k:{\"type\":\"Ready\"}": {}}}}}]},
		"status": {"conditions": [
			{"type": "Ready", "status": "True"},
			{"type": "MargayIPv4Ready", "status": "True", "reason": "Ready", "lastTransitionTime": "2026-01-02T03:04:05Z"}]}}`
	p, err := NewPublisher(c, "n1")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(context.Background(), patchOf("192.0.2.1/24", true)); err != nil {
		t.Fatal(err)
	}
	if got := w.requests(); len(got) > 0 {
		t.Errorf("written: %v", got)
	}
	more := patchOf("192.0.2.1/24", true)
	more.Conditions = append(more.Conditions, source.Condition{Type: "MargayIPv6Ready", Reason: "Off"})
	if err := p.Publish(context.Background(), more); err != nil {
		t.Fatal(err)
	}
	if got := w.requests(); len(got) != 1 || !strings.Contains(got[0].body, "2026-01-02T03:04:05Z") || strings.Contains(got[0].body, `"Ready","status"`) {
		t.Errorf("written: %v", got)
	}
}

// What somebody else makes of our fields is put right; an event that is older than our own
// word is none of that.
func TestWhatIsOverwrittenIsNoticed(t *testing.T) {
	w, c := newWrites(t)
	p, err := NewPublisher(c, "n1")
	if err != nil {
		t.Fatal(err)
	}
	overwritten := 0
	p.Overwritten = func() { overwritten++ }
	node := func(version, address string) *corev1.Node {
		n := into(t, `{"metadata": {"name": "n1", "resourceVersion": "`+version+`", "annotations": {"projectcalico.org/IPv4Address": "`+address+`"},
			"managedFields": [{"manager": "margay", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:annotations": {"f:projectcalico.org/IPv4Address": {}}}}}]}}`, &corev1.Node{})
		return n
	}
	p.Saw(node("5", "198.51.100.1/24")) // nothing is known of what there should be
	patch := source.NodePatch{Annotations: map[string]string{"projectcalico.org/IPv4Address": "192.0.2.1/24"}}
	w.answer = `{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "resourceVersion": "10"}}`
	if err := p.Publish(context.Background(), patch); err != nil {
		t.Fatal(err)
	}
	p.Saw(node("9", "198.51.100.1/24"))
	p.Saw(node("10", "192.0.2.1/24"))
	p.Saw(node("11", "192.0.2.1/24"))
	if overwritten != 0 {
		t.Errorf("noticed %d times", overwritten)
	}
	p.Saw(node("12", "198.51.100.1/24"))
	if overwritten != 1 {
		t.Errorf("noticed %d times, want once", overwritten)
	}
	if err := p.Publish(context.Background(), patch); err != nil || len(w.requests()) != 2 {
		t.Errorf("written: %v, %v", w.requests(), err)
	}
}

func TestPublishingIsTriedAgain(t *testing.T) {
	w, c := newWrites(t)
	w.refuse = []int{500, 429}
	p, _ := NewPublisher(c, "n1")
	if err := p.Publish(context.Background(), patchOf("192.0.2.1/24", true)); err != nil {
		t.Error(err)
	}
	w.refuse = []int{403}
	err := p.Publish(context.Background(), patchOf("192.0.2.2/24", true))
	if err == nil || !strings.Contains(err.Error(), "publish node n1: Forbidden") {
		t.Errorf("error %v", err)
	}
	if err := p.Publish(context.Background(), patchOf("192.0.2.2/24", true)); err != nil {
		t.Error(err)
	}
	if _, err := NewPublisher(c, ""); err == nil {
		t.Error("a node without a name")
	}
}

// recorder is a Recorder that knows one pod of its own, and one policy, among some nodes.
func newRecorder(t *testing.T, c *Client, node string) (*Recorder, *teller) {
	t.Helper()
	r := NewRecorder(c, node, quiet())
	tell := newTeller(Options{Sink: newSink(), Recorder: r})
	all := kinds()
	objects := &reader{convert: converter(), raw: manifests(), node: node, share: newSharer()}
	for i := range all {
		tell.stores = append(tell.stores, newStore(&all[i], tell))
	}
	put := func(resource string, calicos bool, kindName, text string) {
		for _, s := range tell.stores {
			if s.kind.resource == resource && s.kind.calico() == calicos {
				reading, err := objects.read(rawOf(t, kindName, text))
				if err != nil {
					t.Fatal(err)
				}
				s.set(&reading)
			}
		}
	}
	put("pods", false, "v1 Pod", pod("p1", 1))
	put("globalnetworkpolicies", true, "projectcalico.org/v3 GlobalNetworkPolicy", `{"metadata": {"name": "g", "uid": "u-g"}, "spec": {"selector": "all()"}}`)
	for _, n := range []string{"n1", "n2", "n3", "n4", "n5", "n6"} {
		put("nodes", false, "v1 Node", `{"metadata": {"name": "`+n+`"}}`)
	}
	r.follow(tell)
	return r, tell
}

// ripen makes all that waits due now.
func (r *Recorder) ripen() {
	r.errands.mu.Lock()
	defer r.errands.mu.Unlock()
	for _, e := range r.waiting {
		e.due = time.Now()
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func start(t *testing.T, r *Recorder) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func trouble(severity model.Severity, message string) []model.Problem {
	return []model.Problem{{Severity: severity, Field: "spec.x", Value: "1", Message: message}}
}

func TestAnEventOnAPod(t *testing.T) {
	w, c := newWrites(t)
	r, _ := newRecorder(t, c, "n1")
	start(t, r)
	r.Report(GraphPlace+"Pod/default/p1", trouble(model.Failure, "is not so"))
	r.Report("services a/b", trouble(model.Failure, "nobody is told of that"))
	r.Report("pods default/p1", trouble(model.Note, "nor of that"))
	r.ripen()
	<-w.news
	var e struct {
		Reason, Note, Type, ReportingController string
		Regarding                               map[string]string
		Metadata                                struct{ Namespace, Name string }
	}
	got := w.requests()
	if len(got) != 1 || got[0].path != "/apis/events.k8s.io/v1/namespaces/default/events" || json.Unmarshal([]byte(got[0].body), &e) != nil {
		t.Fatalf("written: %v", got)
	}
	if e.Note != `spec.x "1": is not so` || e.Reason != "NotInForce" || e.Type != "Warning" || e.ReportingController == "" {
		t.Errorf("%+v", e)
	}
	if e.Regarding["kind"] != "Pod" || e.Regarding["name"] != "p1" || e.Regarding["namespace"] != "default" || e.Regarding["uid"] != "uid-p1" {
		t.Errorf("regarding %v", e.Regarding)
	}
	r.Report(GraphPlace+"Pod/default/p1", trouble(model.Failure, "is not so")) // again: nothing new
	r.Report("pods default/p1", trouble(model.Failure, "is something else"))
	r.ripen()
	<-w.news
	if n := len(w.requests()); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}

func TestWhatIsOverSoonIsNotWritten(t *testing.T) {
	w, c := newWrites(t)
	r, _ := newRecorder(t, c, "n1")
	start(t, r)
	r.Report(GraphPlace+"Pod/default/p1", trouble(model.Failure, "for a moment"))
	r.Report(GraphPlace+"Pod/default/p1", nil)
	r.Report("pods default/p1", trouble(model.Failure, "for longer"))
	r.ripen()
	<-w.news
	if got := w.requests(); len(got) != 1 || !strings.Contains(got[0].body, "for longer") {
		t.Errorf("written: %v", got)
	}
}

func TestAFewAgentsWriteAboutAPolicy(t *testing.T) {
	_, c := newWrites(t)
	var writers int
	for _, node := range []string{"n1", "n2", "n3", "n4", "n5", "n6"} {
		_, tell := newRecorder(t, c, node)
		s, ok := tell.find("globalnetworkpolicies.projectcalico.org g")
		if !ok {
			t.Fatal("the policy is not found")
		}
		if tell.chosen(s, node) {
			writers++
		}
		if s, ok := tell.find(GraphPlace + "GlobalNetworkPolicy/g"); !ok || s.kind != "GlobalNetworkPolicy" || s.uid != "u-g" {
			t.Errorf("by the model's name: %+v", s)
		}
		if s, ok := tell.find("pods default/p1"); ok != (node == "n1") || ok && !tell.chosen(s, node) {
			t.Errorf("on %s, its pod is found: %t", node, ok)
		}
	}
	if writers != writersMost {
		t.Errorf("%d agents write about the policy", writers)
	}
}

func TestAnEventIsTriedAgain(t *testing.T) {
	w, c := newWrites(t)
	r, _ := newRecorder(t, c, "n1")
	w.refuse = []int{500, 429}
	start(t, r)
	r.Report("pods default/p1", trouble(model.Warning, "at the third attempt"))
	r.ripen()
	<-w.news
	if got := w.requests(); len(got) != 1 || !strings.Contains(got[0].body, `"reason":"Doubtful"`) {
		t.Errorf("written: %v", got)
	}
}

func TestLongNotesAreCut(t *testing.T) {
	note := eventNote(model.Problem{Field: "f", Message: strings.Repeat("ä", 2000)})
	if len(note) > noteMost || !strings.HasSuffix(note, "ä…") {
		t.Errorf("%d bytes: …%q", len(note), note[len(note)-6:])
	}
	s := subject{name: strings.Repeat("n", 253)}
	if e := eventOf(s, model.Problem{}, strings.Repeat("h", 253), time.Now()); len(e.Name) > 253 || len(e.ReportingInstance) > 128 || e.Namespace != "default" {
		t.Errorf("%+v", e)
	}
}

func TestVerdicts(t *testing.T) {
	w, c := newWrites(t)
	r, tell := newRecorder(t, c, "n1")
	for _, n := range []string{"n2", "n3", "n4", "n5", "n6"} { // so that n1 is chosen whatever the hash
		for _, s := range tell.stores {
			if s.kind.name == "Node" {
				s.remove(nameIn("", n))
			}
		}
	}
	start(t, r)
	pool := func(spec, conditions string) {
		for _, s := range tell.stores {
			if s.kind.resource != "ippools" {
				continue
			}
			objects := &reader{convert: converter(), raw: manifests(), node: "n1", share: newSharer()}
			reading, err := objects.read(rawOf(t, "projectcalico.org/v3 IPPool", `{"metadata": {"name": "p", "uid": "u-p", "generation": 2}, "spec": `+spec+`, "status": {"conditions": [`+conditions+`]}}`))
			if err != nil {
				t.Fatal(err)
			}
			s.set(&reading)
		}
	}
	pool(`{"cidr": "10.0.0.0/16"}`, `{"type": "Accepted", "status": "True", "observedGeneration": 2}`)
	if len(r.waiting) != 0 {
		t.Error("what is said already is to be said again")
	}
	pool(`{"cidr": "10.0.0.0/99"}`, `{"type": "Accepted", "status": "True", "observedGeneration": 2}`)
	r.ripen()
	<-w.news
	got := w.requests()
	if len(got) != 1 || got[0].path != "/apis/projectcalico.org/v3/ippools/p/status?fieldManager=margay&force=true" ||
		!strings.Contains(got[0].body, `"status":"False","observedGeneration":2`) || !strings.Contains(got[0].body, `10.0.0.0/99`) {
		t.Errorf("written: %v", got)
	}
}

func TestMeanings(t *testing.T) {
	for err, want := range map[error]failure{
		nil: ended, errors.New("connection refused"): lost, errShort: lost, errNoEnd: lost,
	} {
		if got := meaning(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
	if !older("9", "10") || older("10", "9") || older("10", "10") || older("", "10") || older("x", "10") {
		t.Error("versions are compared as texts")
	}
}
