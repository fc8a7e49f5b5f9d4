package render

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// Names of what is always there. They are Felix's where it has the like.
const (
	toHost       = "cali-wl-to-host"       // from a pod to the node
	fromPod      = "cali-from-wl"          // from a pod to elsewhere, before policy
	fromDispatch = "cali-from-wl-dispatch" // tree: interface to cali-fw-…
	toDispatch   = "cali-to-wl-dispatch"   // tree: interface to cali-tw-…
	fromKnown    = "cali-from-wl-known"    // tree: known interfaces, raw table
	toKnown      = "cali-to-wl-known"      // tree: known interfaces, filter table
	fromNode     = "cali-from-node"        // from the node to a pod
	sourceCheck  = "cali-source-check"     // from a pod, raw table
	linkMessages = "cali-link-messages"    // neighbour discovery with a link's source
	granted      = "cali-rpf-skip"         // tree: interface to further sources, raw table
	neverForward = "cali-link-only"        // drops what must stay on its link
	allowed      = "cali-allowed"          // sets the accept mark
	passed       = "cali-passed"           // sets the pass mark
	natOutgoing  = "cali-nat-outgoing"

	tunnelInput   = "cali-tunnel-input"   // to the node: is it tunnelled?
	tunnelSenders = "cali-tunnel-senders" // and by whom?
	tunnelIn      = "cali-tunnel-raw-in"  // tunnelled packets are not tracked
	tunnelOut     = "cali-tunnel-raw-out"

	sources  = "-sources"
	senders  = "-tunnel-senders"
	natPools = "masq-ipam-pools"
	allPools = "all-ipam-pools"
	allHosts = "all-hosts-net"
	netsName = "-nets-" // a set that is named for the nets that it holds

	maxChain = 28 // characters that iptables takes for a chain
	maxSet   = 31 // and ipset for a set
	digits   = 19 // characters of a hash in a name: 114 bits
)

func (r *Renderer) named(set string) string { return ipset.Prefix(r.family) + set }

// SetName is the name of a set's half for one family.
func SetName(id model.SetID, f family.Family) string {
	return name(maxSet, ipset.Prefix(f), string(id))
}

// isNamedForContent says whether a set has the nets of rules, and is theirs together.
func isNamedForContent(set string) bool {
	start := len(ipset.Prefix(family.V4))
	return len(set) > start && strings.HasPrefix(set[start:], netsName)
}

// EndpointChain is the chain that an interface's traffic of one direction goes to.
func EndpointChain(iface string, d model.Direction) string {
	return name(maxChain, rules.EndpointPrefix(d), iface)
}

func grantedChain(iface string) string { return name(maxChain, "cali-sa-", iface) }

// PolicyChain is a policy's chain for a direction.
func PolicyChain(id model.PolicyID, d model.Direction) string {
	prefix, parts := rules.PolicyName(id, d)
	return name(maxChain, prefix, parts...)
}

// name makes a name that iptables and ipset take, and that no other parts share. Parts of
// letters, digits, dots and dashes are kept and joined by slashes, if that is short enough;
// else the name is the prefix, an underscore and a hash of all of it, as in Felix. A kept
// name has no underscore, so that nobody can choose a name that is another's.
func name(longest int, prefix string, parts ...string) string {
	kept := true
	for _, p := range parts {
		kept = kept && p != "" && strings.IndexFunc(p, strange) < 0
	}
	if joined := prefix + strings.Join(parts, "/"); kept && len(joined) <= longest {
		return joined
	}
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(parts, "\x00")))
	return prefix + "_" + base64.RawURLEncoding.EncodeToString(sum[:])[:digits]
}

func strange(c rune) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.':
		return false
	}
	return true
}

// writable says whether iptables can be told the name of an interface: a plus at its end
// would be a wildcard, and quotes and the like would end the word.
func writable(iface string) bool {
	const longest = 15 // IFNAMSIZ less the closing zero
	return iface != "" && len(iface) <= longest && strings.IndexFunc(iface, func(c rune) bool {
		return strange(c) && c != '_' && c != ':' && c != '@'
	}) < 0
}
