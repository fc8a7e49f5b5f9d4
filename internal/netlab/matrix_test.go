package netlab_test

import (
	"context"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

func observation(from, to string, f family.Family, proto netlab.Protocol, port uint16, allowed bool, got netlab.Verdict) netlab.Observation {
	return netlab.Observation{
		Expectation: netlab.Expectation{
			Flow:    netlab.Flow{From: from, To: to, Family: f, Protocol: proto, Port: port},
			Allowed: allowed,
		},
		Answer: netlab.Answer{Verdict: got},
	}
}

func TestMatrixReadsAsATable(t *testing.T) {
	m := netlab.Matrix{
		observation("web", "api", family.V6, netlab.TCP, 8080, true, netlab.Silent),
		observation("web", "api", family.V4, netlab.TCP, 8080, true, netlab.Answered),
		observation("web", "db", family.V4, netlab.TCP, 5432, false, netlab.Refused),
		observation("web", "db", family.V6, netlab.TCP, 5432, false, netlab.Answered),
		observation("db", "node1", family.V6, netlab.ICMP, 0, false, netlab.Unreachable),
	}
	want := strings.Join([]string{
		"FROM  TO        IPv4 TCP  IPv6 ICMP  IPv6 TCP",
		"web   api:8080  yes       -          no, expected yes!",
		"web   db:5432   no        -          yes, expected no!",
		"db    node1     -         no         -",
		"",
	}, "\n")
	if got := m.String(); got != want {
		t.Errorf("table:\n%s\nwant:\n%s", got, want)
	}
	if wrong := m.Wrong(); len(wrong) != 2 || wrong[0] != m[0] || wrong[1] != m[3] {
		t.Errorf("wrong are:\n%s", wrong)
	}
}

func TestObserveKeepsTheOrderAndReportsProgress(t *testing.T) {
	lab := twoNodes(t)
	serve(t, lab.Pod("b").Space, 80)
	var expected []netlab.Expectation
	for range 20 {
		for _, f := range family.All() {
			expected = append(expected,
				netlab.Expectation{Flow: netlab.Flow{From: "a", To: "b", Family: f, Protocol: netlab.TCP, Port: 80}, Allowed: true},
				netlab.Expectation{Flow: netlab.Flow{From: "a", To: "b", Family: f, Protocol: netlab.UDP, Port: 81}, Allowed: false},
			)
		}
	}
	progress := 0
	m, err := lab.Observe(context.Background(), expected, func(netlab.Observation) { progress++ })
	if err != nil {
		t.Fatal(err)
	}
	if progress != len(expected) {
		t.Errorf("%d reports of progress for %d flows", progress, len(expected))
	}
	for i, o := range m {
		if o.Expectation != expected[i] || !o.OK() {
			t.Fatalf("observation %d is %+v, want that of %+v", i, o, expected[i])
		}
	}
}

func TestObserveNamesAStranger(t *testing.T) {
	lab := netlab.Test(t, netlab.Options{})
	_, err := lab.Observe(context.Background(), []netlab.Expectation{{Flow: netlab.Flow{From: "link", To: "nobody"}}}, nil)
	if err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a flow to nobody: %v", err)
	}
}
