package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// example is the directory that `make demo` shows.
const example = "../../examples/dual-stack"

func exampleTable(t *testing.T) Table {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(example, ExpectedFile))
	if err != nil {
		t.Fatal(err)
	}
	table, err := ParseTable(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func row(from, to, v4, v6 string) Row { return Row{from, to, family.PairOf(v4, v6)} }

func TestParseTable(t *testing.T) {
	got, err := ParseTable(`
# who may talk to whom

a b  TU T-   # a reason
	b   a  -U ..#another
c a  -- --`)
	want := Table{row("a", "b", "TU", "T-"), row("b", "a", "-U", ".."), row("c", "a", "--", "--")}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("parsed %v (%v), want %v", got, err, want)
	}
}

func TestParseTableNamesEveryLineThatIsWrong(t *testing.T) {
	table, err := ParseTable("a b TU\na b TU TU\na b UT TU\na b TU T\na b . TU\na b TU T. \na b TU TU TU\n")
	if len(table) != 1 || err == nil {
		t.Fatalf("parsed %v, %v", table, err)
	}
	for line, ok := range map[int]bool{1: false, 2: true, 3: false, 4: false, 5: false, 6: false, 7: false} {
		if named := strings.Contains(err.Error(), fmt.Sprintf("line %d: ", line)); named == ok {
			t.Errorf("line %d named: %t\n%v", line, named, err)
		}
	}
}

func FuzzParseTable(f *testing.F) {
	f.Add("a b TU ..\n# c\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := ParseTable(text)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, r := range table {
			fmt.Fprintln(&again, r.From, r.To, r.Cells.Get(family.V4), r.Cells.Get(family.V6))
		}
		if second, err := ParseTable(again.String()); err != nil || !reflect.DeepEqual(second, table) {
			t.Errorf("%q parses as %v, and written again as %v (%v)", text, table, second, err)
		}
	})
}

