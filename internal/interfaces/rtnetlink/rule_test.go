package rtnetlink

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// tunnelRule sends all that the tunnel itself has not sent to table 100.
func tunnelRule(f family.Family) Rule {
	return Rule{Family: f, Priority: 99, Mark: 0x100000, Mask: 0x100000, Table: 100}
}

func TestRulesReadBackAsTheyWereWritten(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			s := openIn(t, node(t))
			wanted := []Rule{
				tunnelRule(f),
				{Family: f, Priority: 100, Mark: 1, Mask: 0xff, Marked: true, Table: 100000},
				{Family: f, Priority: 101, Table: 7},
			}
			var b Batch
			for _, r := range wanted {
				b.CreateRule(r)
			}
			if err := errors.Join(s.Execute(&b)...); err != nil {
				t.Fatal(err)
			}
			have, err := s.Rules(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range wanted {
				if !slices.Contains(have, r) {
					t.Errorf("%v is not among\n%v", r, have)
				}
			}
			again := s.Execute(func() *Batch { var b Batch; b.CreateRule(wanted[0]); return &b }())
			if !errors.Is(again[0], syscall.EEXIST) {
				t.Errorf("the same rule once more: %v", again[0])
			}
			var gone Batch
			gone.DeleteRule(wanted[0])
			gone.DeleteRule(wanted[0])
			if errs := s.Execute(&gone); errs[0] != nil || !errors.Is(errs[1], syscall.ENOENT) {
				t.Errorf("deleted twice: %v", errs)
			}
		})
	}
}

func TestAnotherLibraryReadsTheSameRule(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	var b Batch
	b.CreateRule(tunnelRule(family.V6))
	if err := errors.Join(s.Execute(&b)...); err != nil {
		t.Fatal(err)
	}
	err := n.Do(func() error {
		rules, err := netlink.RuleList(netlink.FAMILY_V6)
		i := slices.IndexFunc(rules, func(r netlink.Rule) bool { return r.Priority == 99 })
		if i < 0 {
			t.Fatalf("not among %v", rules)
		}
		if r := rules[i]; !r.Invert || r.Mark != 0x100000 || r.Mask == nil || *r.Mask != 0x100000 || r.Table != 100 {
			t.Errorf("read as %+v", r)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOddRulesAreToldFromOurs(t *testing.T) {
	n := node(t)
	s := openIn(t, n)
	err := n.Do(func() error {
		r := netlink.NewRule()
		r.Family, r.Priority, r.Table, r.Src = netlink.FAMILY_V4, 99, 100, netlink.NewIPNet(ip("10.0.0.1").AsSlice())
		return netlink.RuleAdd(r)
	})
	if err != nil {
		t.Fatal(err)
	}
	have, err := s.Rules(family.V4)
	i := slices.IndexFunc(have, func(r Rule) bool { return r.Priority == 99 })
	if err != nil || i < 0 || !have[i].Odd {
		t.Fatalf("read as %v, %v", have, err)
	}
}

func TestRoutesOfATable(t *testing.T) {
	for _, table := range []uint32{100, 100000} {
		n := node(t)
		s := openIn(t, n)
		link := uplink(t, s).Index
		var l *Listener
		err := n.Do(func() (err error) {
			l, err = Listen(Topics{Routes: family.Both, Rules: family.Both, Table: table})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		wanted := []Route{
			{Destination: net("10.1.0.0/26"), Table: table, Metric: 1024, Type: Unicast, Protocol: 80, Scope: unix.RT_SCOPE_LINK, Link: link},
			{Destination: net("10.1.0.0/26"), Table: table, Metric: 4096, Type: Blackhole, Protocol: 80},
			{Destination: net("fd01::/122"), Table: table, Metric: 1024, Type: Throw, Protocol: 80},
		}
		var b Batch
		b.CreateRule(tunnelRule(family.V4))
		for _, r := range wanted {
			b.CreateRoute(r)
		}
		if err := errors.Join(s.Execute(&b)...); err != nil {
			t.Fatal(err)
		}
		var have []Route
		for _, f := range family.All() {
			routes, err := s.TableRoutes(f, table)
			if err != nil {
				t.Fatal(err)
			}
			have = append(have, routes...)
		}
		if !slices.Equal(have, wanted) {
			t.Errorf("table %d has\n%v, not\n%v", table, have, wanted)
		}
		if main, err := s.Routes(family.V6); err != nil || slices.ContainsFunc(main, func(r Route) bool { return r.Table != 0 }) {
			t.Errorf("the main table has %v, %v", main, err)
		}
		var heard []string
		for len(heard) < 4 {
			events, err := l.Next()
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				heard = append(heard, e.String())
			}
		}
		if text := strings.Join(heard, "\n"); !strings.Contains(text, "+ 99: not from all fwmark 0x100000/0x100000 lookup 100") ||
			!strings.Contains(text, "throw fd01::/122 table") {
			t.Errorf("heard\n%s", text)
		}
		_ = l.Close()
	}
}
