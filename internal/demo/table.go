package demo

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// Port is where every pod answers, in TCP and UDP.
const Port = 8080

// notApplicable is the cell of a family that the two pods do not share.
const notApplicable = ".."

// letters are the protocols that a cell tells of, in their places; "-" in its place denies one.
var letters = [...]struct {
	letter   byte
	protocol netlab.Protocol
}{{'T', netlab.TCP}, {'U', netlab.UDP}}

// Row says what one pod may send to another: for each family a cell such as "TU", "T-" or "..".
type Row struct {
	From, To string
	Cells    family.Pair[string]
}

// Table is who may talk to whom, in the order in which it was written.
type Table []Row

// ParseTable reads lines of four words: sender, receiver, and a cell for IPv4 and for IPv6. What
// follows a "#" is a comment.
func ParseTable(text string) (Table, error) {
	var table Table
	var errs []error
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		row, err := parseRow(words)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		table = append(table, row)
	}
	return table, errors.Join(append(errs, lines.Err())...)
}

func parseRow(words []string) (Row, error) {
	if len(words) != 4 {
		return Row{}, fmt.Errorf("%d words, want sender, receiver, IPv4 and IPv6", len(words))
	}
	for _, cell := range words[2:] {
		if !isCell(cell) {
			return Row{}, fmt.Errorf("%q is not a cell: want T or -, then U or -; or %s", cell, notApplicable)
		}
	}
	return Row{words[0], words[1], family.PairOf(words[2], words[3])}, nil
}

func isCell(text string) bool {
	if text == notApplicable {
		return true
	}
	if len(text) != len(letters) {
		return false
	}
	for i, l := range letters {
		if text[i] != l.letter && text[i] != '-' {
			return false
		}
	}
	return true
}

// Check holds the table against the pods that there are and their families: it must tell of every
// pair of pods once, and of every family that the two share.
func (t Table) Check(pods map[string]family.Set) error {
	var errs []error
	told := make(map[[2]string]bool)
	for _, r := range t {
		pair := [2]string{r.From, r.To}
		switch {
		case pods[r.From].Empty() || pods[r.To].Empty() || r.From == r.To:
			errs = append(errs, fmt.Errorf("%s to %s: want two pods of the cluster", r.From, r.To))
			continue
		case told[pair]:
			errs = append(errs, fmt.Errorf("%s to %s: told twice", r.From, r.To))
		}
		told[pair] = true
		for _, f := range family.All() {
			shared := pods[r.From].Has(f) && pods[r.To].Has(f)
			if cell := r.Cells.Get(f); shared == (cell == notApplicable) {
				errs = append(errs, fmt.Errorf("%s to %s: %s is %q, but both have an address of it: %t", r.From, r.To, f, cell, shared))
			}
		}
	}
	for from := range pods {
		for to := range pods {
			if from != to && !told[[2]string{from, to}] {
				errs = append(errs, fmt.Errorf("%s to %s: not told", from, to))
			}
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// Flows are all flows that the table tells of, row by row.
func (t Table) Flows() []netlab.Expectation {
	var flows []netlab.Expectation
	for _, r := range t {
		for _, f := range family.All() {
			cell := r.Cells.Get(f)
			if cell == notApplicable {
				continue
			}
			for i, l := range letters {
				flows = append(flows, netlab.Expectation{
					Flow:    netlab.Flow{From: r.From, To: r.To, Family: f, Protocol: l.protocol, Port: Port},
					Allowed: cell[i] == l.letter,
				})
			}
		}
	}
	return flows
}
