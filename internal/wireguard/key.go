package wireguard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/margay-net/margay/internal/model"
)

// Key is a node's public key.
type Key = model.WireguardKey

// PrivateKey is the node's own secret. It has no exported form but the file that it is kept in,
// and whatever prints it prints its public half.
type PrivateKey struct{ secret wgtypes.Key }

// NewPrivateKey makes a key from the system's randomness.
func NewPrivateKey() (PrivateKey, error) {
	k, err := wgtypes.GeneratePrivateKey()
	return PrivateKey{k}, err
}

// Public is the half that other nodes are told.
func (k PrivateKey) Public() Key { return Key(k.secret.PublicKey()) }

// IsZero says whether there is no key.
func (k PrivateKey) IsZero() bool { return k.secret == wgtypes.Key{} }

// String says whose key it is, and not what it is.
func (k PrivateKey) String() string { return "private key of " + k.Public().String() }

// GoString keeps %#v from showing the secret.
func (k PrivateKey) GoString() string { return k.String() }

// Format keeps every verb of fmt from showing the secret.
func (k PrivateKey) Format(s fmt.State, _ rune) { fmt.Fprint(s, k.String()) }

// KeyFile is where a node's private key is kept: a file of mode 0600 in a directory that only its
// owner can enter. An empty path keeps nothing.
type KeyFile string

// Load reads the key. It returns a zero key and no error if there is none yet. A file that others
// may read is refused, since what it holds is no secret any more.
func (f KeyFile) Load() (PrivateKey, error) {
	if f == "" {
		return PrivateKey{}, nil
	}
	info, err := os.Stat(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return PrivateKey{}, nil
	}
	if err != nil {
		return PrivateKey{}, fmt.Errorf("WireGuard key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return PrivateKey{}, fmt.Errorf("WireGuard key: %s has mode %#o and must have 0600", f, mode)
	}
	text, err := os.ReadFile(string(f))
	if err != nil {
		return PrivateKey{}, fmt.Errorf("WireGuard key: %w", err)
	}
	k, err := wgtypes.ParseKey(strings.TrimSpace(string(text)))
	if err != nil || k == (wgtypes.Key{}) {
		return PrivateKey{}, fmt.Errorf("WireGuard key: %s does not hold a key", f) // err would quote it
	}
	return PrivateKey{k}, nil
}

// Store keeps the key, in one step: whoever reads the file finds the old key or the new one.
func (f KeyFile) Store(k PrivateKey) error {
	if f == "" {
		return nil
	}
	dir := filepath.Dir(string(f))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("WireGuard key: %w", err)
	}
	temp, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("WireGuard key: %w", err)
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone already if all went well
	_, err = temp.WriteString(k.secret.String() + "\n")
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("WireGuard key: %w", err)
	}
	if err := os.Rename(temp.Name(), string(f)); err != nil {
		return fmt.Errorf("WireGuard key: %w", err)
	}
	return nil
}
