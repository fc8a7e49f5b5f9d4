package dataplane

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	gnft "github.com/google/nftables"
	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
)

// leftover is where a backend that is not ours, Felix's or that of an earlier run, may have
// left something that guards the node. It is known by the names of Felix and of ours alone.
type leftover struct {
	table   *gnft.Table      // of nftables, if it is not nil
	family  family.Family    // else that of the tables of iptables
	variant iptables.Variant // in this variant
}

func (l leftover) String() string {
	if l.table != nil {
		return fmt.Sprintf("nftables table %s %s", tableFamilies[l.table.Family], l.table.Name)
	}
	return fmt.Sprintf("%v iptables, variant %s", l.family, l.variant)
}

var (
	tableFamilies = map[gnft.TableFamily]string{
		gnft.TableFamilyINet: "inet", gnft.TableFamilyIPv4: "ip", gnft.TableFamilyIPv6: "ip6", gnft.TableFamilyARP: "arp",
	}
	nftFamilies = map[family.Family]gnft.TableFamily{family.V4: gnft.TableFamilyIPv4, family.V6: gnft.TableFamilyIPv6}
)

// findLeftovers lists what other backends than the given ones have left. It looks at names
// only, and starts a program only where the kernel says that the legacy variant is in use.
func findLeftovers(probe *iptables.Probe, ours ...backendKind) ([]leftover, error) {
	mine := map[backendKind]bool{}
	for _, k := range ours {
		mine[k] = true
	}
	conn, err := gnft.New()
	if err != nil {
		return nil, err
	}
	var out []leftover
	tables, err := conn.ListTables()
	if err != nil {
		return nil, fmt.Errorf("list the tables of nftables: %w", err)
	}
	for _, t := range tables {
		isOurs := t.Name == tableName && t.Family == gnft.TableFamilyINet
		if isOurs && mine[backendKind{nftables: true}] || !isOurs && !isFelixs(conn, t) {
			continue
		}
		out = append(out, leftover{table: t})
	}
	for _, f := range family.All() {
		if !mine[backendKind{variant: iptables.NFT}] {
			found, err := hasChains(conn, f)
			if err != nil {
				return nil, err
			}
			if found {
				out = append(out, leftover{family: f, variant: iptables.NFT})
			}
		}
		if !mine[backendKind{variant: iptables.Legacy}] {
			// What cannot be read now is looked for again when something is to be removed.
			if found, err := probe.Guards(f, iptables.Legacy); err == nil && found {
				out = append(out, leftover{family: f, variant: iptables.Legacy})
			}
		}
	}
	return out, nil
}

// isFelixs says whether a table is one of Felix's own: by its name, and those of its chains.
func isFelixs(conn *gnft.Conn, t *gnft.Table) bool {
	switch t.Family {
	case gnft.TableFamilyIPv4, gnft.TableFamilyIPv6:
		if t.Name != "calico" {
			return false
		}
	case gnft.TableFamilyARP:
		if t.Name != "calico-arp" {
			return false
		}
	default:
		return false
	}
	chains, err := conn.ListChainsOfTableFamily(t.Family)
	return err == nil && slices.ContainsFunc(chains, func(c *gnft.Chain) bool {
		return c.Table.Name == t.Name && strings.Contains(c.Name, "cali-")
	})
}

// hasChains says whether the tables that iptables-nft writes have chains of our name.
func hasChains(conn *gnft.Conn, f family.Family) (bool, error) {
	chains, err := conn.ListChainsOfTableFamily(nftFamilies[f])
	if err != nil {
		return false, fmt.Errorf("list the %v chains of nftables: %w", f, err)
	}
	for _, c := range chains {
		for _, name := range iptables.Tables() {
			if c.Table.Name == name && strings.HasPrefix(c.Name, "cali-") {
				return true, nil
			}
		}
	}
	return false, nil
}

// removeLeftovers removes them. Ours guards the node by now.
func removeLeftovers(probe *iptables.Probe, found []leftover, ours backendKind, log *logrus.Entry) error {
	var errs []error
	for _, l := range found {
		var err error
		if l.table != nil {
			err = deleteTable(l.table)
		} else {
			_, err = probe.Remove(l.family, l.variant)
			if err == nil && ours.nftables { // else they are its own
				err = removeSets(probe, l.family)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("remove what is left in %v: %w", l, err))
			continue
		}
		log.WithField("where", l.String()).Info("Removed what another backend had left")
	}
	return errors.Join(errs...)
}

// deleteTable deletes a table of nftables with all that is in it, in two transactions: first
// the chains that packets come to. A packet that is in one of them at that moment goes on by
// the rules as they were, but looks into sets and maps as they are: were these to go at the
// same time, it would be found nowhere, and dropped.
func deleteTable(t *gnft.Table) error {
	conn, err := gnft.New()
	if err != nil {
		return err
	}
	chains, err := conn.ListChainsOfTableFamily(t.Family)
	if err != nil {
		return err
	}
	for _, c := range chains {
		if c.Table.Name == t.Name && c.Hooknum != nil {
			conn.FlushChain(c)
			conn.DelChain(c)
		}
	}
	if err := conn.Flush(); err != nil {
		return err
	}
	conn.DelTable(t)
	return conn.Flush()
}

// removeSets removes the sets of a family to which no rule of ours refers any more. One that
// somebody else's rule refers to stays; it hurts nobody.
func removeSets(probe *iptables.Probe, f family.Family) error {
	d := ipset.New(ipset.Options{Family: f, Kernel: &ipset.Programs{Start: probe.Start}})
	d.InSync()
	return d.RemoveAll()
}
