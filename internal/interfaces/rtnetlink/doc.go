// Package rtnetlink speaks as much of rtnetlink as the drivers of routes and interfaces
// need: links, addresses and routes, written in batches, read in dumps, watched by
// events. Own messages instead of a library's for three reasons: a batch costs a fifth
// of single requests, an error of one message of a batch finds its way back to that
// message, and the event socket can drop our own writes before they reach us.
//
// It owns nothing in the kernel. Sockets belong to the network namespace of the thread
// that opens them.
package rtnetlink
