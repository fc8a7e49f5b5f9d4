package routes

import (
	"testing"

	"github.com/margay-net/margay/internal/family"
)

// A device is deleted and made again while the agent reads everything: word of the old one comes
// when the new one is known already.
func TestLateWordOfADeviceThatWasMadeAgain(t *testing.T) {
	for _, f := range family.All() {
		d := New(Options{Family: f})
		old, now := Link{Index: 10, Name: "vxlan.calico"}, Link{Index: 11, Name: "vxlan.calico", Up: true}
		d.view.setLink(now)
		before := d.view
		d.linkThere(old)
		d.linkGone(old)
		read := newView()
		read.setLink(now)
		if read.sees(&before) {
			t.Errorf("%v: a full read that finds the device again is no news", f)
		}
		d.linkThere(now)
		if l, up := d.view.up("vxlan.calico"); !up || l.Index != 11 {
			t.Errorf("%v: the device is %+v, up %v", f, l, up)
		}
	}
}
