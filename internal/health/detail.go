package health

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// Detail is everything on the board at one time, as the endpoints show it in JSON.
type Detail struct {
	Live  bool `json:"live"`
	Ready bool `json:"ready"`
	// Reasons says why not, each with its component and family.
	Reasons    []string          `json:"reasons,omitempty"`
	Families   []FamilyDetail    `json:"families"`
	Components []ComponentDetail `json:"components"`
	Conditions []ConditionDetail `json:"conditions,omitempty"`
}

// FamilyState is what a family's components amount to, those of no family left aside.
type FamilyState string

// The states of a family.
const (
	FamilyReady    FamilyState = "ready"
	FamilyNotReady FamilyState = "not ready"
	FamilyOff      FamilyState = "off"
)

// FamilyDetail is a family's part of a Detail. Both families are always there.
type FamilyDetail struct {
	Family  string      `json:"family"`
	State   FamilyState `json:"state"`
	Reasons []string    `json:"reasons,omitempty"`
}

// ComponentDetail is a component's part of a Detail.
type ComponentDetail struct {
	Name   string `json:"name"`
	Family string `json:"family,omitempty"`
	Ready  bool   `json:"ready"`
	Live   bool   `json:"live"`
	// Reason is why the component is not alive or, if it is, why it is not ready.
	Reason string `json:"reason,omitempty"`
	// Since is when the component last changed between ready and not ready by its own report.
	Since time.Time `json:"since"`
	// LastReport is absent if the component has not reported at all.
	LastReport *time.Time `json:"lastReport,omitempty"`
}

// ConditionDetail is a condition's part of a Detail.
type ConditionDetail struct {
	Name    string    `json:"name"`
	Family  string    `json:"family,omitempty"`
	Status  Status    `json:"status"`
	Message string    `json:"message,omitempty"`
	Since   time.Time `json:"since"`
}

// Detail takes stock. Components and conditions are ordered by name and family; those of
// families that are off are left out.
func (b *Board) Detail(now time.Time) Detail {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := Detail{Live: true, Ready: true, Components: []ComponentDetail{}}
	reasons := map[family.Family][]string{}
	for _, c := range b.shown() {
		cd := b.componentDetail(now, c)
		d.Components = append(d.Components, cd)
		d.Live = d.Live && cd.Live
		if !cd.Ready {
			d.Ready = false
			d.Reasons = append(d.Reasons, c.String()+": "+cd.Reason)
			reasons[c.Family] = append(reasons[c.Family], c.Name+": "+cd.Reason)
		}
	}
	if len(d.Components) == 0 {
		d.Ready, d.Reasons = false, []string{"nothing has reported yet"}
	}
	for _, f := range family.All() {
		d.Families = append(d.Families, b.familyDetail(f, reasons[f]))
	}
	d.Conditions = b.conditionDetails()
	return d
}

// shown lists the components that count, in order.
func (b *Board) shown() []Component {
	var out []Component
	for c := range b.components {
		if b.concerns(c.Family) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(x, y Component) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), cmp.Compare(x.Family, y.Family))
	})
	return out
}

// concerns says whether what is said about the family, or about none, counts.
func (b *Board) concerns(f family.Family) bool { return f == 0 || b.families.Has(f) }

func (b *Board) componentDetail(now time.Time, c Component) ComponentDetail {
	s := b.components[c]
	late := b.late(now, c, s)
	d := ComponentDetail{
		Name:   c.Name,
		Family: familyName(c.Family),
		Ready:  s.ready && late == "",
		Live:   late == "",
		Reason: cmp.Or(late, s.reason),
		Since:  s.since,
	}
	if s.heard {
		last := s.last
		d.LastReport = &last
	}
	return d
}

func (b *Board) familyDetail(f family.Family, reasons []string) FamilyDetail {
	d := FamilyDetail{Family: f.String(), State: FamilyReady, Reasons: reasons}
	switch {
	case !b.families.Has(f):
		d.State = FamilyOff
	case len(reasons) > 0:
		d.State = FamilyNotReady
	}
	return d
}

func (b *Board) conditionDetails() []ConditionDetail {
	var out []ConditionDetail
	for _, c := range b.conditions {
		if b.concerns(c.Family) {
			out = append(out, ConditionDetail{
				Name: c.Name, Family: familyName(c.Family), Status: c.Status, Message: c.Message, Since: c.Since,
			})
		}
	}
	slices.SortFunc(out, func(x, y ConditionDetail) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.Family, y.Family))
	})
	return out
}

// familyName is empty for no family.
func familyName(f family.Family) string {
	if f == 0 {
		return ""
	}
	return f.String()
}
