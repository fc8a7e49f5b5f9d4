// Package render turns policy, endpoints, sets and settings of one address family into
// chains, sets and elements of the table "inet calico", in the form of package nft. The
// functions are pure: each renders one object, so that a change of one object changes
// its own part of the table only.
//
// The way of a packet (all base chains accept by default; what touches no pod interface
// passes through untouched):
//
//	prerouting  -300  raw-prerouting    from a pod: is the source its own?
//	forward        0  forward-egress    from a pod: its egress policies
//	forward        1  forward-ingress   to a pod: its ingress policies
//	input          0  input-egress      from a pod to the node: its egress policies
//	input          1  input-node        the same: DefaultEndpointToHostAction
//	output         0  output            from the node to a pod: is it a known one?
//	postrouting  100  postrouting       from a pool that asks for it: NAT
//
// An accept ends one base chain and goes on to the next on the hook, so that a packet
// between two pods of the node meets the policies of both, without mark bits.
//
// Maps lead from interface names to one chain for each pod and direction, cali-fw-<interface>
// and cali-tw-<interface> (the names, like those of the policies' chains cali-po-… and
// cali-pi-…, are Felix's). It jumps to the chains of the policies, which all pods share, in
// order; the last tier is written out in it, and each one before has a chain of its own, so
// that Pass is a plain return from there. Felix uses mark bits for that. A map from
// interfaces to the chains of the next tier would do as well, but then each tier adds to the
// depth of the chains, and the kernel, which counts goto like jump, refuses five tiers (a
// limit of 16, NFT_JUMP_STACK_SIZE). Here the depth is four, whatever the number of tiers.
//
// Both families land in one table. The driver stores a rule that is equal in both once and
// confines one that only one family has; so nothing here says "meta nfproto" but what drops
// the traffic of a family that is switched off.
//
// Four things are closed by their layout. A packet from or to an interface without an entry
// in the maps is dropped, of an established connection too. So is all of a family that is
// off. The maps hold jumps, after which comes a drop: a packet of a family that has no rules
// in a pod's chain comes back to that. And the base chains with empty maps are the closed
// table of a node that has just started.
package render
