package calc

import (
	"cmp"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/model"
)

// ordering ranks the active policies: by tier, then by their own order, then by name. It
// ranks all of them when anything about that changes, so that those of one endpoint can
// be sorted by a number.
type ordering struct {
	tiers     map[string]*model.Tier
	sorted    []uint32
	disturbed bool
}

func (o *ordering) disturb() { o.disturbed = true }

func (o *ordering) enter(id uint32) {
	o.sorted = append(o.sorted, id)
	o.disturbed = true
}

// tier is the tier of that name. The default tier is there without being written; one that
// is not there comes after all others and denies, as in Calico.
func (o *ordering) tier(name string) (t model.Tier, exists bool) {
	if t := o.tiers[name]; t != nil {
		return *t, true
	}
	if name == model.DefaultTier {
		return model.Tier{Order: model.DefaultTierOrder, Default: model.Deny}, true
	}
	return model.Tier{Order: model.Unordered(), Default: model.Deny}, false
}

// ranked is a policy with what it is sorted by.
type ranked struct {
	id    uint32
	late  bool // its tier does not exist
	tier  model.Tier
	name  string // of the tier
	order float64
	key   model.Key
}

func compareRanked(a, b ranked) int {
	if a.late != b.late {
		if b.late {
			return -1
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(a.tier.Order, b.tier.Order),
		strings.Compare(a.name, b.name),
		cmp.Compare(a.order, b.order),
		strings.Compare(a.key.Name, b.key.Name),
		strings.Compare(a.key.Namespace, b.key.Namespace),
		cmp.Compare(a.key.Kind, b.key.Kind),
	)
}

// settle ranks the active policies again if need be.
func (o *ordering) settle(rows *slab[policy], active map[uint32]*activePolicy) {
	if !o.disturbed {
		return
	}
	o.disturbed = false
	list := make([]ranked, 0, len(o.sorted))
	for _, id := range o.sorted {
		if active[id] == nil {
			continue
		}
		row := rows.at(id)
		r := ranked{id: id, name: row.tier(), order: row.order, key: row.key}
		var exists bool
		r.tier, exists = o.tier(r.name)
		r.late = !exists
		list = append(list, r)
	}
	slices.SortFunc(list, compareRanked)
	o.sorted = o.sorted[:0]
	for i, r := range list {
		if i > 0 && r.id == list[i-1].id {
			continue // it left and came back
		}
		o.sorted = append(o.sorted, r.id)
		rows.at(r.id).rank = uint32(len(o.sorted))
	}
}
