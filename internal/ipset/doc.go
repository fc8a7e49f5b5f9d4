// Package ipset is the driver of one family's IP sets, which rules of iptables look into.
//
// Its caller says which sets there ought to be and what they hold (Declare, Add, …). Update
// then writes what differs, as few lines to one `ipset restore`, or starts no process at
// all. A set whose type or size changes is made anew under another name, filled, and
// swapped with the old one, so that no packet meets a set that is half full. Sweep destroys
// what is not wanted, once no rule refers to it any more.
//
// # What is ours in the kernel
//
// Sets whose names begin with cali40 (IPv4) or cali60 (IPv6), and the temporary cali4t and
// cali6t: Felix's names. They are known again by name and type, and their members by value.
//
// # What has gone wrong elsewhere
//
// hash:net does not take the whole address space (0.0.0.0/0): it is held as two halves. A
// set that a rule refers to cannot be destroyed. ipset prints members in its own way, and a
// driver that writes them in another sees differences for ever. One set too many members
// stopped Felix (projectcalico/calico#4069); here such a set is in error, and only it.
package ipset
