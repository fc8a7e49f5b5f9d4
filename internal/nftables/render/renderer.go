package render

import (
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// Part is a piece of the table that is wanted, or not, as a whole. No two parts of one
// family hold the same chain, set or element.
type Part struct {
	Chains []nft.Chain
	Sets   []nft.Set
	// Elements are by the name of their set or map, which may be another part's.
	Elements map[string][]nft.Element
}

func (p *Part) chain(name string, rules ...nft.Rule) {
	p.Chains = append(p.Chains, nft.Chain{Name: name, Rules: rules})
}

func (p *Part) element(set string, e nft.Element, err error) {
	if err != nil {
		return // an interface with a name that no interface has gets no traffic
	}
	if p.Elements == nil {
		p.Elements = map[string][]nft.Element{}
	}
	p.Elements[set] = append(p.Elements[set], e)
}

// Renderer renders one family under the given settings. When these change, all of it is
// to be rendered anew. It keeps no other state.
type Renderer struct {
	family   family.Family
	settings rules.Settings
}

// New makes a Renderer.
func New(f family.Family, s rules.Settings) *Renderer {
	return &Renderer{family: f, settings: s}
}

// on says whether the family is switched on. While it is off, nothing but the base part
// has anything in it.
func (r *Renderer) on() bool { return r.settings.Families.Has(r.family) }

// whereKey is the key of sets that are asked for an interface.
func whereKey() nft.Key { return nft.KeyOf(nft.TypeIfName) }

func (r *Renderer) addressKey() nft.Key { return nft.KeyOf(nft.SAddr(r.family).Type()) }

func (r *Renderer) named(set string) string { return ofFamily(set, r.family) }
