// Package wireguard keeps the node's end of the encrypted tunnel between nodes, for the pods of
// one family: a device with its key and address, a peer for each node that has a key, and the
// routes that lead pod traffic into the device.
//
//	ip rule            99: not from all fwmark 0x100000/0x100000 lookup 1
//	ip route, table 1  10.244.1.0/26 dev wireguard.cali              node b has a key
//	                   blackhole 10.244.1.0/26 metric 4096           ... and stays closed if the device goes
//	                   throw 10.244.2.0/26                           node c has none: on to the main table
//	                   blackhole 10.244.2.0/26                       ... or dropped, if encryption is required
//	wg                 interface wireguard.cali, fwmark 0x100000
//	                   peer (b's key): endpoint 172.18.0.3:51820, allowed ips 10.244.1.0/26, 10.244.1.0/32
//
// What it owns in the kernel, known again after a restart: the device, by its name and kind, with
// all of its peers and addresses; the rules of its priority and family that lead to its table;
// and everything in that table. The private key lives in the device, and in a file where a state
// directory is given, so that a restart does not change it. It appears in no log, no dump and
// no error.
//
// A peer that has not changed is not written: a session lives as long as its peer. Nothing goes
// in the clear because something of this is missing: a destination whose node has a key has two
// routes, and the one behind the device's drops.
package wireguard
