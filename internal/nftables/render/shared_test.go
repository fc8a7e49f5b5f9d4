package render_test

import (
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/rules"
)

// What is remembered of a policy is of one version of it: a Renderer that has rendered
// the pod before gives the same as one that has not.
func TestWhatIsRememberedOfAPolicyIsOfItsPresentVersion(t *testing.T) {
	id := model.Key{Kind: model.KindGlobalPolicy, Name: "p"}
	ep := &model.LocalEndpoint{
		ID: model.Key{Kind: model.KindPod, Namespace: "a", Name: "b"}, Interface: "cali1",
		Tiers: []model.TierPolicies{{Name: "default", Ingress: []model.PolicyID{id}}},
	}
	settings := rules.Settings{Families: family.Both, InterfacePrefixes: []string{"cali"}}
	version := func(in ...rules.Rule) *rules.Policy {
		return &rules.Policy{ID: id, Family: family.V4, Types: model.Directions(0).With(model.Ingress), Ingress: in}
	}
	used := render.New(family.V4, settings)
	for name, p := range map[string]*rules.Policy{
		"allows":              version(rules.Rule{Action: model.Allow}),
		"passes, then denies": version(rules.Rule{Action: model.Pass, Protocol: model.TCP}, rules.Rule{Action: model.Deny}),
		"is gone":             nil,
	} {
		find := func(model.PolicyID) *rules.Policy { return p }
		if p == nil {
			used.Forget(id)
		}
		got, want := text(chainsOf(used, ep, find)), text(chainsOf(render.New(family.V4, settings), ep, find))
		if got != want {
			t.Errorf("a policy that %s:\n%s\nwant\n%s", name, got, want)
		}
	}
}
