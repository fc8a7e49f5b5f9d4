package render_test

import (
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/rules"
)

func TestLinesOfALogRule(t *testing.T) {
	policy := &rules.Policy{
		ID: model.Key{Kind: model.KindGlobalPolicy, Name: "watch"}, Family: family.V6, Types: model.Directions(0).With(model.Ingress),
		Ingress: []rules.Rule{{Action: model.Log}, {Action: model.Allow}},
	}
	for _, c := range []struct {
		name  string
		limit rules.LogLimit
		want  string
	}{
		{"all of them", rules.LogLimit{}, `log prefix "pods: "`},
		{"ten a minute", rules.LogLimit{Count: 10, Per: time.Minute, Burst: 3}, `limit rate 10/minute burst 3 packets log prefix "pods: "`},
	} {
		r := render.New(family.V6, rules.Settings{Families: family.Both, LogPrefix: "pods", LogLimit: c.limit})
		chains := r.Policy(policy).Chains
		if len(chains) != 1 || len(chains[0].Rules) != 2 {
			t.Fatalf("%s: %v", c.name, chains)
		}
		if got := chains[0].Rules[0].String(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if err := chains[0].Rules[0].Err(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
