package engine

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/model"
)

func problem(severity model.Severity, object, message string) model.Problem {
	return model.Problem{Severity: severity, Where: "a.yaml:3", Object: object, Field: "spec.cidr", Value: "10.0.0.1/8", Message: message}
}

func TestProblemsAreLoggedOnce(t *testing.T) {
	r := newRig(t)
	wrong := problem(model.Failure, "IPPool a", "host bits set")
	odd := problem(model.Warning, "IPPool a", "odd")
	log := func() string {
		defer r.log.Reset()
		return r.log.String()
	}
	p := r.Engine.Problems()
	p.Set("a.yaml", []model.Problem{wrong, {Object: "BGPPeer b", Message: "no effect yet"}})
	want := `level=error msg="host bits set" field=spec.cidr object="IPPool a" value=10.0.0.1/8 where="a.yaml:3"` + "\n" +
		`level=info msg="no effect yet" object="BGPPeer b"` + "\n"
	if got := log(); got != want {
		t.Errorf("log\n is  %swant %s", got, want)
	}
	p.Set("a.yaml", []model.Problem{odd, wrong})
	if got, want := log(), `level=warning msg=odd field=spec.cidr object="IPPool a" value=10.0.0.1/8 where="a.yaml:3"`+"\n"; got != want {
		t.Errorf("log\n is  %swant %s", got, want)
	}
	p.Set("a.yaml", nil)
	p.Set("a.yaml", []model.Problem{odd})
	if got := log(); strings.Count(got, "\n") != 1 {
		t.Errorf("a problem that came back is logged again, once: %s", got)
	}
}

func TestAFloodOfProblemsIsCounted(t *testing.T) {
	r := newRig(t)
	var many []model.Problem
	for n := range 3 * logMost {
		many = append(many, problem(model.Failure, fmt.Sprint("IPPool ", n), "wrong"))
	}
	r.Report("a.yaml", many)
	r.settle()
	if got := strings.Count(r.log.String(), "\n"); got != logMost+1 {
		t.Errorf("%d lines", got)
	}
	if want := fmt.Sprintf("more=%d place=a.yaml", 2*logMost); !strings.Contains(r.log.String(), want) {
		t.Errorf("the log lacks %q", want)
	}
	if got := r.Engine.Problems().Count()[model.Failure]; got != len(many) {
		t.Errorf("%d errors counted, want %d", got, len(many))
	}
}

func TestProblemsAreCountedAsTheyStand(t *testing.T) {
	r := newRig(t)
	p := r.Engine.Problems()
	p.Set("b", []model.Problem{problem(model.Failure, "x", "1"), problem(model.Warning, "x", "2")})
	p.Set("a", []model.Problem{problem(model.Failure, "y", "3")})
	want := map[model.Severity]int{model.Failure: 2, model.Warning: 1}
	if got, changed := p.changes(); !changed || !maps.Equal(got, want) {
		t.Errorf("%v, changed %v; want %v", got, changed, want)
	}
	if _, changed := p.changes(); changed {
		t.Error("changed, without a change")
	}
	p.Set("c", nil)
	if _, changed := p.changes(); changed {
		t.Error("changed by a place that has none and had none")
	}
	p.Set("b", nil)
	if got := p.Count()[model.Failure]; got != 1 {
		t.Errorf("%d errors", got)
	}
	p.Set("b", []model.Problem{problem(model.Note, "x", "4")})
	lines := `error   a.yaml:3: y: spec.cidr "10.0.0.1/8": 3` + "\n" + `note    a.yaml:3: x: spec.cidr "10.0.0.1/8": 4` + "\n"
	var out strings.Builder
	if n, err := p.WriteTo(&out); err != nil || out.String() != lines || n != int64(len(lines)) {
		t.Errorf("%d bytes, %v:\n%swant\n%s", n, err, &out, lines)
	}
	if _, err := p.WriteTo(full{}); err == nil {
		t.Error("no error of a writer that has no room")
	}
}

// full is a writer that has no room left.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

// TestTheGraphsProblemsCount are those that only the whole of the input shows.
func TestTheGraphsProblemsCount(t *testing.T) {
	r := begun(t)
	r.Update([]model.Event{
		podAt("a", "cali1", "10.65.1.1"),
		podAt("b", "cali2", "10.65.1.1"),
	})
	r.settle()
	if n := r.Engine.Problems().Count(); n[model.Failure]+n[model.Warning] == 0 {
		t.Fatal("two pods with one address are no problem")
	}
	r.take()
	r.Update([]model.Event{{Key: podAt("b", "", "").Key}})
	r.settle()
	if n := r.Engine.Problems().Count(); n[model.Failure]+n[model.Warning] != 0 {
		var out strings.Builder
		_, _ = r.Engine.Problems().WriteTo(&out)
		t.Errorf("problems are left:\n%s", &out)
	}
}

// podAt is a pod of this node with an address that its status shows.
func podAt(name, device, address string) model.Event {
	e := model.Event{Key: model.Key{Kind: model.KindPod, Namespace: "default", Name: name}}
	if address != "" {
		e.Value = &model.Pod{Node: "node-1", Interface: device, Claims: model.AddressClaims{Status: []netip.Addr{netip.MustParseAddr(address)}}}
	}
	return e
}
