package kubernetes

import (
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// owned are the fields of a Node that the server keeps as the agent's.
type owned struct{ annotations, conditions map[string]bool }

// ownFields reads them from the Node's list of who has written what. The keys of that list
// are "f:" and a field's name, or "k:" and the keys of an element, as JSON.
func ownFields(all []metav1.ManagedFieldsEntry) (owned, error) {
	o := owned{annotations: map[string]bool{}, conditions: map[string]bool{}}
	for _, e := range all {
		if e.Manager != FieldManager || e.Operation != metav1.ManagedFieldsOperationApply || e.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Metadata struct {
				Annotations map[string]any `json:"f:annotations"`
			} `json:"f:metadata"`
			Status struct {
				Conditions map[string]any `json:"f:conditions"`
			} `json:"f:status"`
		}
		if err := json.Unmarshal(e.FieldsV1.GetRawBytes(), &fields); err != nil {
			return o, fmt.Errorf("managed fields: %w", err)
		}
		for key := range fields.Metadata.Annotations {
			if name, ok := strings.CutPrefix(key, "f:"); ok {
				o.annotations[name] = true
			}
		}
		for key := range fields.Status.Conditions {
			var element struct{ Type string }
			text, ok := strings.CutPrefix(key, "k:")
			if ok && json.Unmarshal([]byte(text), &element) == nil {
				o.conditions[element.Type] = true
			}
		}
	}
	return o, nil
}
