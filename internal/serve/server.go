package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// retryMost is the longest pause before listening is tried again where it failed.
const retryMost = time.Minute

// Options are what a Server needs.
type Options struct {
	Handler http.Handler
	// Log gets one line when what is listened on changes, and one per failure to listen. The
	// caller puts the server's name into its fields.
	Log *logrus.Entry
	// Listen and Resolve stand in for net.Listen and the system's resolver in tests.
	Listen  func(network, address string) (net.Listener, error)
	Resolve func(ctx context.Context, host string) ([]string, error)
	// Retry is the pause before listening is tried again the first time; it doubles from
	// there. 0 means one second.
	Retry time.Duration
}

// Server serves a handler on an Address that may change. It is safe for concurrent use.
//
// It owns one goroutine per address it listens on and, only while one of those cannot be
// had, a timer that tries again.
type Server struct {
	opts Options

	mu        sync.Mutex
	address   Address
	identity  *identity            // nil for plain HTTP
	listeners map[string]*listener // by what they were bound as
	retry     *time.Timer          // nil unless an address is missing
	pause     time.Duration        // before the next retry
	closed    bool
}

// New makes a server that listens nowhere until it is configured.
func New(opts Options) *Server {
	if opts.Listen == nil {
		opts.Listen = net.Listen
	}
	if opts.Resolve == nil {
		opts.Resolve = net.DefaultResolver.LookupHost
	}
	if opts.Retry == 0 {
		opts.Retry = time.Second
	}
	return &Server{opts: opts, listeners: map[string]*listener{}}
}

// Configure listens where address says and nowhere else. Sockets that both the old and the
// new address want stay open. Where listening fails the others serve all the same, the
// failures are returned and logged, and tried again with a growing pause until they succeed or
// the address changes. That one of the loopback addresses of "localhost" does not exist is
// no failure, nor that certificates are missing: clients are turned away until they are there.
func (s *Server) Configure(address Address) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if address.TLS != s.address.TLS {
		s.identity = nil
		if address.TLS.enabled() {
			s.identity = newIdentity(address.TLS, s.opts.Log)
		}
	}
	s.address, s.pause = address, s.opts.Retry
	return s.bind()
}

// Addresses lists what is listened on now.
func (s *Server) Addresses() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []netip.AddrPort
	for _, l := range s.listeners {
		if addr, ok := l.socket.Addr().(*net.TCPAddr); ok {
			port := addr.AddrPort()
			out = append(out, netip.AddrPortFrom(port.Addr().Unmap(), port.Port()))
		}
	}
	slices.SortFunc(out, netip.AddrPort.Compare)
	return out
}

// Close stops listening for good and returns when the last request is done or cut off.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.stopRetrying()
	s.closeAllBut(nil)
}

// bind brings the sockets in line with the address. What is not wanted is closed first, as
// the old may overlap the new (":9091" with "127.0.0.1:9091"); but while the address means
// nothing (a name that does not resolve, an impossible port) what is bound stays.
func (s *Server) bind() error {
	s.stopRetrying()
	binds, err := s.address.binds(s.opts.Resolve)
	if err == nil {
		s.closeAllBut(binds)
		err = s.listenOn(binds)
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("listen on %s: %w", s.address, err)
	s.opts.Log.WithError(err).WithField("retry", s.pause).Warn("Cannot listen everywhere")
	s.retry = time.AfterFunc(s.pause, s.tryAgain)
	s.pause = min(2*s.pause, retryMost)
	return err
}

func (s *Server) tryAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		_ = s.bind() // logged there
	}
}

func (s *Server) stopRetrying() {
	if s.retry != nil {
		s.retry.Stop()
		s.retry = nil
	}
}

// listenOn opens the sockets that are not open yet. An address that does not exist is an
// error only if it is the only one wanted or none of them exists.
func (s *Server) listenOn(binds []string) error {
	var failures, missing []error
	for _, bind := range binds {
		if s.listeners[bind] != nil {
			continue
		}
		switch err := s.listen(bind); {
		case err == nil:
		case absent(err):
			missing = append(missing, err)
		default:
			failures = append(failures, err)
		}
	}
	if len(missing) == len(binds) {
		failures = append(failures, missing...)
	}
	return errors.Join(failures...)
}
