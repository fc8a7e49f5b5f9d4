package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

func supports(f family.Family, on bool) map[string]any {
	return map[string]any{map[family.Family]string{family.V4: "ipv4Support", family.V6: "ipv6Support"}[f]: on}
}

// TestAFamilyGoesAndComesBack: whoever starts from nothing gets everything, once.
func TestAFamilyGoesAndComesBack(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			r := begun(t)
			r.Update([]model.Event{pool(1)})
			r.wantWork("+10.1.0.0/16")
			r.Update([]model.Event{configuration("default", supports(f, false))})
			r.wantWork("settings: " + f.Other().String())
			r.Update([]model.Event{pool(2)})
			r.wantWork("+10.2.0.0/16")
			r.Update([]model.Event{configuration("default", supports(f, true)), noPool(1)})
			r.wantWork("settings: IPv4+IPv6 -10.1.0.0/16 full: +10.2.0.0/16")
			r.Update([]model.Event{{Key: model.Key{Kind: model.KindConfiguration, Name: "default"}}})
			r.wantIdle() // on is the default too
		})
	}
}

// TestAFamilyThatWasOffAtFirst was never handed anything, nor will it be twice.
func TestAFamilyThatWasOffAtFirst(t *testing.T) {
	off := config.FromFlags(map[string]string{"Ipv4Support": "false"})
	r := newRig(t, off)
	if got := r.Settings().Settings.Families(); got != family.NewSet(family.V6) {
		t.Fatalf("families %v before the first turn", got)
	}
	r = begun(t, off)
	r.Update([]model.Event{pool(1), configuration("default", supports(family.V4, true))})
	r.wantWork("+10.1.0.0/16") // flags go before objects
	r.wantIdle()
}

func TestTwoChangesWhileTheDataplaneIsBusy(t *testing.T) {
	r := begun(t)
	r.Update([]model.Event{pool(1)})
	r.settle()
	for _, on := range []bool{false, true, false} {
		r.Update([]model.Event{configuration("default", supports(family.V6, on))})
		r.settle()
	}
	r.wantWork("+10.1.0.0/16")
	r.wantWork("settings: IPv4")
	r.Update([]model.Event{configuration("default", supports(family.V6, true))})
	r.wantWork("settings: IPv4+IPv6 full: +10.1.0.0/16")
}

func TestTheNodesOwnSettings(t *testing.T) {
	r := begun(t)
	r.Update([]model.Event{
		configuration("default", supports(family.V6, false)),
		configuration("racks", map[string]any{"nodeSelector": "rack == 'a'", "ipv6Support": true}),
	})
	r.wantWork("settings: IPv4")
	r.Update([]model.Event{ownNode(map[string]string{"rack": "a"})})
	r.wantWork("settings: IPv4+IPv6 full:")
	r.Update([]model.Event{ownNode(map[string]string{"rack": "a"})}) // a heartbeat
	if r.turn(); r.settings.dirty {
		t.Error("settings are worked out anew for nothing")
	}
	r.wantIdle()
	r.Update([]model.Event{configuration("node.node-1", supports(family.V4, false))})
	r.wantWork("settings: IPv6")
	r.Update([]model.Event{configuration("node.node-2", supports(family.V6, false))})
	r.wantIdle()
	r.Update([]model.Event{{Key: model.Key{Kind: model.KindNode, Name: "node-1"}}})
	r.wantWork("settings: none")
}

func TestAWrongSettingIsAProblemAndStopsNothing(t *testing.T) {
	r := begun(t)
	r.Update([]model.Event{configuration("default", map[string]any{
		"healthPort": "many", "ipv6support": true, "nodeSelector": "((", "wireguardThreadingEnabled": true,
	})})
	r.wantWork("settings: IPv4+IPv6") // what is right in it counts
	var out strings.Builder
	if _, err := r.Engine.Problems().WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`error   FelixConfiguration default: healthPort "many": `,
		`; 9099 holds`,
		`warning FelixConfiguration default: ipv6support "true": no such field; did you mean ipv6Support?`,
		`note    FelixConfiguration default: wireguardThreadingEnabled "true": has no effect: `,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the problems lack %q:\n%s", want, &out)
		}
	}
	r.Update([]model.Event{configuration("default", map[string]any{"healthPort": 9100.0})})
	r.wantWork("settings: IPv4+IPv6")
	if n := r.Engine.Problems().Count()[model.Failure]; n != 0 {
		t.Errorf("%d errors left", n)
	}
}

// TestTheGraphIsToldOfItsSettings at the start and whenever they change: this node's own end of
// the tunnel moves to the other family.
func TestTheGraphIsToldOfItsSettings(t *testing.T) {
	over := func(w Work) (out []family.Family) {
		for _, o := range w.Batch.Own {
			if o.VXLAN {
				out = append(out, o.Family)
			}
		}
		return out
	}
	r := begun(t, config.FromFlags(map[string]string{"VXLANMTU": "1400"}))
	p := pool(1)
	p.Value.(*model.Pool).VXLAN = model.EncapsulateAlways
	r.Update([]model.Event{p})
	r.settle()
	if got := over(r.take()); !slices.Equal(got, []family.Family{family.V4}) {
		t.Fatalf("VXLAN of IPv4 travels over %v", got)
	}
	r.Update([]model.Event{configuration("default", map[string]any{"vxlanUnderlay": "IPv6"})})
	r.settle()
	if got := over(r.take()); !slices.Equal(got, []family.Family{family.V6}) {
		t.Errorf("with one tunnel over IPv6 it travels over %v", got)
	}

	r = begun(t, config.FromFlags(map[string]string{"VXLANUnderlay": "IPv6"}))
	r.Update([]model.Event{p})
	r.settle()
	if got := over(r.take()); !slices.Equal(got, []family.Family{family.V6}) {
		t.Errorf("from the start it travels over %v", got)
	}
}
