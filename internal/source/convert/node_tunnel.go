package convert

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// GivenToNode says whether an annotation holds what somebody gives to the node, and the agent
// gives itself only where nobody does: its tunnel addresses and their hardware addresses.
func GivenToNode(annotation string) bool {
	given := []string{model.IPIPAddressAnnotation}
	for _, f := range family.All() {
		given = append(given, model.VXLANAddressAnnotation(f), model.VXLANMACAnnotation(f))
	}
	return slices.Contains(given, annotation)
}

// tunnels reads a node's annotations about tunnels. Each that cannot be read counts as none.
func (r *Result) tunnels(n *corev1.Node, v *model.Node) {
	v.IPIP = annotated(r, n, model.IPIPAddressAnnotation, tunnelAddress(family.V4))
	for _, f := range family.All() {
		*v.VXLAN.At(f) = model.TunnelEnd{
			Address: annotated(r, n, model.VXLANAddressAnnotation(f), tunnelAddress(f)),
			MAC:     annotated(r, n, model.VXLANMACAnnotation(f), parseMAC),
		}
		*v.Wireguard.At(f) = model.WireguardEnd{
			Address: annotated(r, n, model.WireguardAddressAnnotation(f), tunnelAddress(f)),
			Key:     annotated(r, n, model.WireguardKeyAnnotation(f), parseWireguardKey),
		}
	}
}

// annotated is what an annotation holds; the zero value if there is none, or none that can be
// read, which is a problem.
func annotated[T any](r *Result, n *corev1.Node, annotation string, parse func(string) (T, error)) T {
	var none T
	text := n.Annotations[annotation]
	if text == "" {
		return none
	}
	v, err := parse(text)
	if err != nil {
		r.problem(model.Failure, model.AnnotationField(annotation), text, "%s", err)
		return none
	}
	return v
}

// tunnelAddress reads an address that a tunnel of family f can have.
func tunnelAddress(f family.Family) func(string) (netip.Addr, error) {
	return func(text string) (netip.Addr, error) {
		a, err := netip.ParseAddr(text)
		if err != nil || family.Of(a) != f || !a.IsGlobalUnicast() || a.Zone() != "" {
			return netip.Addr{}, fmt.Errorf("is not an %v address that a tunnel can have", f)
		}
		return a.Unmap(), nil
	}
}

// parseMAC reads the hardware address of one device: not a group's, and not that of zeroes.
func parseMAC(text string) (model.MAC, error) {
	var m model.MAC
	raw, err := net.ParseMAC(text)
	if err != nil || len(raw) != len(m) || raw[0]&1 != 0 || model.MAC(raw) == m {
		return m, errors.New("is not the hardware address of a device")
	}
	return model.MAC(raw), nil
}

// parseWireguardKey reads a public key. That of zeroes is nobody's.
func parseWireguardKey(text string) (model.WireguardKey, error) {
	var k model.WireguardKey
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != len(k) || model.WireguardKey(raw) == k {
		return k, errors.New("is not a WireGuard key: 32 bytes in base64")
	}
	return model.WireguardKey(raw), nil
}
