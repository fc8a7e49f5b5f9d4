package kubernetes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// server is an API server as far as lists and watches go: it has versions, streams lists,
// forgets, and fails in the ways that tests ask for. It speaks JSON only.
type server struct {
	t    *testing.T
	http *httptest.Server

	mu    sync.Mutex
	moved *sync.Cond // a request or a stream has come
	late  bool
	// collections are the objects by the path of their collection and their name there.
	collections map[string]map[string]jsonObject
	version     int
	// forgotten is the version up to which changes are not known any more.
	forgotten int
	history   []change
	streams   map[*stream]bool
	requests  []string
	// fault may answer a request in another way; nil answers it as usual.
	fault func(r *http.Request) *fault
	// old servers do not stream lists.
	old bool
	// muted servers send no bookmark at the beginning of a stream that goes on.
	muted bool
}

// jsonObject is an object as JSON.
type jsonObject map[string]any

// change is what a watch tells.
type change struct {
	path    string
	kind    string // ADDED, MODIFIED, DELETED
	object  jsonObject
	version int
}

// fault is what a server answers instead.
type fault struct {
	code   int
	reason metav1.StatusReason
	after  int  // Retry-After, in seconds; 0 for none
	cut    bool // the connection, without an answer
}

// stream is a watch.
type stream struct {
	path    string
	changes chan change
	end     chan bool // true ends it as streams end, false breaks it
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, collections: map[string]map[string]jsonObject{}, version: 100, streams: map[*stream]bool{}}
	s.moved = sync.NewCond(&s.mu)
	for _, k := range kinds() {
		if !k.calico() {
			s.collections[k.path] = map[string]jsonObject{}
		}
	}
	for _, k := range []*kind{definitions(), services()} {
		s.collections[k.path] = map[string]jsonObject{}
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(func() {
		s.breakStreams()
		s.http.Close()
	})
	return s
}

func (s *server) client() *Client {
	c, err := NewClient(&rest.Config{Host: s.http.URL})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// calico is the path of one of Calico's kinds.
func calico(resource string) string { return calicoGroups()[0].path + "/" + resource }

// serve makes kinds of Calico's known.
func (s *server) serve(paths ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range paths {
		s.collections[p] = map[string]jsonObject{}
	}
}

// serveCalico makes all of Calico's kinds known.
func (s *server) serveCalico() {
	for _, k := range kinds() {
		if k.calico() {
			s.serve(calico(k.resource))
		}
	}
}

// define tells of a definition of a kind.
func (s *server) define(resource string) {
	s.put(definitions().path, `{"metadata": {"name": "`+resource+`.projectcalico.org"}}`)
}

// put makes or changes an object, written as JSON.
func (s *server) put(path, text string) {
	s.t.Helper()
	var o jsonObject
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := nameOf(o)
	kind := "ADDED"
	if s.collections[path][name] != nil {
		kind = "MODIFIED"
	}
	s.version++
	o["metadata"].(map[string]any)["resourceVersion"] = strconv.Itoa(s.version)
	s.collections[path][name] = o
	s.tell(change{path, kind, o, s.version})
}

// fill makes many objects at once.
func (s *server) fill(path string, n int, text func(i int) string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	for i := range n {
		var o jsonObject
		if err := json.Unmarshal([]byte(text(i)), &o); err != nil {
			s.t.Fatal(err)
		}
		o["metadata"].(map[string]any)["resourceVersion"] = strconv.Itoa(s.version)
		s.collections[path][nameOf(o)] = o
	}
}

// remove deletes an object.
func (s *server) remove(path, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.collections[path][name]
	if o == nil {
		s.t.Fatalf("no %s in %s", name, path)
	}
	delete(s.collections[path], name)
	s.version++
	s.tell(change{path, "DELETED", o, s.version})
}

// lose takes objects out without telling anybody, as a restored backup does.
func (s *server) lose(path string, names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		delete(s.collections[path], name)
	}
}

func (s *server) tell(c change) {
	s.history = append(s.history, c)
	for st := range s.streams {
		if st.path == c.path {
			st.changes <- c
		}
	}
}

