package nftables_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// The benchmarks come in three: what the driver takes from being told to being done; what
// the same steps take as one ready-made batch, which is the kernel's share ("floor"); and
// what nft takes for the same text. Event sockets are open in the first two.

// workload is a table of chains of five rules with a dispatch entry each, and of members.
func workload(v *nftables.View, chains, members int) {
	v.AddSet(hosts())
	v.AddSet(dispatchMap())
	for i := range members {
		v.AddMembers("hosts", host(i))
	}
	for i := range chains {
		v.SetChain(fiveRules(i, 443))
		v.SetEntry(dispatch, cali(i), nft.Goto(fmt.Sprintf("wl-%d", i)))
	}
	if chains > 0 {
		v.SetChain(nft.Chain{Name: "top", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward, Policy: nft.Accept()},
			Rules: []nft.Rule{rule(nft.FamilyIs(family.V4), nft.IIfName.VMap(dispatch))}})
	}
}

func fiveRules(i int, last uint32) nft.Chain {
	return chainOf(fmt.Sprintf("wl-%d", i),
		rule(nft.FamilyIs(family.V4), nft.States(nft.Established|nft.Related), nft.Accept()),
		rule(nft.SAddr(family.V4).In("hosts"), nft.L4Proto.Is(nft.Num(6)), nft.DPort.Is(nft.Num(80)), nft.Accept()),
		rule(nft.DAddr(family.V4).Is(prefix("10.1.0.0/16")), nft.Drop()),
		rule(nft.FamilyIs(family.V4), nft.L4Proto.Is(nft.Num(6)), nft.DPort.Is(nft.Num(last)), nft.Accept()),
		nft.NewRule("the end", nft.FamilyIs(family.V4), nft.Count(), nft.Drop()))
}

var benchSizes = []struct {
	name            string
	chains, members int
}{{"2000x5", 2000, 0}, {"100k", 0, 100_000}}

func BenchmarkColdLoad(b *testing.B) {
	for _, c := range benchSizes {
		b.Run(c.name+"/driver", func(b *testing.B) {
			k := openKernel(b)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				emptyTable(b, k)
				table := newTable(k)
				table.InSync()
				workload(table.View(family.V4), c.chains, c.members)
				b.StartTimer()
				if err := table.Apply(start()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/told", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table := newTable(nil)
				workload(table.View(family.V4), c.chains, c.members)
				table.Desired()
			}
		})
		b.Run(c.name+"/floor", func(b *testing.B) {
			k := openKernel(b)
			ops := fresh(desired(c.chains, c.members))
			for b.Loop() {
				b.StopTimer()
				emptyTable(b, k)
				b.StartTimer()
				if _, err := k.Commit(ops); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/nft", func(b *testing.B) {
			k := openKernel(b)
			file := filepath.Join(b.TempDir(), "table.nft")
			if err := os.WriteFile(file, []byte(desired(c.chains, c.members).String()), 0o600); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				b.StopTimer()
				emptyTable(b, k)
				b.StartTimer()
				if out, err := exec.Command("nft", "-f", file).CombinedOutput(); err != nil {
					b.Fatal(err, string(out))
				}
			}
		})
	}
}

// desired is the workload as a table.
func desired(chains, members int) nft.Table {
	table := newTable(nil)
	workload(table.View(family.V4), chains, members)
	return table.Desired()
}

// emptyTable deletes what stands.
func emptyTable(b *testing.B, k nftables.Kernel) {
	table := newTable(k)
	table.InSync()
	if err := table.Apply(start()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkChange measures single changes in a table of 2000 chains and 100,000 members.
func BenchmarkChange(b *testing.B) {
	k := openKernel(b)
	table := newTable(k)
	v := table.View(family.V4)
	workload(v, 2000, 100_000)
	apply := func(b *testing.B) {
		if err := table.Apply(start()); err != nil {
			b.Fatal(err)
		}
	}
	apply(b)
	n := 0
	b.Run("member", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n++
			v.AddMembers("hosts", host(1_000_000+n))
			apply(b)
		}
	})
	b.Run("chain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n++
			v.SetChain(fiveRules(7, uint32(n%60000)+1))
			apply(b)
		}
	})
	b.Run("workload", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n++
			v.SetChain(fiveRules(1_000_000+n, 443))
			v.SetEntry(dispatch, cali(1_000_000+n), nft.Goto(fmt.Sprintf("wl-%d", 1_000_000+n)))
			apply(b)
		}
	})
	b.Run("nothing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			apply(b)
		}
	})
}

// BenchmarkRepair measures how long a flushed table of 2000 chains and 100,000 members takes
// to come back, from the end of the flush on.
func BenchmarkRepair(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		k := openKernel(b)
		table := newTable(k)
		workload(table.View(family.V4), 2000, 100_000)
		if err := table.Apply(start()); err != nil {
			b.Fatal(err)
		}
		nftTool(b, "", "flush", "ruleset")
		b.StartTimer()
		<-k.Foreign()
		table.Resync()
		if err := table.Apply(start()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkObserve measures a restart that finds everything right.
func BenchmarkObserve(b *testing.B) {
	k := openKernel(b)
	first := newTable(k)
	workload(first.View(family.V4), 2000, 100_000)
	if err := first.Apply(start()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		table := newTable(k)
		workload(table.View(family.V4), 2000, 100_000)
		table.InSync()
		b.StartTimer()
		if err := table.Apply(start()); err != nil || table.Stats().Transactions != 0 {
			b.Fatal(err, table.Stats())
		}
	}
}
