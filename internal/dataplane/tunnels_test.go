package dataplane

import (
	"testing"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// VXLANEnabled and IpInIpEnabled decide instead of the pools, for IPv4 as in Felix.
func TestForced(t *testing.T) {
	for _, f := range family.All() {
		for _, asked := range []bool{false, true} {
			for _, toggle := range []config.Toggle{config.Auto, config.On, config.Off} {
				want := asked
				if f == family.V4 && toggle != config.Auto {
					want = toggle == config.On
				}
				s := &config.Settings{VXLAN: config.VXLAN{Enabled: toggle}, IPIP: config.IPIP{Enabled: toggle}}
				if got := forced(s, model.Own{Family: f, VXLAN: asked, IPIP: asked}); got.VXLAN != want || got.IPIP != want {
					t.Errorf("%v, asked for %v, %v: %v", f, asked, toggle, got)
				}
			}
		}
	}
}
