package wireguard_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/wireguard"
)

func newKey(t testing.TB) wireguard.PrivateKey {
	t.Helper()
	k, err := wireguard.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// secretOf is the secret as it is in its file, which is the only place that shows it.
func secretOf(t *testing.T, k wireguard.PrivateKey) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := wireguard.KeyFile(path).Store(k); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func TestNothingPrintsAPrivateKey(t *testing.T) {
	k := newKey(t)
	secret := secretOf(t, k)
	raw, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	device := wireguard.Device{Key: k}
	change := wireguard.Change{Key: &k}
	asJSON, err := json.Marshal(map[string]any{"key": k, "pointer": &k})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	logger := logrus.New()
	logger.Out = &log
	logger.WithFields(logrus.Fields{"key": k, "device": device}).Error(k)
	for _, text := range []string{
		k.String(), fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %q %x %X %d", k, k, k, k, k, k, k, k),
		fmt.Sprintf("%v %+v %#v", device, device, device), fmt.Sprintf("%v %+v", change, *change.Key),
		string(asJSON), log.String(),
	} {
		for _, shape := range []string{secret, string(raw), fmt.Sprintf("%x", raw), fmt.Sprint(raw), strings.Trim(fmt.Sprint(raw), "[]")} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(shape)) {
				t.Errorf("%q shows the secret", text)
			}
		}
	}
}

func TestAKeyOutlivesItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "wireguard", "IPv6.key")
	file := wireguard.KeyFile(path)
	if k, err := file.Load(); err != nil || !k.IsZero() {
		t.Fatalf("before there is one: %v, %v", k, err)
	}
	first, second := newKey(t), newKey(t)
	for _, k := range []wireguard.PrivateKey{first, second} {
		if err := file.Store(k); err != nil {
			t.Fatal(err)
		}
		if got, err := file.Load(); err != nil || got != k {
			t.Errorf("read back: %v, %v", got, err)
		}
	}
	for p, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(p)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, %v", p, info.Mode(), err)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the key there is %v, %v", left, err)
	}
}

func TestKeyFilesThatAreNotTaken(t *testing.T) {
	secret := secretOf(t, newKey(t))
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"others can read it": {secret, 0o644, "has mode 0644 and must have 0600"},
		"cut short":          {secret[:20], 0o600, "does not hold a key"},
		"empty":              {"", 0o600, "does not hold a key"},
		"zeroes":             {base64.StdEncoding.EncodeToString(make([]byte, 32)), 0o600, "does not hold a key"},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := wireguard.KeyFile(path).Load()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && c.text != "" && strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: the error shows what is in the file: %v", name, err)
		}
	}
}

func TestWithoutAStateDirectoryNothingIsKept(t *testing.T) {
	var none wireguard.KeyFile
	if err := none.Store(newKey(t)); err != nil {
		t.Error(err)
	}
	if k, err := none.Load(); err != nil || !k.IsZero() {
		t.Errorf("%v, %v", k, err)
	}
}
