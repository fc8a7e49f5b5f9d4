package nftables

import (
	"slices"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables/nft"
	"pgregory.net/rapid"
)

// someRules are rules to merge: of no family, and of each.
func someRules() []nft.Rule {
	out := []nft.Rule{
		nft.NewRule("", nft.Accept()),
		nft.NewRule("", nft.Count(), nft.Drop()),
		nft.NewRule("x", nft.States(nft.Established), nft.Accept()),
		nft.NewRule("", nft.IIfName.Is(nft.Iface("cali*")), nft.Drop()),
	}
	for _, f := range family.All() {
		out = append(out,
			nft.NewRule("", nft.FamilyIs(f), nft.Drop()),
			nft.NewRule("", nft.SAddr(f).In("s"), nft.Accept()))
	}
	return out
}

// meets lists the rules that packets of a family can match, as the family's view had them.
func meets(f family.Family, rules []nft.Rule) []string {
	var out []string
	for _, r := range rules {
		if own := r.Family(); own != 0 && own != f {
			continue
		}
		out = append(out, r.String())
	}
	return out
}

// TestMergeProjects: of the merged list, each family's packets meet that family's rules,
// in that family's order.
func TestMergeProjects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lists family.Pair[ruleList]
		for _, f := range family.All() {
			*lists.At(f) = listOf(rapid.SliceOfN(rapid.SampledFrom(someRules()), 0, 12).Draw(t, f.String()))
		}
		merged := merge(lists)
		for i, r := range merged.rules {
			if merged.hashes[i] != r.Hash() {
				t.Fatalf("rule %d has another rule's hash", i)
			}
		}
		for _, f := range family.All() {
			// A rule that was confined by the merge reads as it would if its own view had
			// confined it.
			confined := make([]nft.Rule, 0)
			for _, r := range lists.Get(f).rules {
				confined = append(confined, r.Only(f))
			}
			var got []string
			for _, r := range merged.rules {
				if own := r.Family(); own == 0 || own == f {
					got = append(got, r.Only(f).String())
				}
			}
			if want := meets(f, confined); !slices.Equal(got, want) {
				t.Fatalf("%s: got %q, want %q", f, got, want)
			}
		}
	})
}

// TestMergeOfEqualListsIsOne: what both families have alike is stored once.
func TestMergeOfEqualListsIsOne(t *testing.T) {
	l := listOf(someRules())
	merged := merge(family.PairOf(l, l))
	if !slices.Equal(merged.hashes, l.hashes) {
		t.Errorf("%v", merged.rules)
	}
}

// slowLCS is the length of a longest common subsequence, by trying everything.
func slowLCS(a, b []int) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	if a[0] == b[0] {
		return 1 + slowLCS(a[1:], b[1:])
	}
	return max(slowLCS(a[1:], b), slowLCS(a, b[1:]))
}

func checkPairs(t *rapid.T, a, b []int, pairs []pair) {
	last := pair{-1, -1}
	for _, p := range pairs {
		if p.A <= last.A || p.B <= last.B || a[p.A] != b[p.B] {
			t.Fatalf("%v and %v: %v", a, b, pairs)
		}
		last = p
	}
}

// TestCommon: a common subsequence is one, and the longest that there is.
func TestCommon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 10)
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		pairs := common(a, b)
		checkPairs(t, a, b, pairs)
		if want := slowLCS(a, b); len(pairs) != want {
			t.Fatalf("%v and %v: %d pairs, want %d", a, b, len(pairs), want)
		}
		checkPairs(t, a, b, greedy(a, b))
	})
}

// TestCommonOfLongLists: beyond what the exact way can afford the result is still right.
func TestCommonOfLongLists(t *testing.T) {
	a, b := make([]int, 3000), make([]int, 3000)
	for i := range a {
		a[i], b[i] = i, i
	}
	a[0], a[2999] = -1, -2
	if got := len(common(a, b)); got != 2998 {
		t.Errorf("%d pairs", got)
	}
}
