package serve

import (
	"net/http"
	"net/http/pprof"
)

// Profiles serves Go's profiles under /debug/pprof/, as `go tool pprof` asks for them. They
// show memory contents and slow the process: never serve them by default, nor beyond
// localhost without need.
func Profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
