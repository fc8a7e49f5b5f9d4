package dataplane

import (
	"fmt"

	gnft "github.com/google/nftables"

	"github.com/margay-net/margay/internal/family"
)

// condition is something about a backend that the node's operator ought to know.
type condition struct {
	families family.Set
	text     string
}

// othersThatDrop are the chains of others that drop whatever is forwarded and nobody has
// accepted there. An accept in our own table does not count for them: their drop wins. Those
// of the legacy variant of iptables are not among them; nobody can list these by netlink.
func othersThatDrop() ([]condition, error) {
	conn, err := gnft.New()
	if err != nil {
		return nil, err
	}
	chains, err := conn.ListChains()
	if err != nil {
		return nil, fmt.Errorf("list the chains of nftables: %w", err)
	}
	var out []condition
	for _, c := range chains {
		families, known := packetFamilies[c.Table.Family]
		forwards := c.Hooknum != nil && *c.Hooknum == *gnft.ChainHookForward && c.Type == gnft.ChainTypeFilter
		if !known || !forwards || c.Policy == nil || *c.Policy != gnft.ChainPolicyDrop {
			continue
		}
		out = append(out, condition{families, fmt.Sprintf(
			"the chain %s of the table %s %s drops what is forwarded and it has not accepted, pods' traffic too: see docs/backends.md",
			c.Name, tableFamilies[c.Table.Family], c.Table.Name)})
	}
	return out, nil
}

// packetFamilies are the families whose packets a table meets.
var packetFamilies = map[gnft.TableFamily]family.Set{
	gnft.TableFamilyINet: family.Both, gnft.TableFamilyIPv4: family.NewSet(family.V4), gnft.TableFamilyIPv6: family.NewSet(family.V6),
}
