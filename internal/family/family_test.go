package family

import (
	"net/netip"
	"testing"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		addr string
		want Family
	}{
		{"10.0.0.1", V4},
		{"::ffff:10.0.0.1", V4},
		{"fd00::1", V6},
		{"fe80::1%eth0", V6},
	} {
		if got := Of(netip.MustParseAddr(c.addr)); got != c.want {
			t.Errorf("Of(%s) = %v, want %v", c.addr, got, c.want)
		}
	}
	if got := Of(netip.Addr{}); got != 0 {
		t.Errorf("the zero address has family %v, want none", got)
	}
}

func TestHostPrefix(t *testing.T) {
	for addr, want := range map[string]string{
		"10.0.0.1":        "10.0.0.1/32",
		"::ffff:10.0.0.1": "10.0.0.1/32",
		"fd00::1":         "fd00::1/128",
	} {
		got := HostPrefix(netip.MustParseAddr(addr))
		if got.String() != want || !IsHost(got) {
			t.Errorf("HostPrefix(%s) = %v, want %s", addr, got, want)
		}
	}
	for _, f := range All() {
		if IsHost(f.Any()) || OfPrefix(f.Any()) != f || f.Any().Bits() != 0 {
			t.Errorf("%v.Any() = %v", f, f.Any())
		}
	}
}

func TestSet(t *testing.T) {
	for _, c := range []struct {
		set  Set
		text string
	}{
		{0, "none"},
		{NewSet(V4), "IPv4"},
		{NewSet(V6), "IPv6"},
		{NewSet(V6, V4), "IPv4+IPv6"},
	} {
		if c.set.String() != c.text {
			t.Errorf("%v, want %s", c.set, c.text)
		}
		for _, f := range All() {
			if !c.set.With(f).Has(f) || c.set.Without(f).Has(f) {
				t.Errorf("%v with and without %v", c.set, f)
			}
			if c.set.With(f).Has(f.Other()) != c.set.Has(f.Other()) {
				t.Errorf("%v with %v changed %v", c.set, f, f.Other())
			}
		}
	}
}

func TestPairKeepsTheFamiliesApart(t *testing.T) {
	p := PairOf("four", "six")
	*p.At(V6) = "6"
	if p.Get(V4) != "four" || p.Get(V6) != "6" {
		t.Errorf("%v", p)
	}
}
