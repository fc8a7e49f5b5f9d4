package routes

import (
	"maps"
	"net/netip"

	"github.com/margay-net/margay/internal/model"
)

// Remember tells the driver, before its first Apply, which interface each address belonged to when
// policy was last written: by an earlier process, as far as what it wrote still stands. A route that
// stands already does not show that; the CNI plugin may have made it, for the address's next pod.
//
// An interface is known by its name, which a pod has from its own name: one that has come again
// under its name, with its address, is taken for the same.
func (d *Driver) Remember(former map[netip.Addr]string) { d.former = maps.Clone(former) }

// elsewhere is the number of no interface.
const elsewhere = -1

// compareWithFormer soils the address of a pod that is known to have been another's. It is asked
// once about each address: from then on, the driver has seen for itself.
func (d *Driver) compareWithFormer(w *wish) {
	if len(d.former) == 0 || w.route.Kind != model.RouteLocalPod || !w.route.Destination.IsSingleIP() {
		return
	}
	a := w.route.Destination.Addr()
	name, known := d.former[a]
	delete(d.former, a)
	if !known || name == w.route.Interface {
		return
	}
	link, there := d.view.byName[name]
	if !there {
		link = elsewhere
	}
	d.dirty[a] = &dirt{key: w.key, link: link}
}
