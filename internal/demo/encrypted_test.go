package demo

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/netlab"
)

// What is replaced in the example's settings must be there to be replaced.
func TestTheExamplesSettingsAskForEncryption(t *testing.T) {
	dir := t.TempDir()
	if err := copyManifests(example, dir); err != nil {
		t.Fatal(err)
	}
	if err := (Encapsulation{Kind: wireguardKind}).rewrite(dir, smallCluster()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "settings.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"  wireguardEnabled: true\n", "  wireguardEnabledV6: true\n", "  wireguardRequired: true\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// What is of pods and readable is open, whatever it is; what goes to the port is the tunnel's.
func TestCountsOnTheWire(t *testing.T) {
	d := &demo{cluster: smallCluster()}
	at := netip.MustParseAddr
	packet := func(from, to string, port uint16) netlab.Capture {
		return netlab.Capture{Header: netlab.Header{From: at(from), To: at(to)}, Port: port}
	}
	hidden, open := d.count([]netlab.Capture{
		packet("172.30.0.1", "172.30.0.2", 51820),
		packet("172.30.0.2", "172.30.0.1", 51820), // the other way
		packet("172.30.0.1", "172.30.0.2", 53),
		packet("10.65.1.10", "10.65.2.10", 8080),
		packet("10.65.1.10", "172.30.0.2", 51820), // from a pod all the same
		packet("fe80::1", "ff02::16", 0),
	}, at("172.30.0.1"), at("172.30.0.2"), 51820)
	if hidden != 1 || open != 2 {
		t.Errorf("%d hidden and %d open, want 1 and 2", hidden, open)
	}
}
