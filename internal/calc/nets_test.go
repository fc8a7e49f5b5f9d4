package calc

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
)

func drawNets(t *rapid.T, what string) []netip.Prefix {
	return rapid.SliceOf(rapid.SampledFrom([]netip.Prefix{
		netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/9"), netip.MustParsePrefix("0.0.0.0/0"),
		netip.MustParsePrefix("255.255.255.255/32"), netip.MustParsePrefix("10.1.2.3/16"), netip.MustParsePrefix("::ffff:10.0.0.1/128"),
		netip.MustParsePrefix("fd00::1/128"), netip.MustParsePrefix("fd00::/64"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("fd00::5/64"), {},
	})).Draw(t, what)
}

// listed is what a packed list must hold, as a plain sorted list.
func listed(list []netip.Prefix) (out []netip.Prefix) {
	for _, p := range list {
		if p.IsValid() {
			out = append(out, plain(p))
		}
	}
	slices.SortFunc(out, comparePrefixes)
	return slices.Compact(out)
}

func TestNetsAreAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawNets(t, "a"), drawNets(t, "b")
		n, m := packNets(a), packNets(b)
		var got []netip.Prefix
		n.each(func(p netip.Prefix) { got = append(got, p) })
		if want := listed(a); !slices.Equal(got, want) {
			t.Fatalf("%v packs to %v", want, got)
		}
		subnets := 0
		for _, p := range listed(a) {
			if !family.IsHost(p) {
				subnets++
			}
			if !n.contains(p) {
				t.Fatalf("%v does not contain %v", a, p)
			}
		}
		if n.subnets() != subnets {
			t.Fatalf("%d subnets in %v", n.subnets(), a)
		}
		var less []netip.Prefix
		n.without(m, func(p netip.Prefix) { less = append(less, p) })
		want := slices.DeleteFunc(listed(a), func(p netip.Prefix) bool { return slices.Contains(listed(b), p) })
		if !slices.Equal(less, want) {
			t.Fatalf("%v without %v is %v", a, b, less)
		}
		for _, p := range listed(b) {
			if n.contains(p) != slices.Contains(listed(a), p) {
				t.Fatalf("%v contains %v: %v", a, p, n.contains(p))
			}
		}
		if (n == m) != slices.Equal(listed(a), listed(b)) {
			t.Fatalf("%v and %v are equal: %v", a, b, n == m)
		}
	})
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"10.1.2.3/8":          "10.0.0.0/8",
		"::ffff:10.1.2.3/104": "10.0.0.0/8",
		"::ffff:10.1.2.3/128": "10.1.2.3/32",
		"::ffff:10.1.2.3/64":  "::/64",
		"fd00::1/64":          "fd00::/64",
		"fd00::1/128":         "fd00::1/128",
	} {
		if got := plain(netip.MustParsePrefix(in)).String(); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}
