package health

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Handler serves /liveness and /readiness: status 200 or 503, the same for GET and HEAD, and
// the board's detail as the body. That is JSON unless the request asks for text, by
// ?format=text or by an Accept header with text/plain and without JSON. The clock is time.Now
// outside tests.
func Handler(b *Board, now func() time.Time) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /liveness", endpoint(b, now, func(d Detail) bool { return d.Live }))
	mux.Handle("GET /readiness", endpoint(b, now, func(d Detail) bool { return d.Ready }))
	return mux
}

// endpoint answers with one of the board's verdicts. A pattern of "GET" takes HEAD too.
func endpoint(b *Board, now func() time.Time, good func(Detail) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := now()
		d := b.Detail(at)
		body, err := json.MarshalIndent(d, "", "  ")
		contentType := "application/json"
		if err != nil || wantsText(r) {
			body, contentType = []byte(d.Text(at)), "text/plain; charset=utf-8"
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-store")
		if good(d) {
			w.WriteHeader(http.StatusOK)
		} else {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write(body) // the client may have gone; nothing to do about it
	})
}

func wantsText(r *http.Request) bool {
	if format := r.URL.Query().Get("format"); format != "" {
		return format == "text"
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "text/plain") && !strings.Contains(accept, "json")
}