func nameOf(o jsonObject) string {
	m := o["metadata"].(map[string]any)
	if ns, ok := m["namespace"].(string); ok {
		return ns + "/" + m["name"].(string)
	}
	return m["name"].(string)
}

// breakStreams breaks all streams, as a server that dies does; endStreams ends them.
func (s *server) breakStreams() { s.finish(false) }
func (s *server) endStreams()   { s.finish(true) }

func (s *server) finish(well bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		st.end <- well
		delete(s.streams, st)
	}
}

// forget forgets all changes that have been.
func (s *server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.forgotten, s.history = s.version, nil
}

// withdraw serves a kind no more.
func (s *server) withdraw(path string) {
	s.mu.Lock()
	delete(s.collections, path)
	s.mu.Unlock()
	s.endStreams()
}

// breakStreamsAnd breaks all streams and changes something before anybody is answered.
func (s *server) breakStreamsAnd(f func()) {
	s.fail(func(*http.Request) *fault { return &fault{cut: true} })
	s.breakStreams()
	f()
	s.fail(nil)
}

// rewind puts the clock of versions back.
func (s *server) rewind(to int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version, s.history, s.forgotten = to, nil, 0
}

// fail has requests answered otherwise.
func (s *server) fail(f func(r *http.Request) *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// seen are the requests so far.
func (s *server) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// await waits until a request, or the end of one, has made something so. The mutex is held
// while it is asked for.
func (s *server) await(so func() bool) {
	s.t.Helper()
	limit := time.AfterFunc(20*time.Second, func() { s.mu.Lock(); defer s.mu.Unlock(); s.late = true; s.moved.Broadcast() })
	defer limit.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !so() {
		if s.late {
			s.t.Fatalf("it does not come to that; requests: %s", strings.Join(s.requests, "\n"))
		}
		s.moved.Wait()
	}
}

func (s *server) mute() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.muted = true
}

// awaitStreams waits until so many streams are open.
func (s *server) awaitStreams(n int) {
	s.t.Helper()
	s.await(func() bool { return len(s.streams) == n })
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.String())
	s.moved.Broadcast()
	f := s.fault
	s.mu.Unlock()
	if f != nil {
		if bad := f(r); bad != nil {
			bad.answer(w)
			return
		}
	}
	for _, g := range calicoGroups() {
		if r.URL.Path == g.path {
			s.group(w, g.path)
			return
		}
	}
	s.mu.Lock()
	_, known := s.collections[r.URL.Path]
	s.mu.Unlock()
	switch {
	case !known:
		(&fault{code: 404, reason: metav1.StatusReasonNotFound}).answer(w)
	case r.URL.Query().Get("watch") != "":
		s.watch(w, r)
	default:
		s.list(w, r)
	}
}

func (f *fault) answer(w http.ResponseWriter) {
	if f.cut {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	if f.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.after))
	}
	w.WriteHeader(f.code)
	answer := status(f.code, f.reason)
	answer.Details = &metav1.StatusDetails{RetryAfterSeconds: int32(f.after)} //nolint:gosec // small
	writeJSON(w, answer)
}

func status(code int, reason metav1.StatusReason) metav1.Status {
	return metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: string(reason), //nolint:gosec // small
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(http.ErrAbortHandler) // the other side has gone
	}
}

func (s *server) group(w http.ResponseWriter, path string) {
	s.mu.Lock()
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}}
	for at := range s.collections {
		if resource, ok := strings.CutPrefix(at, path+"/"); ok {
			list.APIResources = append(list.APIResources, metav1.APIResource{Name: resource})
		}
	}
	s.mu.Unlock()
	if len(list.APIResources) == 0 {
		(&fault{code: 404, reason: metav1.StatusReasonNotFound}).answer(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, list)
}

