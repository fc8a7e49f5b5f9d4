package netlab

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"github.com/margay-net/margay/internal/family"
)

// Flow is traffic from one member of a lab to another, both by name.
type Flow struct {
	From, To string
	Family   family.Family
	Protocol Protocol
	Port     uint16 // 0 for ICMP
}

// Expectation says whether a flow is to be answered.
type Expectation struct {
	Flow
	Allowed bool
}

// Observation is an expectation and what happened.
type Observation struct {
	Expectation
	Answer Answer
}

// OK says whether it happened as expected. A refusal or an error on the way counts as denied.
func (o Observation) OK() bool { return (o.Answer.Verdict == Answered) == o.Allowed }

// Matrix is who may talk to whom, expected beside observed.
type Matrix []Observation

// probesAtOnce bounds the probes under way: enough to wait for many silences together, few
// enough that an answer is not late because two processors are busy.
const probesAtOnce = 32

// Observe tries every flow and returns the observations in the order of the expectations. Each
// is also passed to progress, unless that is nil, as soon as it is made, one at a time. Flows
// towards an address that the receiver does not have are Unreachable without being tried.
func (l *Lab) Observe(ctx context.Context, expected []Expectation, progress func(Observation)) (Matrix, error) {
	matrix := make(Matrix, len(expected))
	made := make(chan Observation)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		for o := range made {
			if progress != nil {
				progress(o)
			}
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(probesAtOnce)
	for i, e := range expected {
		group.Go(func() error {
			answer, err := l.try(ctx, e)
			matrix[i] = Observation{e, answer}
			made <- matrix[i]
			return err
		})
	}
	err := group.Wait()
	close(made)
	<-reported
	return matrix, err
}

func (l *Lab) try(ctx context.Context, e Expectation) (Answer, error) {
	from, to := l.member(e.From), l.member(e.To)
	if from == nil || to == nil {
		return Answer{}, fmt.Errorf("flow from %s to %s: no such member of the lab", e.From, e.To)
	}
	address := to.Address(e.Family)
	if !address.IsValid() {
		return Answer{Verdict: Unreachable, Err: fmt.Errorf("%s has no %s address", e.To, e.Family)}, nil
	}
	p := Probe{Protocol: e.Protocol, To: netip.AddrPortFrom(address, e.Port)}
	if e.Allowed {
		p.Wait = Patience
	}
	return from.Probe(ctx, p)
}

// Wrong are the observations that are not as expected.
func (m Matrix) Wrong() Matrix {
	return slices.DeleteFunc(slices.Clone(m), Observation.OK)
}

// column is a family and a protocol, one column of the printed table.
type column struct {
	family   family.Family
	protocol Protocol
}

// String is the matrix as a text table: a row for each pair and port, a column for each family
// and protocol. A cell is what was observed, "yes" or "no"; "-" was not asked; where it is not
// as expected the cell says so.
//
//	FROM  TO        IPv4 TCP            IPv6 TCP
//	web   api:8080  yes                 yes
//	web   db:5432   yes, expected no!   no
func (m Matrix) String() string {
	type row struct{ from, to string }
	var rows []row
	var columns []column
	cells := make(map[row]map[column]string)
	for _, o := range m {
		r, c := row{o.From, target(o)}, column{o.Family, o.Protocol}
		if cells[r] == nil {
			rows, cells[r] = append(rows, r), make(map[column]string)
		}
		if !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
		cells[r][c] = o.cell()
	}
	slices.SortFunc(columns, func(a, b column) int {
		return cmp.Or(cmp.Compare(a.family, b.family), strings.Compare(string(a.protocol), string(b.protocol)))
	})
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	line := []string{"FROM", "TO"}
	for _, c := range columns {
		line = append(line, fmt.Sprintf("%s %s", c.family, c.protocol))
	}
	fmt.Fprintln(w, strings.Join(line, "\t"))
	for _, r := range rows {
		line := []string{r.from, r.to}
		for _, c := range columns {
			line = append(line, cmp.Or(cells[r][c], "-"))
		}
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	_ = w.Flush() // a strings.Builder takes everything
	return text.String()
}

func target(o Observation) string {
	if o.Port == 0 {
		return o.To
	}
	return fmt.Sprintf("%s:%d", o.To, o.Port)
}

func (o Observation) cell() string {
	word := map[bool]string{true: "yes", false: "no"}
	observed := word[o.Answer.Verdict == Answered]
	if o.OK() {
		return observed
	}
	return fmt.Sprintf("%s, expected %s!", observed, word[o.Allowed])
}
