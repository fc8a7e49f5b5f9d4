package calc_test

import (
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/calc/calctest"
	"github.com/margay-net/margay/internal/model"
)

// TestSelectorsThatCannotBeReadOpenNothing: the conversion should let none through; if
// one does come, the design's rule for what is not understood holds.
func TestSelectorsThatCannotBeReadOpenNothing(t *testing.T) {
	const bad = "((("
	for _, c := range []struct {
		name  string
		rules []model.Rule
		want  string
	}{
		{"an Allow matches nothing", []model.Rule{
			{Action: model.Allow, Source: model.Peer{Selector: bad}}, {Action: model.Allow, Protocol: model.TCP},
		}, "allow tcp"},
		{"an Allow matches nothing, not either", []model.Rule{{Action: model.Allow, Source: model.Peer{NotSelector: bad}}}, ""},
		{"a Deny matches without it", []model.Rule{
			{Action: model.Deny, Protocol: model.TCP, Destination: model.Peer{Selector: bad, Ports: []model.PortRange{{First: 1, Last: 2}}}},
		}, "deny tcp to ports 1-2"},
		{"after a Pass all is denied", []model.Rule{
			{Action: model.Log}, {Action: model.Pass, Source: model.Peer{Selector: bad}}, {Action: model.Allow},
		}, "log\ndeny"},
		{"after a Log too", []model.Rule{{Action: model.Log, Source: model.Peer{Selector: bad}}, {Action: model.Allow}}, "deny"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRun(t)
			pod := model.Key{Kind: model.KindPod, Namespace: "shop", Name: "web"}
			policy := model.Key{Kind: model.KindPolicy, Namespace: "shop", Name: "p"}
			r.update(model.Event{Key: pod, Value: &model.Pod{Node: thisNode, Interface: "cali1"}})
			r.update(model.Event{Key: policy, Value: &model.Policy{Tier: "default", Selector: "all()", Types: 1, Ingress: c.rules}})
			r.flush()
			var got []string
			for _, rule := range r.sink.Policies[policy].Ingress {
				got = append(got, rule.String())
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("the rules are\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
			if p := r.sink.Problems[policy]; len(p) != 1 || p[0].Severity != model.Failure || p[0].Value != bad {
				t.Errorf("problems are %v", p)
			}
		})
	}
}

func TestAPolicyWhoseSelectorCannotBeReadIsTold(t *testing.T) {
	r := newRun(t)
	policy := model.Key{Kind: model.KindPolicy, Namespace: "shop", Name: "p"}
	r.update(model.Event{Key: policy, Value: &model.Policy{Tier: "default", Selector: "a ==", Types: 1}})
	r.flush()
	if p := r.sink.Problems[policy]; len(p) != 1 || p[0].Field != "selector" {
		t.Errorf("problems are %v", p)
	}
	r.update(model.Event{Key: policy, Value: &model.Policy{Tier: "default", Selector: "all()", Types: 1}})
	r.flush()
	if p := r.sink.Problems[policy]; len(p) != 0 {
		t.Errorf("problems are still %v", p)
	}
}

func TestInSyncStays(t *testing.T) {
	r := newRun(t)
	r.flush()
	if r.sink.InSync {
		t.Error("in sync before anybody said so")
	}
	r.graph.SetInSync()
	r.flush()
	r.flush()
	if !r.sink.InSync || !strings.HasPrefix(r.sink.String(), "in sync\n") {
		t.Errorf("not in sync:\n%s", r.sink)
	}
}

// TestWhatCancelsOutIsNotMentioned: what comes and goes between two flushes, or changes
// and changes back, makes an empty batch.
func TestWhatCancelsOutIsNotMentioned(t *testing.T) {
	base, err := calctest.ParseState(`
Node/node-1 address=192.0.2.1/24
Namespace/shop labels={team=a}
IPPool/v4 cidr=10.0.0.0/16
IPAMBlock/a cidr=10.0.1.0/26 node=node-1 10.0.1.1=shop/web
Pod/shop/web node=node-1 interface=cali1 status=10.0.1.1 labels={app=web}
Pod/shop/db node=node-2 interface=cali2 status=10.0.2.1 labels={app=db}
GlobalNetworkSet/list nets=198.51.100.0/24 labels={app=db}
NetworkPolicy/shop/p tier=default order=1 selector=` + "`pcns.team == \"a\"`" + ` types=ingress
  ingress allow tcp from selector ` + "`app == \"db\"`" + ` to named ports http
`)
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(t)
	r.goTo(base, order{})
	r.flush()
	for key, v := range base {
		r.update(model.Event{Key: key})
		r.update(model.Event{Key: key, Value: v})
		if b := r.graph.Flush(); !b.Empty() {
			t.Errorf("%v gone and back: %+v", key, b)
		}
	}
	r.goTo(calctest.State{}, order{})
	r.goTo(base, order{reversed: true})
	if b := r.graph.Flush(); !b.Empty() {
		t.Errorf("everything gone and back: %+v", b)
	}
}
