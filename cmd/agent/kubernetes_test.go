package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/source/kubernetes"
)

// kubeconfig writes a file that leads to a server, and returns its path.
func kubeconfig(t *testing.T, server string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	text := `{"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": [{"name": "c", "cluster": {"server": "` + server + `"}}],
		"users": [{"name": "c", "user": {"token": "t"}}],
		"contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhichServerIsAsked(t *testing.T) {
	one, two := kubeconfig(t, "https://one"), kubeconfig(t, "https://two")
	for _, c := range []struct{ file, environment, want string }{
		{one, two, "https://one"},
		{"", two, "https://two"},
		{"", two + string(filepath.ListSeparator) + one, "https://two"},
		{filepath.Join(t.TempDir(), "none"), two, "error: "},
		{"", "", "error: "},
	} {
		lookup := func(name string) (string, bool) { return c.environment, name == "KUBECONFIG" && c.environment != "" }
		config, err := apiConfig(c.file, lookup)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = config.Host
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("file %q, KUBECONFIG %q: %s, want %s", c.file, c.environment, got, c.want)
		}
	}
}

func TestADatastoreMakesItsOwnParts(t *testing.T) {
	f := &flags{kubeconfig: kubeconfig(t, "https://one"), node: "n"}
	l, err := f.local(nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := l.newPublisher(); err != nil {
		t.Error(err)
	} else if _, ok := p.(*kubernetes.Publisher); !ok {
		t.Errorf("%T publishes", p)
	}
	if _, ok := l.newSource(sourceSettingsOf(l.settings), sourceOptions{}).(*kubernetes.Source); !ok {
		t.Error("it is not the API server that is read")
	}
	if l.newRecorder(quiet()) == nil {
		t.Error("nobody writes Events")
	}
	l, err = (&flags{manifests: t.TempDir(), node: "n"}).local(nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.newRecorder(quiet()) != nil || reported(nil) != nil {
		t.Error("Events, and nowhere to write them")
	}
	var d daemon
	if d.watchNode(struct{ source.Publisher }{}) != nil {
		t.Error("there is no Node to watch")
	}
}

func TestTheServersLossShows(t *testing.T) {
	o := newTestObserver(t)
	o.log = quiet()
	o.Synced(true, nil)
	heard := time.Now().Add(-time.Hour)
	o.linked(kubernetes.Link{Heard: heard, Reason: "connection refused"})
	o.Alive()
	find := func() (message string, found bool) {
		for _, c := range o.board.Detail(time.Now()).Conditions {
			if c.Name == serverLost {
				return c.Message, true
			}
		}
		return "", false
	}
	want := "last heard " + heard.UTC().Format(time.RFC3339) + "; connection refused"
	if got, _ := find(); got != want {
		t.Errorf("condition %q, want %q", got, want)
	}
	if !o.board.Detail(time.Now()).Live || len(o.board.Detail(time.Now()).Reasons) > 0 {
		t.Error("the node is not ready any more")
	}
	if age := scraped(t, o)["margay_source_age_seconds"]; !strings.HasPrefix(age, "360") {
		t.Errorf("the source is %s seconds old, want an hour", age)
	}
	o.linked(kubernetes.Link{Up: true})
	o.Alive()
	if got, found := find(); found {
		t.Errorf("condition %q", got)
	}
	if age := scraped(t, o)["margay_source_age_seconds"]; strings.HasPrefix(age, "360") {
		t.Errorf("the source still is %s seconds old", age)
	}
}
