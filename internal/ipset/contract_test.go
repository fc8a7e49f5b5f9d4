package ipset_test

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/ipset/fake"
	"github.com/margay-net/margay/internal/netlab"
)

// eachKernel runs a test on a kernel in memory and on a real one, in both families.
func eachKernel(t *testing.T, run func(*testing.T, family.Family, ipset.Kernel)) {
	t.Helper()
	for _, f := range family.All() {
		t.Run(f.String()+"/memory", func(t *testing.T) { run(t, f, fake.New()) })
		t.Run(f.String()+"/kernel", func(t *testing.T) { run(t, f, inKernel(t)) })
	}
}

func inKernel(t *testing.T) *ipset.Programs {
	t.Helper()
	n := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node"}}}).Node("node")
	return &ipset.Programs{Start: func(c *exec.Cmd) error { return n.Do(c.Start) }}
}

// lines writes lines for a family: 4 and inet stand for either.
func lines(f family.Family, text string) []byte {
	if f == family.V6 {
		text = strings.NewReplacer("cali4", "cali6", "inet", "inet6", "10.65.0.", "fd00:65::").Replace(text)
	}
	return []byte(text)
}

// listed is what a kernel has, one line for each set.
func listed(t *testing.T, k ipset.Kernel, f family.Family) string {
	t.Helper()
	all, err := k.Save(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range all {
		slices.Sort(l.Members)
		line := l.Set.Name + " " + string(l.Set.Type)
		for _, m := range l.Members {
			line += " " + string(m)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// anything is wanted where the program has collected lines that it had not carried out yet.
const anything = "anything"

// What a Kernel does with lines, in memory and in the kernel alike: it carries them out up to
// the first that it does not take, and names that.
func TestKernelDoesWhatLinesSay(t *testing.T) {
	const two = "create cali40a hash:ip family inet maxelem 2\nadd cali40a 10.65.0.1\nadd cali40a 10.65.0.2\n"
	for _, c := range []struct {
		name, input string
		line        int
		want        string
	}{
		{"members", two + "del cali40a 10.65.0.1\n", 0, "cali40a hash:ip 10.65.0.2"},
		{"again", two + two + "del cali40a 10.65.0.9\n", 0, "cali40a hash:ip 10.65.0.1 10.65.0.2"},
		{"full", two + "add cali40a 10.65.0.3\n", 4, "cali40a hash:ip 10.65.0.1 10.65.0.2"},
		{"no set", two + "add cali40b 10.65.0.3\n", 4, anything},
		{"another type", two + "create cali40a hash:net family inet maxelem 2\n", 4, "cali40a hash:ip 10.65.0.1 10.65.0.2"},
		{"destroyed", two + "destroy cali40a\n", 0, ""},
		{"exchanged", two + "create cali4t0 hash:ip family inet maxelem 9\nadd cali4t0 10.65.0.3\nswap cali4t0 cali40a\ndestroy cali4t0\n", 0,
			"cali40a hash:ip 10.65.0.3"},
		{"not exchanged for another type", two + "create cali4t0 hash:net family inet maxelem 9\nswap cali4t0 cali40a\n", 5,
			"cali40a hash:ip 10.65.0.1 10.65.0.2\ncali4t0 hash:net"},
		{"others' sets", "create theirs hash:ip family inet maxelem 9\nadd theirs 10.65.0.1\n", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachKernel(t, func(t *testing.T, f family.Family, k ipset.Kernel) {
				err := k.Restore(lines(f, c.input))
				var refused *ipset.Refused
				switch {
				case c.line == 0 && err != nil:
					t.Error(err)
				case c.line > 0 && (!errors.As(err, &refused) || refused.Line != c.line):
					t.Errorf("got %v, want line %d refused", err, c.line)
				}
				if got := listed(t, k, f); c.want != anything && got != string(lines(f, c.want)) {
					t.Errorf("there is\n%s\nwant\n%s", got, lines(f, c.want))
				}
				if other := listed(t, k, f.Other()); other != "" {
					t.Errorf("the other family has\n%s", other)
				}
			})
		})
	}
}

func TestNoProgram(t *testing.T) {
	p := &ipset.Programs{Path: "no-ipset-here"}
	if _, err := p.Save(family.V4); !errors.Is(err, ipset.ErrMissing) {
		t.Errorf("got %v", err)
	}
}
