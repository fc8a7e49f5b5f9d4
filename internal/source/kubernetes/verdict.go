package kubernetes

import (
	"context"
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/margay-net/margay/internal/model"
)

// accepted is the condition by which agents say, in an object's status, whether they can
// make sense of it.
const accepted = "Accepted"

// verdict is what that condition says.
type verdict struct {
	status  metav1.ConditionStatus
	message string
}

// verdictOn is what problems come to. Warnings are in Events.
func verdictOn(problems []model.Problem) verdict {
	for _, p := range problems {
		if p.Severity == model.Failure {
			return verdict{metav1.ConditionFalse, eventNote(p)}
		}
	}
	return verdict{status: metav1.ConditionTrue}
}

// statusOf is what an object's status says, and of which generation.
type statusOf struct {
	said       verdict
	about      int64 // the generation that it was said of
	generation int64
}

// readStatus reads it off an object.
func readStatus(raw *rawObject) *statusOf {
	var o struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	out := &statusOf{generation: raw.Generation}
	if json.Unmarshal(raw.text, &o) != nil {
		return out
	}
	for _, c := range o.Status.Conditions {
		if c.Type == accepted {
			out.said, out.about = verdict{c.Status, c.Message}, c.ObservedGeneration
		}
	}
	return out
}

// judge has an object's status say what it should, if it does not. Agents agree on that:
// they have read the same, and whoever is second finds it said.
func (r *Recorder) judge(place, resource string, present *statusOf, problems []model.Problem) {
	due := verdictOn(problems)
	if present.said == due && present.about == present.generation {
		r.cancel("status", place)
		return
	}
	r.order("status", place, func(ctx context.Context, s subject) error {
		if err := r.limit.Wait(ctx); err != nil {
			return err
		}
		return r.apply(ctx, s, resource, due, present.generation)
	})
}

// apply applies the condition.
func (r *Recorder) apply(ctx context.Context, s subject, resource string, v verdict, generation int64) error {
	reason := "Understood"
	if v.status != metav1.ConditionTrue {
		reason = "NotUnderstood"
	}
	body, err := json.Marshal(map[string]any{
		"apiVersion": s.apiVersion, "kind": s.kind, "metadata": map[string]any{"name": s.name},
		"status": map[string]any{"conditions": []metav1.Condition{{
			Type: accepted, Status: v.status, Reason: reason, Message: v.message,
			ObservedGeneration: generation, LastTransitionTime: metav1.NewTime(time.Now()),
		}}},
	})
	if err != nil {
		return err
	}
	return r.client.raw.Patch(types.ApplyYAMLPatchType).AbsPath("/apis", s.apiVersion, resource, s.name, "status").
		Param("fieldManager", FieldManager).Param("force", "true").MaxRetries(0).Body(body).Do(ctx).Error()
}
