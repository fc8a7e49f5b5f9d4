package dataplane_test

import (
	"slices"
	"testing"
	"time"

	gnft "github.com/google/nftables"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/nodetest"
)

// damage is something that an intruder does to our table.
type damage struct {
	name string
	do   func(s *intruder, n *nodetest.Node)
	// chain is the only one whose rules may have to be written again; "*" for all.
	chain string
}

const toAPI = "cali-pi-knp/shop/api"

func damages() []damage {
	accept := nft.NewRule("an intruder's", nft.Accept())
	ours := &gnft.Table{Name: "calico", Family: gnft.TableFamilyINet}
	return []damage{
		{"a rule of a policy is deleted", func(s *intruder, _ *nodetest.Node) {
			s.commit(nft.DeleteRule{Chain: toAPI, Handle: s.chain(toAPI).Rules[0].Handle})
		}, toAPI},
		{"a policy's chain is flushed", func(s *intruder, _ *nodetest.Node) { s.commit(nft.FlushChain{Name: toAPI}) }, toAPI},
		{"a rule is put in front", func(s *intruder, _ *nodetest.Node) {
			first := s.chain("forward-ingress").Rules[0].Handle
			s.commit(nft.AddRule{Chain: "forward-ingress", Rule: accept, Hash: accept.Hash(), Before: first})
		}, "forward-ingress"},
		{"a rule is put behind", func(s *intruder, _ *nodetest.Node) {
			s.commit(nft.AddRule{Chain: "source-check", Rule: accept, Hash: accept.Hash()})
		}, "source-check"},
		{"a base chain is deleted", func(s *intruder, _ *nodetest.Node) {
			s.commit(nft.FlushChain{Name: "forward-ingress"}, nft.DeleteChain{Name: "forward-ingress"})
		}, "forward-ingress"},
		{"a base chain is made anew at another place", func(s *intruder, _ *nodetest.Node) {
			s.commit(nft.FlushChain{Name: "output"}, nft.DeleteChain{Name: "output"},
				nft.AddChain{Name: "output", Base: &nft.Base{Type: nft.Filter, Hook: nft.Postrouting, Priority: 7, Policy: nft.Accept()}})
		}, "output"},
		{"a chain is added", func(s *intruder, _ *nodetest.Node) {
			s.commit(nft.AddChain{Name: "theirs", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward, Priority: -5, Policy: nft.Drop()}})
		}, ""},
		{"a set is added", func(s *intruder, _ *nodetest.Node) {
			s.commit(nft.AddSet{Set: nft.Set{Name: "theirs", Key: nft.KeyOf(nft.IIfName.Type())}})
		}, ""},
		{"a source is deleted", func(s *intruder, _ *nodetest.Node) {
			set := s.set("cali-sources4")
			s.commit(nft.DeleteElements{Set: set.Set, Elements: set.Elements[:1]})
		}, ""},
		{"a source is moved to another pod", func(s *intruder, _ *nodetest.Node) {
			set, from := s.set("cali-sources6"), s.set("cali-sources6").Elements[0]
			s.commit(nft.FlushSet{Set: set.Set}, nft.AddElements{Set: set.Set, Elements: []nft.Element{from}})
		}, ""},
		{"a map is flushed", func(s *intruder, _ *nodetest.Node) { s.commit(nft.FlushSet{Set: s.set("cali-to-wl-dispatch").Set}) }, ""},
		{"an interface is let through", func(s *intruder, n *nodetest.Node) {
			set := s.set("cali-to-wl-dispatch").Set
			key, err := set.Key.Element(nft.Iface(n.Pod(api).Interface()))
			if err != nil {
				s.t.Fatal(err)
			}
			s.commit(nft.FlushSet{Set: set}, nft.AddElements{Set: set, Elements: []nft.Element{key.To(nft.Accept())}})
		}, ""},
		{"the table is flushed", func(s *intruder, _ *nodetest.Node) { s.tables.FlushTable(ours); s.flush() }, "*"},
		{"the table is deleted", func(s *intruder, _ *nodetest.Node) { s.tables.DelTable(ours); s.flush() }, "*"},
		{"all tables are deleted", func(s *intruder, _ *nodetest.Node) { s.tables.FlushRuleset(); s.flush() }, "*"},
		{"the table is switched off", func(s *intruder, n *nodetest.Node) {
			out, err := n.Command("nft", "add table inet calico { flags dormant ; }").CombinedOutput()
			if err != nil {
				s.t.Fatalf("%v: %s", err, out)
			}
		}, ""},
	}
}

// Whatever an intruder does to our table is undone as soon as the kernel has told of it, in
// one transaction, and nothing else of the table is touched.
func TestTableIsRepaired(t *testing.T) {
	t.Parallel()
	for _, d := range damages() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, family.Both, nil)
			n.Write("policy.yaml", portPolicy+onlyIfBackOn)
			n.Settled()
			s := newIntruder(t, n)
			before := s.listing()
			k := n.Listen()
			d.do(s, n)
			n.Await(func() string { return difference(tableText(s.listing()), tableText(before)) })
			if after := handles(s.listing(), d.chain); d.chain != "*" {
				for _, h := range handles(before, d.chain) {
					if !slices.Contains(after, h) {
						t.Errorf("rule %d has been touched", h)
					}
				}
			}
			n.Pass()
			generations := slices.DeleteFunc(k.Heard(), func(what string) bool { return what != "nft new generation" })
			if len(generations) != 2 { // the intruder's, and ours
				t.Errorf("%d transactions", len(generations))
			}
			tryPorts(t, n)
		})
	}
}

