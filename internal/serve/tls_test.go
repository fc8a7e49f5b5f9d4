package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes a certificate; of an authority that has none yet, its own.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// issue makes a certificate for a server on a loopback address, or a client.
func (a *authority) issue(name string) (cert, key string) {
	c, k := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return pemText("CERTIFICATE", c.Raw), pemText("PRIVATE KEY", der)
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// place is a directory with the files of a server, as a Secret is mounted: links into a
// directory that is swapped.
type place struct {
	t   *testing.T
	dir string
	n   int
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// put swaps in other files.
func (p *place) put(files map[string]string) {
	p.t.Helper()
	p.n++
	now := filepath.Join(p.dir, ".."+strings.Repeat("i", p.n))
	must := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	must(os.Mkdir(now, 0o700))
	for name, text := range files {
		must(os.WriteFile(filepath.Join(now, name), []byte(text), 0o600))
		if err := os.Symlink(filepath.Join("..data", name), p.path(name)); !errors.Is(err, os.ErrExist) {
			must(err)
		}
	}
	must(os.Symlink(filepath.Base(now), p.path("new")))
	must(os.Rename(p.path("new"), p.path("..data")))
}

func (p *place) tls() TLS { return TLS{CertFile: p.path("tls.crt"), KeyFile: p.path("tls.key")} }

// dial asks for /ping over TLS and returns the answer, or why there is none, and the name
// that the server goes by.
func dial(t *testing.T, h *host, address string, config *tls.Config) (answer, server string) {
	t.Helper()
	h.mu.Lock()
	socket := h.pipes[address]
	h.mu.Unlock()
	near, far := net.Pipe()
	socket.conns <- far
	config = config.Clone()
	config.ServerName, _, _ = net.SplitHostPort(address)
	conn := tls.Client(near, config)
	defer near.Close()
	if err := conn.Handshake(); err != nil {
		return "no handshake: " + err.Error(), ""
	}
	server = conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	// In TLS 1.3 a client learns that it is turned away when it reads; over a pipe, nobody
	// can say so who is written to.
	go func() { _, _ = conn.Write([]byte("GET /ping HTTP/1.0\r\n\r\n")) }()
	text := make([]byte, 1024)
	n, err := conn.Read(text)
	if err != nil {
		return "turned away: " + err.Error(), server
	}
	status, _, _ := strings.Cut(string(text[:n]), "\r\n")
	return strings.TrimPrefix(status, "HTTP/1.0 "), server
}

func secured(p *place) Address {
	return Address{Enabled: true, Host: "localhost", Port: 9091, TLS: p.tls()}
}

var loopbacks = []string{"127.0.0.1:9091", "[::1]:9091"}

// A certificate is renewed under a running server, first its one file and then the other, and
// then both at once; nobody is ever shown a broken one.
func TestCertificatesAreReadAgain(t *testing.T) {
	defer goleak.VerifyNone(t)
	h := newHost("127.0.0.1", "::1")
	s, log := newServer(t, h, time.Hour)
	defer s.Close()
	ca, files := newAuthority(t, "ca"), &place{t: t, dir: t.TempDir()}
	shown := func(when, want string) {
		t.Helper()
		for _, address := range loopbacks {
			if answer, server := dial(t, h, address, &tls.Config{RootCAs: ca.pool()}); answer != "200 OK" || server != want {
				t.Errorf("%s, %s: %s from %s, want %s", when, address, answer, server, want)
			}
		}
	}
	firstCert, firstKey := ca.issue("first")
	files.put(map[string]string{"tls.crt": firstCert, "tls.key": firstKey})
	if err := s.Configure(secured(files)); err != nil {
		t.Fatal(err)
	}
	shown("at first", "first")
	secondCert, secondKey := ca.issue("second")
	files.put(map[string]string{"tls.crt": secondCert, "tls.key": firstKey})
	shown("a new certificate without its key", "first")
	files.put(map[string]string{"tls.crt": secondCert, "tls.key": secondKey})
	shown("with its key", "second")
	files.put(map[string]string{"tls.crt": "nonsense", "tls.key": ""})
	shown("nonsense", "second")
	if err := os.Remove(files.path("..data")); err != nil {
		t.Fatal(err)
	}
	shown("all gone", "second")
	thirdCert, thirdKey := ca.issue("third")
	files.put(map[string]string{"tls.crt": thirdCert, "tls.key": thirdKey})
	shown("another", "third")
	if n := strings.Count(log.String(), "New certificates cannot be used"); n != 3 {
		t.Errorf("%d complaints, want one for each of the three states:\n%s", n, log)
	}
	for _, address := range loopbacks {
		if n := h.opened[address]; n != 1 {
			t.Errorf("%s was opened %d times", address, n)
		}
	}
}

func TestWhatClientsMustShow(t *testing.T) {
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	files := &place{t: t, dir: t.TempDir()}
	cert, key := ca.issue("server")
	files.put(map[string]string{"tls.crt": cert, "tls.key": key, "ca.crt": pemText("CERTIFICATE", ca.cert.Raw)})
	pair := func(a *authority) *tls.Certificate {
		c, err := tls.X509KeyPair(func() (x, y []byte) { c, k := a.issue("client"); return []byte(c), []byte(k) }())
		if err != nil {
			t.Fatal(err)
		}
		return &c
	}
	clients := map[string]*tls.Certificate{"none": {}, "ours": pair(ca), "somebody's": pair(other)}
	for _, c := range []struct {
		auth tls.ClientAuthType
		in   string // the clients that are let in
	}{
		{tls.NoClientCert, "none ours somebody's"},
		{tls.RequireAnyClientCert, "ours somebody's"},
		{tls.VerifyClientCertIfGiven, "none ours"},
		{tls.RequireAndVerifyClientCert, "ours"},
	} {
		t.Run(c.auth.String(), func(t *testing.T) {
			h := newHost("127.0.0.1", "::1")
			s, _ := newServer(t, h, time.Hour)
			defer s.Close()
			a := secured(files)
			a.TLS.ClientAuth, a.TLS.CAFile = c.auth, files.path("ca.crt")
			if err := s.Configure(a); err != nil {
				t.Fatal(err)
			}
			for name, certificates := range clients {
				for _, address := range loopbacks {
					answer, _ := dial(t, h, address, &tls.Config{RootCAs: ca.pool(), GetClientCertificate: showing(certificates)})
					if in := answer == "200 OK"; in != strings.Contains(c.in, name) {
						t.Errorf("%s, client with certificate %s: %s", address, name, answer)
					}
				}
			}
		})
	}
}

// showing has a client show its certificate even to a server that does not care for its
// authority, which polite clients do not.
func showing(c *tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c, nil }
}

// When the authority of the clients is another, those of the one before are turned away.
func TestClientsOfAnAuthorityThatWasReplaced(t *testing.T) {
	h := newHost("127.0.0.1", "::1")
	s, _ := newServer(t, h, time.Hour)
	defer s.Close()
	before, after := newAuthority(t, "before"), newAuthority(t, "after")
	files := &place{t: t, dir: t.TempDir()}
	cert, key := before.issue("server")
	a := secured(files)
	a.TLS.ClientAuth, a.TLS.CAFile = tls.RequireAndVerifyClientCert, files.path("ca.crt")
	clientCert, clientKey := before.issue("client")
	client, err := tls.X509KeyPair([]byte(clientCert), []byte(clientKey))
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: before.pool(), GetClientCertificate: showing(&client), ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	for _, step := range []struct {
		ca *authority
		in bool
	}{{before, true}, {after, false}, {before, true}} {
		files.put(map[string]string{"tls.crt": cert, "tls.key": key, "ca.crt": pemText("CERTIFICATE", step.ca.cert.Raw)})
		if err := s.Configure(a); err != nil {
			t.Fatal(err)
		}
		if answer, _ := dial(t, h, "[::1]:9091", config); (answer == "200 OK") != step.in {
			t.Errorf("authority %s: %s", step.ca.cert.Subject.CommonName, answer)
		}
	}
}

// What was to be encrypted is never served in the clear, and clients whose certificates were
// to be verified are never let in unverified.
func TestTLSThatIsNotComplete(t *testing.T) {
	ca, files := newAuthority(t, "ca"), &place{t: t, dir: t.TempDir()}
	cert, key := ca.issue("server")
	files.put(map[string]string{"tls.crt": cert, "tls.key": key, "empty": ""})
	whole := files.tls()
	for _, c := range []struct {
		name string
		tls  TLS
		log  string
	}{
		{"no key", TLS{CertFile: whole.CertFile}, "one of the two is not given"},
		{"no certificate", TLS{KeyFile: whole.KeyFile}, "one of the two is not given"},
		{"files that are not there", TLS{CertFile: files.path("a"), KeyFile: files.path("b")}, "no such file"},
		{"no authorities", TLS{CertFile: whole.CertFile, KeyFile: whole.KeyFile, ClientAuth: tls.RequireAndVerifyClientCert}, "no file of authorities is given"},
		{"no authorities, if given", TLS{CertFile: whole.CertFile, KeyFile: whole.KeyFile, ClientAuth: tls.VerifyClientCertIfGiven}, "no file of authorities is given"},
		{"empty authorities", TLS{CertFile: whole.CertFile, KeyFile: whole.KeyFile, CAFile: files.path("empty"), ClientAuth: tls.RequireAndVerifyClientCert}, "holds no certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("127.0.0.1", "::1")
			s, log := newServer(t, h, time.Hour)
			defer s.Close()
			a := Address{Enabled: true, Host: "localhost", Port: 9091, TLS: c.tls}
			if err := s.Configure(a); err != nil {
				t.Error(err)
			}
			if answer, _ := dial(t, h, "[::1]:9091", &tls.Config{RootCAs: ca.pool()}); !strings.HasPrefix(answer, "no handshake: ") {
				t.Errorf("a client gets %s", answer)
			}
			near, far := net.Pipe()
			h.pipes["127.0.0.1:9091"].conns <- far
			go func() { _, _ = near.Write([]byte("GET /ping HTTP/1.0\r\n\r\n")) }()
			text := make([]byte, 1024)
			if n, _ := near.Read(text); strings.Contains(string(text[:n]), "pong") || strings.Contains(string(text[:n]), "200 OK") {
				t.Errorf("in the clear: %q", text[:n])
			}
			near.Close()
			if !strings.Contains(log.String(), c.log) || strings.Count(log.String(), "turned away") != 1 {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// Plain HTTP becomes TLS, and back, without another process.
func TestTLSIsSwitchedOnAndOff(t *testing.T) {
	defer goleak.VerifyNone(t)
	h := newHost("127.0.0.1", "::1")
	h.taken["[::1]:9091"] = unix.EADDRINUSE // one family at a time is enough here
	s, _ := newServer(t, h, time.Hour)
	defer s.Close()
	ca, files := newAuthority(t, "ca"), &place{t: t, dir: t.TempDir()}
	cert, key := ca.issue("server")
	files.put(map[string]string{"tls.crt": cert, "tls.key": key})
	plain, encrypted := Address{Enabled: true, Host: "127.0.0.1", Port: 9091}, secured(files)
	encrypted.Host = "127.0.0.1"
	for range 2 {
		if err := s.Configure(plain); err != nil {
			t.Fatal(err)
		}
		if got := h.get(t, "127.0.0.1:9091"); got != "pong /ping" {
			t.Errorf("plain: %s", got)
		}
		if err := s.Configure(encrypted); err != nil {
			t.Fatal(err)
		}
		if got, _ := dial(t, h, "127.0.0.1:9091", &tls.Config{RootCAs: ca.pool()}); got != "200 OK" {
			t.Errorf("TLS: %s", got)
		}
	}
}
