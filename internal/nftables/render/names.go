package render

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// Names of the maps and sets that are always there. Those of one family end in its
// version number.
const (
	fromPods      = "cali-from-wl-dispatch" // interface : chain of its egress policies
	toPods        = "cali-to-wl-dispatch"   // interface : chain of its ingress policies
	pods          = "cali-pods"             // interface : accept, for known pods
	granted       = "cali-sources-granted"  // interface : chain of further sources
	sources       = "cali-sources"          // interface . address that it may send from
	onLink        = "cali-icmp-on-link"     // types of ICMP messages that are never forwarded
	natPools      = "cali-masq-ipam-pools"  // pools with NAT for what leaves them
	allPools      = "cali-all-ipam-pools"   // all pools
	allHosts      = "cali-all-hosts"        // the nodes' addresses
	tunnelSenders = "cali-tunnel-senders"   // addresses of those at the other ends of tunnels
	setPrefix     = "cali"                  // cali4-…, cali6-…: sets of selectors and named ports
	maxName       = 128                     // what every kernel and nft in use takes for a chain or a set
	hashLength    = 32                      // hexadecimal digits of a name's hash
)

func ofFamily(name string, f family.Family) string { return name + strconv.Itoa(f.Version()) }

// SetName is the name of a set's half for one family.
func SetName(id model.SetID, f family.Family) string {
	return name(ofFamily(setPrefix, f)+"-", string(id))
}

// endpointChain is the chain that an interface's traffic of one direction goes to.
func endpointChain(iface string, d model.Direction) string {
	return name(rules.EndpointPrefix(d), iface)
}

// tierChain is the chain of a tier that is not the last one.
func tierChain(iface, tier string, d model.Direction) string {
	return name(rules.EndpointPrefix(d), iface, tier)
}

// policyChain is a policy's n-th chain for a direction: Pass rules cut it into several.
func policyChain(id model.PolicyID, d model.Direction, n int) string {
	prefix, parts := rules.PolicyName(id, d)
	if n > 0 {
		parts = append(parts, strconv.Itoa(n))
	}
	return name(prefix, parts...)
}

func grantedChain(iface string) string { return name("cali-sa-", iface) }

// name makes a name that the kernel and nft take, and that no other parts share. Parts of
// letters, digits, dots and dashes are kept and joined by slashes. Anything else, and what
// would be too long, is cut short and ends in an underscore and a hash of all of it; a kept
// name has no underscore, so that nobody can choose a name that is another's.
func name(prefix string, parts ...string) string {
	joined := prefix + strings.Join(parts, "/")
	kept := len(joined) <= maxName
	for _, p := range parts {
		kept = kept && p != "" && strings.IndexFunc(p, strange) < 0
	}
	if kept {
		return joined
	}
	// The separator of what is hashed is in no part.
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(parts, "\x00")))
	readable := strings.Map(func(c rune) rune {
		if c != '/' && strange(c) {
			return '-'
		}
		return c
	}, joined)
	readable = readable[:min(len(readable), maxName-1-hashLength)]
	return readable + "_" + hex.EncodeToString(sum[:])[:hashLength]
}

// strange is what a part may not have: all that nft's own names do not allow, and the two
// characters that have a meaning here.
func strange(c rune) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.':
		return false
	}
	return true
}
