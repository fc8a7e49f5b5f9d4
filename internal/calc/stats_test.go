package calc

import (
	"fmt"
	"testing"

	"github.com/margay-net/margay/internal/model"
)

// Selectors of one label are looked up, those of several evaluated where the best of their
// labels is, and those that no label is needed for on everything.
func TestStats(t *testing.T) {
	const pods = 10
	pod := func(i int) model.Event {
		key := model.Key{Kind: model.KindPod, Namespace: "ns", Name: fmt.Sprint("pod", i)}
		return model.Event{Key: key, Value: &model.Pod{
			Node: "here", Interface: fmt.Sprint("cali", i), Labels: map[string]string{"app": fmt.Sprint("app", i%2), "n": fmt.Sprint(i)},
		}}
	}
	policy := func(name, selector string) model.Event {
		key := model.Key{Kind: model.KindGlobalPolicy, Name: name}
		return model.Event{Key: key, Value: &model.Policy{
			Selector: selector, Types: model.Directions(0).With(model.Ingress), Tier: "default",
		}}
	}
	for name, c := range map[string]struct {
		selector string
		want     Stats
	}{
		"one label":     {"app == 'app0'", Stats{Indexed: 1}},
		"two labels":    {"app == 'app0' && n != '0'", Stats{Indexed: 1, Matched: 4, Unmatched: 1}},
		"no one needed": {"app != 'app0'", Stats{Scanned: 1, Matched: 5, Unmatched: 5}},
		"nobody's":      {"app == 'app2'", Stats{Indexed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			g := New(Options{Node: "here"})
			p := policy("p", c.selector)
			g.Update(p)
			for i := range pods {
				g.Update(pod(i))
			}
			g.Flush()
			if got := g.Stats(); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			g.Update(model.Event{Key: p.Key})
			g.Flush()
			if got := g.Stats(); got.Indexed != 0 || got.Scanned != 0 {
				t.Errorf("without the policy: %+v", got)
			}
		})
	}
}
