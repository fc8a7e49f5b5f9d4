package calc

import (
	"slices"

	"github.com/margay-net/margay/internal/model"
)

// tiersOf are the active policies of some queries, tier by tier.
func (p *policies) tiersOf(queries []uint32) (tiers []model.TierPolicies) {
	for _, row := range p.inOrder(queries) {
		if n := len(tiers); n == 0 || tiers[n-1].Name != row.tier() {
			t, _ := p.order.tier(row.tier())
			tiers = append(tiers, model.TierPolicies{Name: row.tier(), Default: t.Default})
		}
		t := &tiers[len(tiers)-1]
		if row.types.Has(model.Ingress) {
			t.Ingress = append(t.Ingress, row.key)
		}
		if row.types.Has(model.Egress) {
			t.Egress = append(t.Egress, row.key)
		}
	}
	return tiers
}

// inOrder are the active policies of some queries in their order.
func (p *policies) inOrder(queries []uint32) []*policy {
	var rows []*policy
	for _, query := range queries {
		p.each(query, func(id uint32) {
			if row := p.rows.at(id); p.applies(row) {
				rows = append(rows, row)
			}
		})
	}
	slices.SortFunc(rows, func(a, b *policy) int { return int(a.rank) - int(b.rank) })
	return rows
}

func equalTiers(a, b []model.TierPolicies) bool {
	if len(a) != len(b) || len(a) > 0 && &a[0] == &b[0] {
		return len(a) == len(b)
	}
	return slices.EqualFunc(a, b, func(x, y model.TierPolicies) bool {
		return x.Name == y.Name && x.Default == y.Default &&
			slices.Equal(x.Ingress, y.Ingress) && slices.Equal(x.Egress, y.Egress)
	})
}
