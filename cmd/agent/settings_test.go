package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/config"
)

func TestFlagsGoBeforeTheEnvironmentAndThatBeforeTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "felix.cfg")
	if err := os.WriteFile(file, []byte("HealthPort = 1\nDebugPort = 1\nMetadataPort = 1\nPrometheusMetricsPort = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := flags{manifests: "m", node: "n", file: file, set: []string{"HealthPort=3"}}
	l, err := f.local([]string{"FELIX_HEALTHPORT=2", "FELIX_DEBUGPORT=2", "FELIX_FILESDIRECTORY=elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	s := l.settings
	if s.Health.Port != 3 || s.Debug.Port != 2 || s.Metrics.Port != 1 {
		t.Errorf("ports %d %d %d, want 3 2 1", s.Health.Port, s.Debug.Port, s.Metrics.Port)
	}
	if s.Datastore != (config.Datastore{Type: config.Files, Node: "n", Directory: "m", MaxFileSize: 256 << 20, LostShare: 30}) {
		t.Errorf("%+v", s.Datastore)
	}
}

func TestTheNodeHasTheHostsNameInLowerCase(t *testing.T) {
	l, err := (&flags{manifests: "m"}).local(nil)
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Skip("the host has no name: ", err)
	}
	if l.node() != strings.ToLower(host) {
		t.Errorf("node %q, want %q", l.node(), strings.ToLower(host))
	}
}

func TestAWrongEnvironmentDoesNotStopTheAgent(t *testing.T) {
	l, err := (&flags{manifests: "m", node: "n"}).local([]string{"FELIX_HEALTHPORT=many", "FELIX_NONSENSE=1"})
	if err != nil || l.settings.Health.Port != 9099 {
		t.Errorf("%v", err)
	}
}

func TestTheNewestSettingsCount(t *testing.T) {
	d := &daemon{configured: make(chan *config.Resolved, 1), replaced: make(chan sourceSettings, 1)}
	for range 3 {
		d.configure(&config.Resolved{})
	}
	last := &config.Resolved{}
	d.configure(last) // blocks nobody, though nobody takes
	if got := <-d.configured; got != last {
		t.Error("older settings were kept")
	}
	d.replaceSource(sourceSettings{maxFileSize: 1})
	d.replaceSource(sourceSettings{maxFileSize: 2})
	if got := <-d.replaced; got.maxFileSize != 2 {
		t.Errorf("%+v", got)
	}
}

func TestLogLevels(t *testing.T) {
	for level, want := range map[config.LogLevel]string{
		config.LogTrace: "tdiwe", config.LogDebug: "diwe", config.LogInfo: "iwe",
		config.LogWarning: "we", config.LogError: "e", config.LogFatal: "", "": "",
	} {
		log, out := writtenLog()
		setLogLevel(log.Logger, level)
		log.Trace("t")
		log.Debug("d")
		log.Info("i")
		log.Warn("w")
		log.Error("e")
		got := ""
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			if _, message, ok := strings.Cut(line, "msg="); ok {
				got += message
			}
		}
		if got != want {
			t.Errorf("level %q logs %q, want %q", level, got, want)
		}
	}
}

func TestALineOfTheLogHasFields(t *testing.T) {
	log, out := writtenLog()
	log.WithFields(logrus.Fields{"family": "IPv6", "interface": "cali1"}).Warn("No route")
	if got := out.String(); !strings.Contains(got, `level=warning msg="No route" family=IPv6 interface=cali1`) {
		t.Error(got)
	}
}
