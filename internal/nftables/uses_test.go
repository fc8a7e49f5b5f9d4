package nftables

import (
	"fmt"
	"slices"
	"testing"

	"github.com/margay-net/margay/internal/nftables/nft"
	"pgregory.net/rapid"
)

// TestUses: what a list of rules uses is what its rules use, each once; and who uses an
// object is who has it in the list last told, whatever the lists before.
func TestUses(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		table := New(Options{})
		want := map[object][]object{}
		for range rapid.IntRange(1, 10).Draw(rt, "lists") {
			var rules []nft.Rule
			// Few names and many, so that both ways of finding repeats are taken.
			most := rapid.SampledFrom([]int{3, 4 * fewUses}).Draw(rt, "names")
			for range rapid.IntRange(0, 4*fewUses).Draw(rt, "rules") {
				name := fmt.Sprint(rapid.IntRange(0, most).Draw(rt, "name"))
				if rapid.Bool().Draw(rt, "set") {
					rules = append(rules, nft.NewRule("", nft.IIfName.VMap(name)))
				} else {
					rules = append(rules, nft.NewRule("", nft.Jump(name)))
				}
			}
			user := chainObject(rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "user"))
			got := table.scratch.usesOf(rules)
			if plain := plainUsesOf(rules); !slices.Equal(got, plain) {
				rt.Fatalf("uses %v, want %v", got, plain)
			}
			table.setUses(user, got)
			want[user] = slices.Clone(got)
		}
		n := 0
		for user, uses := range want {
			n += len(uses)
			for _, u := range uses {
				if _, ok := table.users[u][user]; !ok {
					rt.Fatalf("%v is not known to use %v", user, u)
				}
			}
		}
		for _, users := range table.users {
			n -= len(users)
		}
		if n != 0 {
			rt.Fatalf("%d uses too few in users", n)
		}
	})
}

func plainUsesOf(rules []nft.Rule) []object {
	var out []object
	for _, r := range rules {
		var all []object
		for _, name := range r.Chains() {
			all = append(all, chainObject(name))
		}
		for _, name := range r.Sets() {
			all = append(all, setObject(name))
		}
		for _, o := range all {
			if !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	return out
}
