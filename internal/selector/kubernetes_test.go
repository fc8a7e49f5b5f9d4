package selector

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"
)

// someRequirement draws what a matchExpressions element may hold, right or wrong.
func someRequirement() *rapid.Generator[Requirement] {
	return rapid.Custom(func(t *rapid.T) Requirement {
		return Requirement{
			Key:      rapid.SampledFrom([]string{"a", "b", "x.org/n-1"}).Draw(t, "key"),
			Operator: rapid.SampledFrom([]Operator{In, NotIn, Exists, DoesNotExist, "Gt"}).Draw(t, "operator"),
			Values:   rapid.SliceOfN(rapid.SampledFrom([]string{"", "x", "y", "z"}), 0, 3).Draw(t, "values"),
		}
	})
}

// TestAgreesWithKubernetes takes Kubernetes' own implementation as the model, for what is
// refused as well as for what matches.
func TestAgreesWithKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SampledFrom([]string{"", "x", "y", "z"})
		keys := rapid.SampledFrom([]string{"a", "b", "x.org/n-1"})
		matchLabels := rapid.MapOfN(keys, values, 0, 2).Draw(t, "matchLabels")
		expressions := rapid.SliceOfN(someRequirement(), 0, 3).Draw(t, "matchExpressions")
		theirs := metav1.LabelSelector{MatchLabels: matchLabels}
		for _, r := range expressions {
			theirs.MatchExpressions = append(theirs.MatchExpressions, metav1.LabelSelectorRequirement{
				Key: r.Key, Operator: metav1.LabelSelectorOperator(r.Operator), Values: r.Values,
			})
		}
		model, modelErr := metav1.LabelSelectorAsSelector(&theirs)
		s, err := FromLabelSelector(Endpoints, matchLabels, expressions)
		if (err == nil) != (modelErr == nil) {
			t.Fatalf("error %v, Kubernetes says %v", err, modelErr)
		}
		if err != nil {
			return
		}
		inNamespace, err := FromLabelSelector(Namespaces, matchLabels, expressions)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			carried := rapid.MapOfN(keys, values, 0, 3).Draw(t, "labels")
			want := model.Matches(labels.Set(carried))
			if s.Matches(Map(carried)) != want {
				t.Fatalf("%s on %v, Kubernetes says %v", s, carried, want)
			}
			pod := Map{NamespaceLabel: "default"}
			for key, value := range carried {
				pod[NamespacePrefix+key] = value
			}
			if inNamespace.Matches(pod) != want {
				t.Fatalf("%s on a pod of a namespace with %v, Kubernetes says %v", inNamespace, carried, want)
			}
			if inNamespace.Matches(Map{}) {
				t.Fatalf("%s selects what is in no namespace", inNamespace)
			}
		}
	})
}
