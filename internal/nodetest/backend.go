package nodetest

import (
	"os"
	"testing"
)

// BackendEnv names the backend that nodes under test have policy in: nftables if it is not
// set, iptables-nft or iptables-legacy.
const BackendEnv = "MARGAY_TEST_BACKEND"

// The backends.
const (
	NFTables       = "nftables"
	IptablesNFT    = "iptables-nft"
	IptablesLegacy = "iptables-legacy"
)

// backends are the settings that ask for each.
var backends = map[string]map[string]string{
	NFTables:       {},
	IptablesNFT:    {"NFTablesMode": "Disabled", "IptablesBackend": "NFT"},
	IptablesLegacy: {"NFTablesMode": "Disabled", "IptablesBackend": "Legacy"},
}

// Backend is the backend that nodes under test have policy in, unless their own settings say
// otherwise.
func Backend() string {
	if b := os.Getenv(BackendEnv); b != "" {
		return b
	}
	return NFTables
}

// BackendSettings are the settings that ask for a backend.
func BackendSettings(backend string) map[string]string { return backends[backend] }

// OnlyNFTables leaves a test out that is about the table of nftables itself.
func OnlyNFTables(t testing.TB) {
	t.Helper()
	if Backend() != NFTables {
		t.Skipf("about the table of nftables; policy is in %s", Backend())
	}
}
