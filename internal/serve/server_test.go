package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/netlab"
)

func TestMain(m *testing.M) { os.Exit(netlab.Main(m)) }

// host is a fake of the sockets of a host: it has some addresses, some of whose ports others
// may have taken, and tells when somebody tried to listen.
type host struct {
	mu     sync.Mutex
	has    []string          // addresses; "" for all
	taken  map[string]error  // by bind address: why it cannot be had
	opened map[string]int    // how often each was listened on
	pipes  map[string]*pipes // open sockets
	tried  chan string
}

func newHost(has ...string) *host {
	return &host{has: has, taken: map[string]error{}, opened: map[string]int{}, pipes: map[string]*pipes{}, tried: make(chan string, 100)}
}

func (h *host) Listen(network, address string) (net.Listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.tried <- address }()
	name, _, err := net.SplitHostPort(address)
	if err != nil || network != "tcp" {
		return nil, fmt.Errorf("listen %s %s", network, address)
	}
	failed := func(err error) (net.Listener, error) {
		return nil, &net.OpError{Op: "listen", Net: network, Err: os.NewSyscallError("bind", err)}
	}
	if !slices.Contains(h.has, name) {
		return failed(unix.EADDRNOTAVAIL)
	}
	if err := h.taken[address]; err != nil {
		return failed(err)
	}
	if h.pipes[address] != nil {
		return failed(unix.EADDRINUSE)
	}
	h.opened[address]++
	h.pipes[address] = &pipes{host: h, address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	return h.pipes[address], nil
}

// listening lists the open sockets.
func (h *host) listening() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for address := range h.pipes {
		out = append(out, address)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// get asks for /ping over a socket of the host.
func (h *host) get(t *testing.T, address string) string {
	t.Helper()
	h.mu.Lock()
	socket := h.pipes[address]
	h.mu.Unlock()
	if socket == nil {
		return "refused"
	}
	client, server := net.Pipe()
	socket.conns <- server
	defer client.Close()
	return ask(t, client)
}

func ask(t *testing.T, conn net.Conn) string {
	t.Helper()
	fmt.Fprint(conn, "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// pipes is a listening socket of the fake.
type pipes struct {
	host    *host
	address string
	conns   chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.host.mu.Lock()
		delete(p.host.pipes, p.address)
		p.host.mu.Unlock()
	})
	return nil
}

func (p *pipes) Addr() net.Addr {
	addr, _ := net.ResolveTCPAddr("tcp", p.address)
	return addr
}

func pong() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "pong %s", r.URL.Path) })
}

func newServer(t *testing.T, h *host, retry time.Duration) (*Server, *bytes.Buffer) {
	t.Helper()
	var text bytes.Buffer
	logger := logrus.New()
	logger.Out, logger.Formatter = &text, &logrus.TextFormatter{DisableTimestamp: true}
	s := New(Options{
		Handler: pong(),
		Log:     logger.WithField("server", "test"),
		Listen:  h.Listen,
		Resolve: func(_ context.Context, name string) ([]string, error) {
			if name == "node1" {
				return []string{"fd00::1", "10.0.0.1", "10.0.0.1"}, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		},
		Retry: retry,
	})
	t.Cleanup(s.Close)
	return s, &text
}

func TestWhereItListens(t *testing.T) {
	on := func(host string, port int) Address { return Address{Enabled: true, Host: host, Port: port} }
	both := []string{"", "127.0.0.1", "::1", "10.0.0.1", "fd00::1"}
	for _, c := range []struct {
		name    string
		has     []string
		address Address
		want    string
		err     string
	}{
		{"off", both, Address{Host: "localhost", Port: 9099}, "", ""},
		{"localhost", both, on("localhost", 9099), "127.0.0.1:9099 [::1]:9099", ""},
		{"localhost without IPv6", []string{"127.0.0.1"}, on("localhost", 9099), "127.0.0.1:9099", ""},
		{"localhost without IPv4", []string{"::1"}, on("localhost", 9099), "[::1]:9099", ""},
		{"localhost without loopback", nil, on("localhost", 9099), "",
			"listen on localhost:9099: listen tcp: bind: cannot assign requested address\nlisten tcp: bind: cannot assign requested address"},
		{"all addresses", both, on("", 9091), ":9091", ""},
		{"an IPv4 address", both, on("10.0.0.1", 9091), "10.0.0.1:9091", ""},
		{"an IPv6 address", both, on("fd00::1", 9091), "[fd00::1]:9091", ""},
		{"an IPv6 address in brackets", both, on("[::1]", 9091), "[::1]:9091", ""},
		{"an address of another host", both, on("10.0.0.2", 9091), "", "listen on 10.0.0.2:9091: listen tcp: bind: cannot assign requested address"},
		{"a name", both, on("node1", 9091), "10.0.0.1:9091 [fd00::1]:9091", ""},
		{"a name with an address of another host", []string{"fd00::1"}, on("node1", 9091), "[fd00::1]:9091", ""},
		{"an unknown name", both, on("node2", 9091), "", "listen on node2:9091: lookup node2: no such host"},
		{"no port", both, on("localhost", 65536), "", "listen on localhost:65536: port 65536: expected 0 to 65535"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(c.has...)
			s, _ := newServer(t, h, time.Hour)
			err := s.Configure(c.address)
			if got := fmt.Sprint(err); got != c.err && !(err == nil && c.err == "") {
				t.Errorf("error %s, want %s", got, c.err)
			}
			if got := h.listening(); got != c.want {
				t.Errorf("listens on %s, want %s", got, c.want)
			}
			for address := range strings.FieldsSeq(c.want) {
				if got := h.get(t, address); got != "pong /ping" {
					t.Errorf("%s answers %q", address, got)
				}
			}
			s.Close()
			if got := h.listening(); got != "" {
				t.Errorf("listens on %s when closed", got)
			}
		})
	}
}

