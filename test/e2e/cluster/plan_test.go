package cluster

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

func TestAddresses(t *testing.T) {
	both := Options{}.complete()
	for _, c := range []struct {
		name string
		got  []string
		want string
	}{
		{"the control plane", texts(both.onLink(controlNumber)), "172.30.0.2/24 fd00:30::2/64"},
		{"node1", texts(both.onLink(firstNode)), "172.30.0.11/24 fd00:30::b/64"},
		{"node1's pods", texts(both.podNets(1)), "10.244.1.0/24 fd00:10:244:1::/64"},
		{"node200's pods", texts(both.podNets(200)), "10.244.200.0/24 fd00:10:244:c8::/64"},
		{"services", texts(both.Services), "10.96.0.0/16 fd00:10:96::/112"},
		{"IPv6 first", texts(Options{Primary: family.V6}.complete().podNets(2)), "fd00:10:244:2::/64 10.244.2.0/24"},
		{"IPv6 only", texts(Options{Families: family.NewSet(family.V6)}.complete().onLink(12)), "fd00:30::c/64"},
		{"IPv4 only, whatever comes first", texts(Options{Families: family.NewSet(family.V4), Primary: family.V6}.complete().Services), "10.96.0.0/16"},
	} {
		if got := strings.Join(c.got, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if a := nth(both.podNets(1)[1], 258); a.String() != "fd00:10:244:1::102" {
		t.Errorf("address 258 is %s", a)
	}
}

// A table is read as it is printed.
func TestTables(t *testing.T) {
	text := `
		FROM  TO        IPv4 ICMP  IPv4 TCP  IPv6 TCP  IPv6 UDP
		a/b   c/d:5432  -          yes       no        yes
		a/b   c/d       no         -         -         -`
	c := &Cluster{t: t, options: Options{}.complete()}
	expected := c.Table(text)
	var matrix netlab.Matrix
	for _, e := range expected {
		observed := netlab.Observation{Expectation: e, Answer: netlab.Answer{Verdict: netlab.Silent}}
		if e.Allowed {
			observed.Answer.Verdict = netlab.Answered
		}
		matrix = append(matrix, observed)
	}
	words := func(text string) []string { return strings.Fields(text) }
	if got := matrix.String(); !slices.Equal(words(got), words(text)) {
		t.Errorf("read and printed:\n%s", got)
	}
	c.options = Options{Families: family.NewSet(family.V6)}.complete()
	if expected := c.Table(text); len(expected) != 2 || expected[0].Family != family.V6 {
		t.Errorf("in a cluster of IPv6: %v", expected)
	}
}

func TestTablesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct{ to, heading, cell string }{
		{"a:80", "IPv5 TCP", "yes"}, {"a:http", "IPv4 TCP", "yes"}, {"a:80", "IPv6 TCP", "perhaps"}, {"a:80", "TCP", "no"},
	} {
		if e, err := expectation("x", c.to, c.heading, c.cell); err == nil {
			t.Errorf("%v is read as %v", c, e)
		}
	}
}

func TestAuditEvents(t *testing.T) {
	for text, want := range map[string]string{
		`{"stage":"ResponseComplete","verb":"list","requestURI":"/api/v1/pods?limit=1","user":{"username":"system:serviceaccount:kube-system:margay"},
		  "objectRef":{"resource":"pods"},"responseStatus":{"code":200}}`: "200 list pods /api/v1/pods?limit=1 by system:serviceaccount:kube-system:margay",
		`{"stage":"ResponseStarted","verb":"watch","requestURI":"/x","user":{"username":"u"},
		  "objectRef":{"apiGroup":"projectcalico.org","resource":"tiers"},"responseStatus":{"code":200}}`: "0 watch tiers.projectcalico.org /x by u",
		`{"stage":"ResponseComplete","verb":"patch","requestURI":"/y","user":{"username":"u"},
		  "objectRef":{"resource":"nodes","subresource":"status","name":"n"},"responseStatus":{"code":403}}`: "403 patch nodes/status n /y by u",
	} {
		var e auditEvent
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		if got := e.call().String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
