// Package clean takes out of the kernel all that agents have put there, for a node that
// Margay leaves.
//
// What it finds ours by is what each driver does: the nftables table by its name; chains,
// rules and sets of iptables by their prefixes; routes by protocol 80; rules by their
// priority and by leading to a table in the absence of a mark; tunnel devices by name and
// kind. Policy goes last, so that nothing is open that still can be reached. What is gone
// already is no error: to clean twice does no harm, and half of it can be finished later.
//
// What stays: routes on pods' interfaces that are not of protocol 80, since the CNI plugin
// writes the same, and they go with the interface; settings of interfaces; and tunl0, which
// nobody can remove and which others use as well.
package clean

import (
	"errors"
	"fmt"

	"github.com/google/nftables"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/routes"
)

// Options say what is ours by the settings of the agent that was here.
type Options struct {
	// RulePriority is that of WireGuard's routing rules.
	RulePriority int
	// Devices are tunnel devices.
	Devices []Device
	// Dry finds out and removes nothing.
	Dry bool
}

// Device is a link that is removed if it has this name and kind.
type Device struct{ Name, Kind string }

// table is what policy is in.
const table = "calico"

// Run removes what is ours in the network namespace of the calling thread, and names each
// thing that was there. An error does not keep the rest from being removed, but policy
// stays where anything else has.
func Run(o Options) (removed []string, err error) {
	socket, err := rtnetlink.Open()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	c := &cleaner{options: o, socket: socket}
	err = errors.Join(c.links(), c.routing())
	if err == nil {
		err = errors.Join(c.iptables(), c.nftables())
	}
	return c.removed, err
}

type cleaner struct {
	options Options
	socket  *rtnetlink.Socket
	removed []string
}

// note notes what is removed, or would be.
func (c *cleaner) note(format string, args ...any) {
	c.removed = append(c.removed, fmt.Sprintf(format, args...))
}

// execute carries out a batch.
func (c *cleaner) execute(b *rtnetlink.Batch) error {
	if c.options.Dry || b.Len() == 0 {
		return nil
	}
	return errors.Join(c.socket.Execute(b)...)
}

// links removes tunnel devices, and with them their addresses, neighbours and routes.
func (c *cleaner) links() error {
	all, err := c.socket.Links()
	if err != nil {
		return err
	}
	var b rtnetlink.Batch
	for _, link := range all {
		for _, d := range c.options.Devices {
			if link.Name == d.Name && link.Kind == d.Kind {
				b.DeleteLink(link.Index)
				c.note("%s device %s", link.Kind, link.Name)
			}
		}
	}
	return c.execute(&b)
}

// routing removes routing rules and the routes in the tables that they lead to, and in the
// main one.
func (c *cleaner) routing() error {
	var errs []error
	for _, f := range family.All() {
		rules, err := c.socket.Rules(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		tables := map[uint32]bool{0: true}
		var b rtnetlink.Batch
		for _, r := range rules {
			if r.Priority == uint32(c.options.RulePriority) && !r.Odd && !r.Marked && r.Mask != 0 && r.Mask == r.Mark { //nolint:gosec // up to 32765
				b.DeleteRule(r)
				c.note("%v rule %v", f, r)
				tables[r.Table] = true
			}
		}
		for number := range tables {
			errs = append(errs, c.routes(f, number, &b))
		}
		errs = append(errs, c.execute(&b))
	}
	return errors.Join(errs...)
}

// routes has the routes of one table removed.
func (c *cleaner) routes(f family.Family, number uint32, b *rtnetlink.Batch) error {
	all, err := c.socket.TableRoutes(f, number)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Protocol == routes.Protocol {
			b.DeleteRoute(r)
			c.note("%v route %s", f, r.Text(nil))
		}
	}
	return nil
}

// iptables removes what an agent in iptables mode, or Felix, has left.
func (c *cleaner) iptables() error {
	var errs []error
	for _, f := range family.All() {
		for _, v := range []iptables.Variant{iptables.NFT, iptables.Legacy} {
			errs = append(errs, c.chains(f, v))
		}
		errs = append(errs, c.sets(f))
	}
	return errors.Join(errs...)
}

func (c *cleaner) chains(f family.Family, v iptables.Variant) error {
	probe := &iptables.Probe{}
	if c.options.Dry {
		if guards, err := probe.Guards(f, v); err != nil || !guards {
			return err
		}
		c.note("%v chains of iptables, %s variant", f, v)
		return nil
	}
	n, err := probe.Remove(f, v)
	if n > 0 {
		c.note("%v chains of iptables, %s variant: %d", f, v, n)
	}
	return err
}

// sets removes IP sets.
func (c *cleaner) sets(f family.Family) error {
	programs := &ipset.Programs{}
	all, err := programs.Save(f)
	if errors.Is(err, ipset.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	var script []byte
	for _, l := range all {
		script = append(script, "destroy "+l.Set.Name+"\n"...)
		c.note("%v IP set %s", f, l.Set.Name)
	}
	if c.options.Dry || len(script) == 0 {
		return nil
	}
	return programs.Restore(script)
}

// nftables removes the table.
func (c *cleaner) nftables() error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	tables, err := conn.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for _, t := range tables {
		if t.Name != table {
			continue
		}
		c.note("nftables table inet %s", table)
		if c.options.Dry {
			return nil
		}
		conn.DelTable(t)
		if err := conn.Flush(); err != nil {
			return fmt.Errorf("remove table inet %s: %w", table, err)
		}
	}
	return nil
}
