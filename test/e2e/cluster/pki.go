package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// authority signs every certificate of the cluster, the server's and the clients'.
type authority struct {
	directory   string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// identity is who a certificate is for.
type identity struct {
	// name is the user's name, groups its groups: Kubernetes takes them from the subject.
	name   string
	groups []string
	hosts  []string     // a server's names
	addrs  []netip.Addr // a server's addresses
	until  time.Time    // zero: a day from now
}

// newAuthority makes an authority that keeps its files in a directory: ca.crt, and NAME.crt and
// NAME.key of what it signs; sa.key and sa.pub sign and verify the tokens of service accounts.
func newAuthority(directory string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &authority{directory: directory, key: key}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "margay-e2e"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	if err := a.write("ca.crt", "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return a, a.newTokenKey()
}

// newTokenKey makes the key pair of the service accounts' tokens.
func (a *authority) newTokenKey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := a.write("sa.key", "EC PRIVATE KEY", private); err != nil {
		return err
	}
	return a.write("sa.pub", "PUBLIC KEY", public)
}

// sign makes file.crt and file.key for somebody, replacing what is there.
func (a *authority) sign(file string, who identity) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return err
	}
	if who.until.IsZero() {
		who.until = time.Now().Add(24 * time.Hour)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: who.name, Organization: who.groups},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     who.until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		DNSNames:     who.hosts,
	}
	for _, addr := range who.addrs {
		template.IPAddresses = append(template.IPAddresses, net.IP(addr.AsSlice()))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("certificate of %s: %w", who.name, err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := a.write(file+".key", "EC PRIVATE KEY", private); err != nil {
		return err
	}
	return a.write(file+".crt", "CERTIFICATE", der)
}

// path is where a file of the authority is.
func (a *authority) path(file string) string { return filepath.Join(a.directory, file) }

func (a *authority) write(file, kind string, der []byte) error {
	return os.WriteFile(a.path(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