func TestReconfiguration(t *testing.T) {
	defer goleak.VerifyNone(t)
	h := newHost("", "127.0.0.1", "::1")
	s, text := newServer(t, h, time.Hour)
	defer s.Close()
	for _, step := range []struct {
		address Address
		want    string
	}{
		{Address{Enabled: true, Host: "localhost", Port: 9099}, "127.0.0.1:9099 [::1]:9099"},
		{Address{Enabled: true, Host: "::1", Port: 9099}, "[::1]:9099"}, // keeps the socket
		{Address{Enabled: true, Host: "::1", Port: 9100}, "[::1]:9100"},
		{Address{Enabled: true, Host: "", Port: 9100}, ":9100"},
		{Address{Enabled: false, Host: "", Port: 9100}, ""},
		{Address{Enabled: true, Host: "", Port: 9100}, ":9100"},
	} {
		if err := s.Configure(step.address); err != nil {
			t.Errorf("%v: %v", step.address, err)
		}
		if got := h.listening(); got != step.want {
			t.Errorf("%v: listens on %s, want %s", step.address, got, step.want)
		}
	}
	if n := h.opened["[::1]:9099"]; n != 1 {
		t.Errorf("a socket that stays wanted was opened %d times", n)
	}
	for _, line := range []string{
		`level=info msg=Listening address="[::1]:9099" server=test`,
		`level=info msg="No longer listening" address="127.0.0.1:9099" server=test`,
	} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("log lacks %s:\n%s", line, text)
		}
	}
	s.Close()
	if err := s.Configure(Address{Enabled: true, Port: 9100}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("configuring a closed server: %v", err)
	}
}

func TestWhatMeansNothingChangesNothing(t *testing.T) {
	h := newHost("127.0.0.1", "::1")
	s, _ := newServer(t, h, time.Hour)
	if err := s.Configure(Address{Enabled: true, Host: "localhost", Port: 9099}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []Address{{Enabled: true, Host: "node2", Port: 9099}, {Enabled: true, Host: "localhost", Port: -1}} {
		if err := s.Configure(a); err == nil {
			t.Errorf("%v: no error", a)
		}
		if got, want := h.listening(), "127.0.0.1:9099 [::1]:9099"; got != want {
			t.Errorf("%v: listens on %s, want %s still", a, got, want)
		}
	}
}

// TestTriesAgain has somebody else on one of the ports: the other family serves meanwhile.
func TestTriesAgain(t *testing.T) {
	defer goleak.VerifyNone(t)
	h := newHost("127.0.0.1", "::1")
	h.taken["[::1]:9099"] = unix.EADDRINUSE
	s, _ := newServer(t, h, time.Millisecond)
	defer s.Close()
	err := s.Configure(Address{Enabled: true, Host: "localhost", Port: 9099})
	if want := "listen on localhost:9099: listen tcp: bind: address already in use"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if got := h.get(t, "127.0.0.1:9099"); got != "pong /ping" {
		t.Errorf("IPv4 answers %q while IPv6 is taken", got)
	}
	h.mu.Lock()
	delete(h.taken, "[::1]:9099")
	h.mu.Unlock()
	for h.listening() != "127.0.0.1:9099 [::1]:9099" {
		<-h.tried // each attempt is an event; the server makes the next one by itself
	}
	if got := h.get(t, "[::1]:9099"); got != "pong /ping" {
		t.Errorf("IPv6 answers %q", got)
	}
	if n := h.opened["127.0.0.1:9099"]; n != 1 {
		t.Errorf("IPv4 was opened %d times", n)
	}
}

func TestAddressText(t *testing.T) {
	for _, c := range []struct {
		address Address
		want    string
	}{
		{Address{Host: "localhost", Port: 1}, "off"},
		{Address{Enabled: true, Host: "localhost", Port: 9099}, "localhost:9099"},
		{Address{Enabled: true, Port: 9091}, ":9091"},
		{Address{Enabled: true, Host: "fd00::1", Port: 9091}, "[fd00::1]:9091"},
		{Address{Enabled: true, Host: "[fd00::1]", Port: 9091}, "[fd00::1]:9091"},
	} {
		if got := c.address.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestProfiles(t *testing.T) {
	h := newHost("127.0.0.1", "::1")
	s, _ := newServer(t, h, time.Hour)
	s.opts.Handler = Profiles()
	if err := s.Configure(Address{Enabled: true, Host: "localhost", Port: 6060}); err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		h.pipes["[::1]:6060"].conns <- far
		return near, nil
	}, DisableKeepAlives: true}}
	for path, want := range map[string]int{
		"/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/cmdline": 200, "/metrics": 404,
	} {
		response, err := client.Get("http://localhost:6060" + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, response.Status, want)
		}
	}
}
