package render

import (
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// Renderer renders one family under the given settings. When these change, all of it is
// to be rendered anew, by another Renderer. It is not safe for concurrent use.
type Renderer struct {
	family   family.Family
	settings rules.Settings
	shared   shared
}

// New makes a Renderer.
func New(f family.Family, s rules.Settings) *Renderer {
	r := &Renderer{family: f, settings: s}
	r.shared = r.newShared()
	return r
}

// on says whether the family is switched on. While it is off, nothing but the base part
// has anything in it.
func (r *Renderer) on() bool { return r.settings.Families.Has(r.family) }

// whereKey is the key of maps that are asked for an interface.
func whereKey() nft.Key { return nft.KeyOf(nft.TypeIfName) }

func (r *Renderer) addressKey() nft.Key { return nft.KeyOf(nft.SAddr(r.family).Type()) }

func (r *Renderer) sourceKey() nft.Key { return nft.Fields(nft.IIfName, nft.SAddr(r.family)).Key() }

func (r *Renderer) named(set string) string { return ofFamily(set, r.family) }
