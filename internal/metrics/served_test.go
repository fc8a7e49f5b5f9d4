package metrics

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/serve"
)

// TestRebindingLosesNothing moves the server over real sockets while it counts.
func TestRebindingLosesNothing(t *testing.T) {
	m := newMetrics()
	logger := logrus.New()
	logger.Out = t.Output()
	s := serve.New(serve.Options{Handler: m.Handler(), Log: logrus.NewEntry(logger)})
	defer s.Close()
	for i, a := range []serve.Address{
		{Enabled: true, Host: "localhost"}, {Enabled: false}, {Enabled: true}, {Enabled: true, Host: "localhost"},
	} {
		m.Dataplane.Repaired("route", family.V6, 1)
		if err := s.Configure(a); err != nil {
			t.Fatal(err)
		}
		if a.Enabled == (len(s.Addresses()) == 0) {
			t.Errorf("%v: listens on %v", a, s.Addresses())
		}
		for _, at := range s.Addresses() {
			host := at.String()
			if at.Addr().IsUnspecified() {
				host = fmt.Sprintf("localhost:%d", at.Port())
			}
			want := fmt.Sprintf(`margay_repairs_total{family="IPv6",kind="route"} %d`, i+1)
			if got := fetch(t, "http://"+host+"/metrics"); !strings.Contains(got, want+"\n") {
				t.Errorf("%v: no %s in\n%s", at, want, got)
			}
		}
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
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
