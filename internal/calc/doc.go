// Package calc is the calculation graph: it reduces what the sources say of the whole
// cluster to what one node must do about it.
//
//	pods ──► claims ──► addresses ──┬─► endpoints, routes
//	  │        ▲                    │
//	  │        └── blocks, pools,   ▼
//	  │            nodes, services  sets ◄── selections ◄─┐
//	  └──► classes ◄──► label index ◄── queries           │
//	          ▲                          ▲             rules of
//	          └── namespaces,            └── policies ──► active
//	              service accounts                        policies
//
// The graph is pure: no I/O, no clock, no goroutine, no lock, no logging. What it hands
// over is a function of the present input alone, whatever the order in which that input
// came; work is proportional to the change. Hash seeds are random, as label values are
// chosen by strangers; nothing of the output depends on them.
//
// Most of the input is about pods of other nodes, of which there may be hundreds of
// thousands. So they are kept as rows of numbers: a pod is in a class with all that have
// the same labels, namespace, service account and ports; labels are packed text, shared by
// the class; who is in a set is derived from the classes, never stored.
//
// The package owns nothing in the kernel.
package calc
