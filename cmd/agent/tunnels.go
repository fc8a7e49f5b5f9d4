package main

import (
	"net/netip"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// ownTunnels is what the announcer knows of the node's own ends of tunnels. Somebody has to give
// a node its tunnel addresses: in a Kubernetes cluster that is Calico's allocation, by way of the
// Node's annotations. With manifests there is nobody, and the agent takes what the calculation
// offers it. What the node's own manifest says goes before that (files.Source).
type ownTunnels struct {
	// allocate says that there is nobody to give the node addresses.
	allocate bool
	// own is what the calculation says, worth something once everything has been read; until
	// then stands what the Node object shows.
	own    family.Pair[model.Own]
	inSync bool
	shown  *model.Node // nil for none
	// keys are the public keys of the node's WireGuard devices, zero for a family without; nil
	// until the dataplane has said. Until then stands what the Node object shows: a key that
	// went and came back would cost its sessions.
	keys *family.Pair[model.WireguardKey]
}

// key is the public key to publish; zero for none.
func (t *ownTunnels) key(f family.Family) model.WireguardKey {
	switch {
	case t.keys != nil:
		return t.keys.Get(f)
	case t.shown != nil:
		return t.shown.Wireguard.Get(f).Key
	}
	return model.WireguardKey{}
}

// follow takes note of what a batch says of this node.
func (t *ownTunnels) follow(b *calc.Batch) {
	for _, o := range b.Own {
		*t.own.At(o.Family) = o
	}
	t.inSync = b.InSync
}

// given is what a node has for its tunnels of one family; zero for what it has not.
type given struct {
	vxlan, ipip, wireguard netip.Addr
	mac                    model.MAC // of the device over that family
}

func (t *ownTunnels) given(f family.Family) (g given) {
	switch own := t.own.Get(f); {
	case t.inSync:
		g.vxlan, g.ipip, g.wireguard = own.Offer.VXLAN, own.Offer.IPIP, own.Offer.Wireguard
		if own.VXLAN {
			g.mac = own.VTEP.MAC
		}
	case t.shown != nil:
		end, ipip := t.shown.VXLAN.Get(f), family.PairOf(t.shown.IPIP, netip.Addr{})
		g = given{vxlan: end.Address, mac: end.MAC, ipip: ipip.Get(f), wireguard: t.shown.Wireguard.Get(f).Address}
	}
	return g
}

// annotations are to be published beside the node's address.
func (t *ownTunnels) annotations() map[string]string {
	out := map[string]string{}
	for _, f := range family.All() {
		if k := t.key(f); k != (model.WireguardKey{}) {
			out[model.WireguardKeyAnnotation(f)] = k.String()
		}
	}
	if !t.allocate {
		return out
	}
	for _, f := range family.All() {
		g := t.given(f)
		if g.vxlan.IsValid() {
			out[model.VXLANAddressAnnotation(f)] = g.vxlan.String()
		}
		if g.mac != (model.MAC{}) {
			out[model.VXLANMACAnnotation(f)] = g.mac.String()
		}
		if g.wireguard.IsValid() {
			out[model.WireguardAddressAnnotation(f)] = g.wireguard.String()
		}
		if g.ipip.IsValid() {
			out[model.IPIPAddressAnnotation] = g.ipip.String()
		}
	}
	return out
}
