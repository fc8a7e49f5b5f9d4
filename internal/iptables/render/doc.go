// Package render turns policy, endpoints, sets and settings of one address family into
// chains, hooks, trees and sets of iptables or ip6tables. The functions are pure: each
// renders one object, so that a change of one object changes its own chains only. Names and
// layout are Felix's wherever it has a counterpart; what packets meet is what package
// nftables/render has them meet.
//
// The way of a packet, in the order of the kernel's hooks:
//
//	raw     PREROUTING   cali-PREROUTING    from a pod: is the source its own?
//	filter  FORWARD      cali-FORWARD       from a pod: cali-from-wl, its egress policies;
//	                                        to a pod: cali-to-wl-dispatch, its ingress policies
//	filter  INPUT        cali-INPUT         from a pod to the node: cali-wl-to-host
//	filter  OUTPUT       cali-OUTPUT        from the node to a pod: is it a known one?
//	nat     POSTROUTING  cali-POSTROUTING   from a pool that asks for it: NAT
//
// Trees lead from interface names to a chain for each pod and direction (cali-fw-… and
// cali-tw-…), which goes through the chains of its policies (cali-po-… and cali-pi-…), which
// all pods share, tier by tier. A policy allows a packet by the accept mark, and passes it by
// the pass mark; whoever has jumped to it looks at these. Coming back from a pod's chain
// means allowed: denied packets have been dropped. The marks are cleared before each use, so
// that nobody else's bits count.
//
// A jump comes back and a goto leads on: RETURN in a chain that was reached by goto alone
// ends our part of the hook and leaves the packet to other people's rules. Only cali-FORWARD
// and cali-INPUT accept, as the settings say.
//
// Closed by their layout are the packets from and to interfaces that no tree knows, and all
// of a family that is off.
package render
