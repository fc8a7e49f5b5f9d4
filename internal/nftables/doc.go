// Package nftables keeps Margay's table in the kernel: inet calico, both families in one.
package nftables
