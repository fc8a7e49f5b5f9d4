package main

import (
	"fmt"

	"github.com/google/nftables"
)

// flush does what `nft flush ruleset` does: every table goes, in one transaction of a
// program that is not the agent.
func (w *world) flush() error {
	c, err := nftables.New(nftables.WithNetNSFd(w.node.NetFD()))
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	c.FlushRuleset()
	if err := c.Flush(); err != nil {
		return fmt.Errorf("flush the ruleset: %w", err)
	}
	return nil
}