// tryPorts holds the kernel to the policy of two ports, in both families.
func tryPorts(t *testing.T, n *nodetest.Node) {
	t.Helper()
	var flows []flow
	for _, f := range family.All() {
		for i, p := range portPackets() {
			p.packet.Source, p.packet.Destination = address(n, p.from, f), address(n, p.to, f)
			p.packet.SourcePort = uint16(5000 + i)
			flows = append(flows, p)
		}
	}
	if passed := try(t, n, flows); passed != 4 { // port 80 from web, by TCP and UDP, in each family
		t.Errorf("%d packets pass, want 4", passed)
	}
}

// Allowed traffic goes on while the table is away, while it is made again, and when it is back.
//
// What is under way while the intruder deletes it may be lost. The kernel empties the chains of
// a table one after the other (nf_tables_commit), and between the first and the last of them a
// packet that comes from a chain which still has its rules, into one which no longer has any,
// falls through to the rule that drops what is not known. Our table fails closed, then, for as
// long as somebody else takes it apart. The kernel's answer to the intruder is the end of that:
// from there on nothing is lost, by the absence of the table or by its repair.
func TestTrafficWhileTheTableIsRepaired(t *testing.T) {
	t.Parallel()
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			n.Write("policy.yaml", udpToAPI(9000))
			n.Settled()
			s := newIntruder(t, n)
			before := tableText(s.listing())
			var allowed []*spared
			for i, f := range on.Families() {
				allowed = append(allowed, &spared{Stream: stream(t, n, web, api, f, uint16(9000+i), true)})
			}
			for range 3 {
				for _, st := range allowed {
					st.begin()
				}
				s.tables.DelTable(&gnft.Table{Name: "calico", Family: gnft.TableFamilyINet})
				s.flush()
				deleted := time.Now()
				n.Await(func() string { return difference(tableText(s.listing()), before) })
				repaired := time.Now()
				for _, st := range allowed {
					st.until = append(st.until, deleted)
					awaitSent(t, st.Stream, repaired, st.Stream)
				}
			}
			for _, st := range allowed {
				st.check(t)
			}
		})
	}
}

// spared is a stream that may lose what is under way at certain times, and nothing else.
type spared struct {
	*netlab.Stream
	from, until []time.Time
}

// begin says that from what has not arrived yet on, messages may be lost.
func (s *spared) begin() {
	var last time.Time
	r := s.Report()
	for n, at := range r.Arrived {
		if !at.IsZero() {
			last = r.Sent[n]
		}
	}
	s.from = append(s.from, last)
}

// check stops the stream and holds it to that.
func (s *spared) check(t *testing.T) {
	t.Helper()
	r := s.Stop()
	for i := range len(s.from) + 1 {
		var after, until time.Time
		if i > 0 {
			after = s.until[i-1]
		}
		if i < len(s.from) {
			until = s.from[i]
		}
		if part := r.Between(after, until); len(part.Lost()) > 0 {
			t.Errorf("after %d of %d deletions: %v", i, len(s.from), part)
		}
	}
}

// What others have in nf_tables is theirs: whatever we do, nothing of it is announced as
// changed, and it stands as it was.
func TestForeignTablesAreLeftAlone(t *testing.T) {
	t.Parallel()
	n := startCluster(t, family.Both, nil)
	s := newIntruder(t, n)
	theirs := []*gnft.Table{
		{Name: "filter", Family: gnft.TableFamilyIPv4}, {Name: "calico", Family: gnft.TableFamilyIPv6},
		{Name: "theirs", Family: gnft.TableFamilyINet},
	}
	for _, table := range theirs {
		s.tables.AddTable(table)
		chain := s.tables.AddChain(&gnft.Chain{Name: "forward", Table: table, Type: gnft.ChainTypeFilter,
			Hooknum: gnft.ChainHookForward, Priority: gnft.ChainPriorityFilter})
		s.tables.AddRule(&gnft.Rule{Table: table, Chain: chain, UserData: []byte("theirs")})
	}
	s.flush()
	before := theirRules(t, s, theirs)
	n.Write("policy.yaml", portPolicy)
	n.Settled()
	n.Restart()
	n.Settled()
	n.Write("felix.yaml", supportOf(family.NewSet(family.V4)))
	n.Settled()
	s.tables.DelTable(&gnft.Table{Name: "calico", Family: gnft.TableFamilyINet})
	s.flush()
	n.Await(func() string {
		if !s.listing().Present {
			return "our table"
		}
		return ""
	})
	if after := theirRules(t, s, theirs); !slices.Equal(before, after) {
		t.Errorf("rules of others: %v, were %v", after, before)
	}
}

// theirRules are the handles of the rules of other tables.
func theirRules(t *testing.T, s *intruder, tables []*gnft.Table) (out []uint64) {
	t.Helper()
	for _, table := range tables {
		rules, err := s.tables.GetRules(table, &gnft.Chain{Name: "forward", Table: table})
		if err != nil {
			t.Fatalf("%s: %v", table.Name, err)
		}
		for _, r := range rules {
			out = append(out, r.Handle)
		}
	}
	return out
}
