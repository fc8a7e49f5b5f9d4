package model

import "github.com/margay-net/margay/internal/family"

// The names of what is written on Node objects about addresses and tunnels. They are Calico's.

const annotationPrefix = "projectcalico.org/"

// IPIPAddressAnnotation holds the address of a node's tunl0.
const IPIPAddressAnnotation = annotationPrefix + "IPv4IPIPTunnelAddr"

// AddressAnnotation holds a node's own address of a family, with the length of its subnet.
func AddressAnnotation(f family.Family) string { return annotationPrefix + f.String() + "Address" }

// VXLANAddressAnnotation holds a node's VXLAN tunnel address of a family.
func VXLANAddressAnnotation(f family.Family) string {
	return annotationPrefix + f.String() + "VXLANTunnelAddr"
}

// VXLANMACAnnotation holds the hardware address of a node's VXLAN device over a family.
func VXLANMACAnnotation(f family.Family) string {
	return annotationPrefix + "VXLANTunnelMACAddr" + annotationSuffix(f)
}

// WireguardAddressAnnotation holds the address of a node's WireGuard device of a family.
func WireguardAddressAnnotation(f family.Family) string {
	return annotationPrefix + f.String() + "WireguardInterfaceAddr"
}

// WireguardKeyAnnotation holds the public key of a node's WireGuard device of a family.
func WireguardKeyAnnotation(f family.Family) string {
	return annotationPrefix + "WireguardPublicKey" + annotationSuffix(f)
}

// annotationSuffix is what names of IPv6 have where those of IPv4 have nothing.
func annotationSuffix(f family.Family) string {
	suffix := family.PairOf("", "V6")
	return suffix.Get(f)
}

// AnnotationField is the path of an annotation in its object, for problems.
func AnnotationField(annotation string) string { return "metadata.annotations[" + annotation + "]" }
