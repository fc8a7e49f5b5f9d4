package demo

import (
	"slices"
	"strings"
	"testing"
)

func TestBackends(t *testing.T) {
	for name, want := range map[string]struct {
		flags   string
		listing string
	}{
		"":                {"", "nft list table inet calico"},
		"nftables":        {"--set NFTablesMode=Enabled", "nft list table inet calico"},
		"iptables":        {"--set NFTablesMode=Disabled", "iptables-nft-save"},
		"iptables-legacy": {"--set NFTablesMode=Disabled --set IptablesBackend=Legacy", "ip6tables-legacy-save"},
	} {
		if err := knownBackend(name); err != nil {
			t.Error(err)
		}
		command := agentCommand("agent", "dir", "node1", name)
		if got := strings.Join(command[slices.Index(command, "node1")+1:], " "); got != want.flags {
			t.Errorf("%s: flags %q, want %q", name, got, want.flags)
		}
		if got := listingOf(name); !strings.Contains(got, want.listing) {
			t.Errorf("%s is listed by %q", name, got)
		}
	}
	if knownBackend("ebpf") == nil {
		t.Error("ebpf is known")
	}
}
