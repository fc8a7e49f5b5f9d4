package serve

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	// drain is how long requests under way may still take when their socket is given up.
	drain = time.Second
	// headerTimeout and idleTimeout keep clients that say nothing from holding connections.
	// There is no write timeout: a CPU profile takes as long as it was asked to.
	headerTimeout = 5 * time.Second
	idleTimeout   = time.Minute
)

// listener is one bound socket and the HTTP server on it.
type listener struct {
	socket net.Listener
	tls    TLS
	server *http.Server
	done   chan struct{} // closed when the server's goroutine has ended
}

// listen opens one socket and serves it.
func (s *Server) listen(bind string) error {
	socket, err := s.opts.Listen("tcp", bind)
	if err != nil {
		return err
	}
	l := &listener{
		socket: socket,
		tls:    s.address.TLS,
		server: &http.Server{
			Handler:           s.opts.Handler,
			ReadHeaderTimeout: headerTimeout,
			IdleTimeout:       idleTimeout,
			ErrorLog:          log.New(errorLog{s.opts.Log}, "", 0),
		},
		done: make(chan struct{}),
	}
	s.listeners[bind] = l
	s.opts.Log.WithField("address", socket.Addr()).Info("Listening")
	if s.identity != nil {
		socket = tls.NewListener(socket, s.identity.serverConfig())
	}
	go func() {
		defer close(l.done)
		_ = l.server.Serve(socket) // ends by Shutdown only: accept errors are retried inside
	}()
	return nil
}

// closeAllBut gives up the sockets that were bound as anything else, or served otherwise.
func (s *Server) closeAllBut(binds []string) {
	for bind, l := range s.listeners {
		if !slices.Contains(binds, bind) || l.tls != s.address.TLS {
			l.close()
			delete(s.listeners, bind)
			s.opts.Log.WithField("address", l.socket.Addr()).Info("No longer listening")
		}
	}
}

// close lets requests under way finish for a while, then cuts them off.
func (l *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := l.server.Shutdown(ctx); err != nil {
		l.server.Close()
	}
	<-l.done
}

// errorLog takes what net/http has to say about broken connections.
type errorLog struct{ entry *logrus.Entry }

func (e errorLog) Write(line []byte) (int, error) {
	e.entry.WithField("error", strings.TrimSpace(string(line))).Debug("HTTP connection failed")
	return len(line), nil
}
