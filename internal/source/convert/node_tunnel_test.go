package convert

import (
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

func TestNodesTunnels(t *testing.T) {
	const key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
	node := func(annotations string) string {
		return "apiVersion: v1\nkind: Node\nmetadata: {name: n1, annotations: {" + annotations + "}}\n"
	}
	problem := func(annotation, value, text string) string {
		return "\nerror metadata.annotations[projectcalico.org/" + annotation + "] \"" + value + "\": " + text
	}
	cases{
		{"without any", node(""), "Node/n1"},
		{
			"VXLAN of both families",
			node("projectcalico.org/IPv4VXLANTunnelAddr: 10.0.1.0, projectcalico.org/VXLANTunnelMACAddr: '66:00:00:00:00:01', " +
				"projectcalico.org/IPv6VXLANTunnelAddr: 'fd00:1::', projectcalico.org/VXLANTunnelMACAddrV6: '66-00-00-00-00-AB'"),
			"Node/n1 vxlan-IPv4=10.0.1.0/66:00:00:00:00:01 vxlan-IPv6=fd00:1::/66:00:00:00:00:ab",
		},
		{"VXLAN of IPv6 alone, without a MAC", node("projectcalico.org/IPv6VXLANTunnelAddr: 'fd00:1::'"), "Node/n1 vxlan-IPv6=fd00:1::"},
		{"IPIP", node("projectcalico.org/IPv4IPIPTunnelAddr: 10.0.1.1"), "Node/n1 ipip=10.0.1.1"},
		{
			"WireGuard",
			node("projectcalico.org/IPv4WireguardInterfaceAddr: 10.0.1.2, projectcalico.org/WireguardPublicKeyV6: '" + key + "'"),
			"Node/n1 wireguard-IPv4=10.0.1.2 wireguard-IPv6=/" + key,
		},
		{
			"addresses of the other family",
			node("projectcalico.org/IPv4VXLANTunnelAddr: 'fd00:1::', projectcalico.org/IPv6VXLANTunnelAddr: 10.0.1.0, projectcalico.org/IPv4IPIPTunnelAddr: 'fd00::1'"),
			"Node/n1" + problem("IPv4IPIPTunnelAddr", "fd00::1", "is not an IPv4 address that a tunnel can have") +
				problem("IPv4VXLANTunnelAddr", "fd00:1::", "is not an IPv4 address that a tunnel can have") +
				problem("IPv6VXLANTunnelAddr", "10.0.1.0", "is not an IPv6 address that a tunnel can have"),
		},
		{
			"what no tunnel can have",
			node("projectcalico.org/IPv4VXLANTunnelAddr: 10.0.1.0/24, projectcalico.org/VXLANTunnelMACAddr: '01:00:00:00:00:01', " +
				"projectcalico.org/IPv6VXLANTunnelAddr: 'fe80::1', projectcalico.org/VXLANTunnelMACAddrV6: '00:00:00:00:00:00'"),
			"Node/n1" + problem("IPv4VXLANTunnelAddr", "10.0.1.0/24", "is not an IPv4 address that a tunnel can have") +
				problem("VXLANTunnelMACAddr", "01:00:00:00:00:01", "is not the hardware address of a device") +
				problem("IPv6VXLANTunnelAddr", "fe80::1", "is not an IPv6 address that a tunnel can have") +
				problem("VXLANTunnelMACAddrV6", "00:00:00:00:00:00", "is not the hardware address of a device"),
		},
		{
			"keys that are none",
			node("projectcalico.org/WireguardPublicKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', projectcalico.org/WireguardPublicKeyV6: short"),
			"Node/n1" + problem("WireguardPublicKey", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "is not a WireGuard key: 32 bytes in base64") +
				problem("WireguardPublicKeyV6", "short", "is not a WireGuard key: 32 bytes in base64"),
		},
	}.run(t)
}

func TestGivenToNode(t *testing.T) {
	for _, f := range family.All() {
		for annotation, want := range map[string]bool{
			model.VXLANAddressAnnotation(f): true, model.VXLANMACAnnotation(f): true, model.IPIPAddressAnnotation: true,
			model.AddressAnnotation(f): false, model.WireguardKeyAnnotation(f): false, model.WireguardAddressAnnotation(f): false,
		} {
			if GivenToNode(annotation) != want {
				t.Errorf("%s: %t", annotation, !want)
			}
		}
	}
}
