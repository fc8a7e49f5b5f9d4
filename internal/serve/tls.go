package serve

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

// TLS says by what certificate a server is known, and what clients must show. The zero value
// is plain HTTP.
type TLS struct {
	// CertFile and KeyFile are the server's certificate, with those that it is signed by, and
	// its key, in PEM. Either makes the server one of TLS, which works once both are there: a
	// server that was to be encrypted never answers in the clear.
	CertFile, KeyFile string
	// CAFile has the certificates that sign those of clients, in PEM.
	CAFile string
	// ClientAuth is what clients must show. What is to be verified is held to CAFile alone:
	// the authorities that the system trusts sign for the whole world.
	ClientAuth tls.ClientAuthType
}

func (t TLS) enabled() bool { return t.CertFile != "" || t.KeyFile != "" }

// verifies says whether clients' certificates are checked.
func (t TLS) verifies() bool {
	return t.ClientAuth == tls.VerifyClientCertIfGiven || t.ClientAuth == tls.RequireAndVerifyClientCert
}

// identity is what the files of a TLS hold. They are looked at when a client comes, and read
// again if they are not what they were: certificates are renewed every few weeks, mostly by a
// swap of links (a mounted Secret), and nobody wakes up for it in between. While what is there
// cannot be used, what was last read stays in force: the two files of a certificate are rarely
// written in one moment.
type identity struct {
	of  TLS
	log *logrus.Entry

	mu     sync.Mutex
	stamps [3]stamp
	config *tls.Config // nil as long as nothing usable has been read
	err    error       // of the last reading
}

// stamp tells whether a file is still what it was; zero for one that cannot be looked at.
type stamp struct {
	device, inode uint64
	size          int64
	modified      time.Time
}

func stampOf(path string) stamp {
	st, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	s := stamp{size: st.Size(), modified: st.ModTime()}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		s.device, s.inode = sys.Dev, sys.Ino
	}
	return s
}

// newIdentity reads the files. What is wrong with them is logged; they may yet come.
func newIdentity(of TLS, log *logrus.Entry) *identity {
	i := &identity{of: of, log: log}
	_, _ = i.current()
	return i
}

// serverConfig is for a listener: what clients are shown is decided as each comes.
func (i *identity) serverConfig() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return i.current() },
	}
}

// current is what holds now.
func (i *identity) current() (*tls.Config, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	// Before they are read: what changes while they are is read again the next time.
	stamps := [3]stamp{stampOf(i.of.CertFile), stampOf(i.of.KeyFile), stampOf(i.of.CAFile)}
	if stamps != i.stamps || i.config == nil && i.err == nil {
		i.stamps = stamps
		i.read()
	}
	if i.config == nil {
		return nil, i.err
	}
	return i.config, nil
}

// read reads the files. A failure is logged once, and so is that it is over.
func (i *identity) read() {
	config, err := i.of.load()
	failing, news := i.err != nil, i.config != nil
	i.err = err
	if err != nil {
		log := i.log.WithError(err)
		if news {
			log.Error("New certificates cannot be used; those before stay in force")
		} else {
			log.Error("There are no certificates to serve TLS by; clients are turned away")
		}
		return
	}
	i.config = config
	if failing || news {
		i.log.WithField("certificate", i.of.CertFile).Info("Certificates have been read again")
	}
}

// load reads the files into a configuration. What a client must show is held to the present
// files at each handshake, so that sessions are not resumed past them.
func (t TLS) load() (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate %q, key %q: %w", t.CertFile, t.KeyFile, pathless(err))
	}
	config := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		Certificates:           []tls.Certificate{certificate},
		ClientAuth:             t.ClientAuth,
		NextProtos:             []string{"http/1.1"},
		SessionTicketsDisabled: true,
	}
	if !t.verifies() {
		return config, nil
	}
	if t.CAFile == "" {
		return nil, errors.New("clients' certificates are to be verified, and no file of authorities is given")
	}
	text, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("authorities: %s holds no certificate", t.CAFile)
	}
	return config, nil
}

// pathless is an error of a file without its name, which the message has already.
func pathless(err error) error {
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) && failed.Path == "" {
		return errors.New("one of the two is not given")
	}
	return err
}
