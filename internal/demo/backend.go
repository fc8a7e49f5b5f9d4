package demo

import "fmt"

// backends are the settings that ask for a backend, by the names that the demo takes.
var backends = map[string][]string{
	"":                nil,
	"nftables":        {"NFTablesMode=Enabled"},
	"iptables":        {"NFTablesMode=Disabled"},
	"iptables-nft":    {"NFTablesMode=Disabled", "IptablesBackend=NFT"},
	"iptables-legacy": {"NFTablesMode=Disabled", "IptablesBackend=Legacy"},
}

// knownBackend refuses what is not known.
func knownBackend(name string) error {
	if _, ok := backends[name]; !ok {
		return fmt.Errorf("backend %q: want nftables, iptables, iptables-nft or iptables-legacy", name)
	}
	return nil
}

// backendFlags are the agent's flags that ask for a backend.
func backendFlags(name string) (flags []string) {
	for _, s := range backends[name] {
		flags = append(flags, "--set", s)
	}
	return flags
}

// listingOf is the command that lists policy on a node.
func listingOf(name string) string {
	switch name {
	case "", "nftables":
		return "nft list table inet calico"
	case "iptables":
		name = "iptables-nft"
	}
	return name + "-save        # and " + "ip6" + name[len("ip"):] + "-save, ipset list"
}
