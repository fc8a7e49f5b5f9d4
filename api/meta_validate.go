package api

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// meta checks name and labels as the API server would. What it says about them at length is cut down to one
// line each.
func (ps *problems) meta(m *metav1.ObjectMeta) {
	at := (*path)(nil).at("metadata")
	switch {
	case m.Name == "":
		ps.add(at.at("name"), "", "required")
	case len(validation.IsDNS1123Subdomain(m.Name)) > 0:
		ps.add(at.at("name"), m.Name, "must be at most 253 lower case letters, digits, - and .")
	}
	for _, k := range slices.Sorted(maps.Keys(m.Labels)) {
		if len(validation.IsQualifiedName(k)) > 0 {
			ps.add(at.at("labels"), k, "not a label's name")
		}
		if v := m.Labels[k]; len(validation.IsValidLabelValue(v)) > 0 {
			ps.add(at.at("labels").at(k), v, "not a label's value: at most 63 letters, digits, - _ and .")
		}
	}
}
