package calctest

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// parseTunnels reads vxlan-IPv4=ADDRESS/MAC, either of which may be missing, and ipip=ADDRESS.
func parseTunnels(o *options, n *model.Node) {
	for _, f := range family.All() {
		address, mac, has := strings.Cut(o.text("vxlan-"+f.String()), "/")
		n.VXLAN.At(f).Address = parseAddress(o, address)
		if !has {
			continue
		}
		raw, err := net.ParseMAC(mac)
		if o.fail(err); err == nil && len(raw) == len(model.MAC{}) {
			n.VXLAN.At(f).MAC = model.MAC(raw)
		} else {
			o.fail(fmt.Errorf("%s is no hardware address", mac))
		}
	}
	n.IPIP = parseAddress(o, o.text("ipip"))
}

func parseAddress(o *options, text string) netip.Addr {
	if text == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(text)
	o.fail(err)
	return a
}