func TestCheckHoldsTheTableAgainstThePods(t *testing.T) {
	pods := map[string]family.Set{"a": family.Both, "b": family.Both, "four": family.NewSet(family.V4)}
	good := Table{
		row("a", "b", "TU", "--"), row("b", "a", "TU", "TU"),
		row("a", "four", "TU", ".."), row("four", "a", "--", ".."),
		row("b", "four", "TU", ".."), row("four", "b", "--", ".."),
	}
	if err := good.Check(pods); err != nil {
		t.Errorf("a good table: %v", err)
	}
	for _, c := range []struct {
		name   string
		change func(Table) Table
		want   string
	}{
		{"a pair is missing", func(t Table) Table { return t[1:] }, "a to b: not told"},
		{"a pair is there twice", func(t Table) Table { return append(t, t[0]) }, "a to b: told twice"},
		{"an unknown pod", func(t Table) Table { return append(t, row("a", "x", "TU", "TU")) }, "a to x: want two pods"},
		{"a pod and itself", func(t Table) Table { return append(t, row("a", "a", "TU", "TU")) }, "a to a: want two pods"},
		{"a family that one lacks", func(t Table) Table { t[2].Cells = family.PairOf("TU", "TU"); return t }, `a to four: IPv6 is "TU", but both have an address of it: false`},
		{"a family left out", func(t Table) Table { t[0].Cells = family.PairOf("..", "--"); return t }, `a to b: IPv4 is "..", but both have an address of it: true`},
	} {
		err := c.change(slices.Clone(good)).Check(pods)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestFlowsAreThoseOfTheCells(t *testing.T) {
	var got []string
	for _, e := range (Table{row("a", "b", "T-", ".."), row("b", "a", "..", "-U"), row("c", "d", "..", "..")}).Flows() {
		got = append(got, fmt.Sprintf("%s>%s:%d %s %s %t", e.From, e.To, e.Port, e.Family, e.Protocol, e.Allowed))
	}
	want := []string{
		"a>b:8080 IPv4 TCP true", "a>b:8080 IPv4 UDP false",
		"b>a:8080 IPv6 TCP false", "b>a:8080 IPv6 UDP true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("flows:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// answers are observations that come out as a table says.
func answers(expected, real Table) netlab.Matrix {
	var m netlab.Matrix
	outcome := map[bool]netlab.Verdict{true: netlab.Answered, false: netlab.Silent}
	flows := real.Flows()
	for i, e := range expected.Flows() {
		m = append(m, netlab.Observation{Expectation: e, Answer: netlab.Answer{Verdict: outcome[flows[i].Allowed]}})
	}
	return m
}

func TestPrintShowsExpectedBesideObserved(t *testing.T) {
	expected := Table{row("a", "b", "TU", "T-"), row("a", "c", "--", ".."), row("b", "a", "TU", "TU")}
	observed := Table{row("a", "b", "TU", "TU"), row("a", "c", "-U", ".."), row("b", "a", "TU", "TU")}
	var out strings.Builder
	expected.Print(&out, answers(expected, observed), colours{})
	want := strings.Join([]string{
		"                            IPv4                  IPv6",
		"  from         to           expected  observed    expected  observed",
		"  a            b            TU        TU          T-        TU differs",
		"  a            c            --        -U differs  ..        ..",
		"",
		"  b            a            TU        TU          TU        TU",
		"  " + legend,
		"",
	}, "\n")
	if out.String() != want {
		t.Errorf("printed:\n%s\nwant:\n%s", out.String(), want)
	}
	out.Reset()
	expected.Print(&out, answers(expected, observed), colours{on: true})
	for _, cell := range []string{"\x1b[1;31mTU differs\x1b[0m", "\x1b[32mTU          \x1b[0m", "\x1b[2m..\x1b[0m"} {
		if !strings.Contains(out.String(), cell) {
			t.Errorf("in colours %q is not in:\n%s", cell, out.String())
		}
	}
}

// Whatever is expected and whatever happens: a row says "differs" just where a flow of it does, and
// what it shows as observed is what happened.
func TestPrintDiffersWhereFlowsDo(t *testing.T) {
	cells := []string{"TU", "T-", "-U", "--"}
	rapid.Check(t, func(t *rapid.T) {
		var expected, observed Table
		differ := 0
		for i := range rapid.IntRange(1, 5).Draw(t, "rows") {
			pick := func(label string) string { return rapid.SampledFrom(cells).Draw(t, label) }
			e, o := row("a", fmt.Sprint("b", i), pick("e4"), pick("e6")), row("a", fmt.Sprint("b", i), pick("o4"), pick("o6"))
			if rapid.Bool().Draw(t, "v4 only") {
				*e.Cells.At(family.V6), *o.Cells.At(family.V6) = notApplicable, notApplicable
			}
			expected, observed = append(expected, e), append(observed, o)
			for _, f := range family.All() {
				if e.Cells.Get(f) != o.Cells.Get(f) {
					differ++
				}
			}
		}
		m := answers(expected, observed)
		var out strings.Builder
		expected.Print(&out, m, colours{})
		if got := strings.Count(out.String(), "differs"); got != differ || (differ == 0) != (len(m.Wrong()) == 0) {
			t.Fatalf("%d cells differ, %d are marked, %d flows are wrong:\n%s", differ, got, len(m.Wrong()), out.String())
		}
		for i, line := range strings.Split(out.String(), "\n")[2 : 2+len(observed)] {
			words := strings.Fields(strings.ReplaceAll(line, " differs", ""))
			if words[3] != observed[i].Cells.Get(family.V4) || words[5] != observed[i].Cells.Get(family.V6) {
				t.Fatalf("observed %v, printed %q", observed[i], line)
			}
		}
	})
}

func TestDifferencesInWords(t *testing.T) {
	o := netlab.Observation{
		Expectation: netlab.Expectation{Flow: netlab.Flow{From: "a", To: "b", Family: family.V6, Protocol: netlab.UDP, Port: Port}, Allowed: true},
		Answer:      netlab.Answer{Verdict: netlab.Unreachable, Err: os.ErrPermission},
	}
	if got, want := difference(o), "a to b, IPv6 UDP: should be answered, is unreachable (permission denied)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	o.Allowed, o.Answer = false, netlab.Answer{Verdict: netlab.Answered}
	if got, want := difference(o), "a to b, IPv6 UDP: should be denied, is answered"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
