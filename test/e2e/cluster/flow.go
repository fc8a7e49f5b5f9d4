package cluster

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// retryEvery is how long to wait before something is asked again that tells of no change.
const retryEvery = 50 * time.Millisecond

// pause waits for retryEvery, or for the context to end, which is its error.
func pause(ctx context.Context) error {
	t := time.NewTimer(retryEvery)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Flows is one flow, in every family of the cluster. A port is 0 for ICMP.
func (c *Cluster) Flows(from, to string, protocol netlab.Protocol, port uint16, allowed bool) []netlab.Expectation {
	var all []netlab.Expectation
	for _, f := range c.options.Families.Families() {
		flow := netlab.Flow{From: from, To: to, Family: f, Protocol: protocol, Port: port}
		all = append(all, netlab.Expectation{Flow: flow, Allowed: allowed})
	}
	return all
}

// Table reads expectations in the form in which a netlab.Matrix prints: columns are two blanks
// apart at least, a cell is yes, no or - (do not ask). Columns of families that the cluster does
// not have are left out. Members are pods ("shop/web"), nodes, and "link", a host outside.
//
//	FROM      TO            IPv4 TCP  IPv6 TCP
//	shop/web  shop/db:5432  yes       no
func (c *Cluster) Table(text string) []netlab.Expectation {
	c.t.Helper()
	gap := regexp.MustCompile(`\s{2,}`)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	header := gap.Split(strings.TrimSpace(lines[0]), -1)
	var all []netlab.Expectation
	for _, line := range lines[1:] {
		cells := gap.Split(strings.TrimSpace(line), -1)
		if len(cells) != len(header) {
			c.t.Fatalf("table: %d cells under %d headings: %s", len(cells), len(header), line)
		}
		for i, cell := range cells[2:] {
			e, err := expectation(cells[0], cells[1], header[i+2], cell)
			c.must(err)
			if cell != "-" && c.options.Families.Has(e.Family) {
				all = append(all, e)
			}
		}
	}
	return all
}

// expectation reads a cell of a table.
func expectation(from, to, heading, cell string) (e netlab.Expectation, err error) {
	version, protocol, _ := strings.Cut(heading, " ")
	to, port, _ := strings.Cut(to, ":")
	number, err := strconv.ParseUint(cmp.Or(port, "0"), 10, 16)
	e.Flow = netlab.Flow{From: from, To: to, Protocol: netlab.Protocol(protocol), Port: uint16(number)}
	e.Allowed = cell == "yes"
	for _, f := range family.All() {
		if f.String() == version {
			e.Family = f
		}
	}
	if e.Family == 0 || err != nil || (cell != "yes" && cell != "no" && cell != "-") {
		return e, fmt.Errorf("table: cannot read %q under %q for %s: %w", cell, heading, to, err)
	}
	return e, nil
}

// AwaitFlows tries flows until all are as expected. A test that has changed a policy waits with it
// for the change to arrive.
func (c *Cluster) AwaitFlows(expected []netlab.Expectation) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience/2)
	defer cancel()
	var last netlab.Matrix
	for {
		matrix, err := c.Lab.Observe(ctx, expected, nil)
		if err != nil && last != nil { // the time is up
			c.t.Fatalf("flows:\n%s", last)
		}
		c.must(err)
		if len(matrix.Wrong()) == 0 {
			return
		}
		last = matrix
		if pause(ctx) != nil {
			c.t.Fatalf("flows:\n%s", last)
		}
	}
}

// CheckFlows tries flows once; the test fails, and goes on, if one is not as expected.
func (c *Cluster) CheckFlows(expected []netlab.Expectation) {
	c.t.Helper()
	ctx, cancel := c.Context()
	defer cancel()
	matrix, err := c.Lab.Observe(ctx, expected, nil)
	c.must(err)
	if wrong := matrix.Wrong(); len(wrong) > 0 {
		c.t.Errorf("flows:\n%s", matrix)
	}
}