// written is an object as the server writes it: complete.
func written(path string, o jsonObject) jsonObject {
	out := maps.Clone(o)
	for _, k := range append(kinds(), *definitions(), *services()) {
		if path == k.path || strings.HasSuffix(path, "/"+k.resource) && k.calico() {
			out["kind"] = k.name
		}
	}
	version := strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/")
	out["apiVersion"] = version[:strings.LastIndex(version, "/")]
	return out
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	s.mu.Lock()
	names := slices.Sorted(maps.Keys(s.collections[path]))
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	to := len(names)
	if limit, _ := strconv.Atoi(r.URL.Query().Get("limit")); limit > 0 {
		to = min(to, from+limit)
	}
	head := map[string]any{"resourceVersion": strconv.Itoa(s.version)}
	if to < len(names) {
		head["continue"] = strconv.Itoa(to)
	}
	items := []jsonObject{}
	for _, name := range names[from:to] {
		items = append(items, written(path, s.collections[path][name]))
	}
	s.mu.Unlock()
	version := strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/")
	kind := "List"
	for _, k := range kinds() {
		if k.path == path {
			kind = k.name + "List"
		}
	}
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, map[string]any{"apiVersion": version[:strings.LastIndex(version, "/")], "kind": kind, "metadata": head, "items": items})
}

func (s *server) watch(w http.ResponseWriter, r *http.Request) {
	path, query := r.URL.Path, r.URL.Query()
	whole := query.Get("sendInitialEvents") == "true"
	since, _ := strconv.Atoi(query.Get("resourceVersion"))
	s.mu.Lock()
	if whole && s.old {
		s.mu.Unlock()
		(&fault{code: 422, reason: metav1.StatusReasonInvalid}).answer(w)
		return
	}
	if !whole && since < s.forgotten {
		s.mu.Unlock()
		(&fault{code: 410, reason: metav1.StatusReasonExpired}).answer(w)
		return
	}
	st := &stream{path: path, changes: make(chan change, len(s.collections[path])+len(s.history)+10_000), end: make(chan bool, 1)}
	if whole {
		for _, name := range slices.Sorted(maps.Keys(s.collections[path])) {
			st.changes <- change{path, "ADDED", s.collections[path][name], s.version}
		}
		st.changes <- change{path, "BOOKMARK", bookmark(s.version, true), s.version}
	} else {
		for _, c := range s.history {
			if c.path == path && c.version > since {
				st.changes <- c
			}
		}
		if !s.muted {
			st.changes <- change{path, "BOOKMARK", bookmark(s.version, false), s.version}
		}
	}
	s.streams[st] = true
	s.moved.Broadcast()
	s.mu.Unlock()
	s.serveStream(w, r, st)
}

func bookmark(version int, end bool) jsonObject {
	head := map[string]any{"resourceVersion": strconv.Itoa(version)}
	if end {
		head["annotations"] = map[string]any{metav1.InitialEventsAnnotationKey: "true"}
	}
	return jsonObject{"metadata": head}
}

func (s *server) serveStream(w http.ResponseWriter, r *http.Request, st *stream) {
	w.Header().Set("Content-Type", "application/json")
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			s.mu.Lock()
			delete(s.streams, st)
			s.mu.Unlock()
			return
		case well := <-st.end:
			if !well {
				panic(http.ErrAbortHandler)
			}
			return
		case c := <-st.changes:
			o := maps.Clone(written(c.path, c.object))
			if c.kind == "DELETED" {
				head := maps.Clone(o["metadata"].(map[string]any))
				head["resourceVersion"] = strconv.Itoa(c.version)
				o["metadata"] = head
			}
			writeJSON(w, map[string]any{"type": c.kind, "object": o})
			w.(http.Flusher).Flush()
		}
	}
}

// tear sends every stream of a path a line that is no event, and ends there.
func (s *server) tear(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		if st.path == path {
			st.changes <- change{path, "ERROR", jsonObject{"code": 500}, 0}
		}
	}
}

// pod is a pod with an address of each family on node n1.
func pod(name string, n int) string {
	return fmt.Sprintf(`{"metadata": {"namespace": "default", "name": %q, "uid": %q, "labels": {"app": "a"}},
		"spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]},
		"status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.%d"}, {"ip": "fd00::%x"}]}}`, name, "uid-"+name, n, n)
}

func policy(name, spec string) string {
	return fmt.Sprintf(`{"metadata": {"namespace": "default", "name": %q}, "spec": %s}`, name, cmp.Or(spec, `{"podSelector": {}}`))
}
