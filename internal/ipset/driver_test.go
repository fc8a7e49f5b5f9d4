package ipset_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/ipset/fake"
	"github.com/margay-net/margay/internal/model"
)

var start = time.Unix(1000, 0)

func update(t interface{ Fatalf(string, ...any) }, d *ipset.Driver, now time.Time) {
	for range 2 {
		if err := d.Update(now); err != nil {
			t.Fatalf("%v", err)
		}
		if again, err := d.Sweep(now); err != nil {
			t.Fatalf("%v", err)
		} else if !again {
			return
		}
	}
}

func newDriver(f family.Family, k ipset.Kernel, size int) *ipset.Driver {
	d := ipset.New(ipset.Options{Family: f, Kernel: k, Size: size})
	d.InSync()
	return d
}

// One member more is one line, and nothing is started where nothing has changed.
func TestOneMemberIsOneLine(t *testing.T) {
	k := fake.New()
	d := newDriver(family.V4, k, 0)
	d.Declare(ipset.Set{Name: "cali40s", Type: ipset.Addresses})
	var all []ipset.Member
	for i := range 100_000 {
		all = append(all, ipset.Address(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})))
	}
	d.Add("cali40s", all[1:]...)
	update(t, d, start)
	k.Scripts = nil
	update(t, d, start)
	d.Add("cali40s", all[5]) // it is there
	update(t, d, start)
	if len(k.Scripts) != 0 {
		t.Errorf("%d processes for nothing", len(k.Scripts))
	}
	d.Add("cali40s", "10.9.9.9")
	update(t, d, start)
	d.Delete("cali40s", "10.9.9.9")
	update(t, d, start)
	if want := []string{"add cali40s 10.9.9.9\n", "del cali40s 10.9.9.9\n"}; !slices.Equal(k.Scripts, want) {
		t.Errorf("%q, want %q", k.Scripts, want)
	}
	if d.Stats().Reads != 1 {
		t.Errorf("read %d times", d.Stats().Reads)
	}
}

// The whole address space is held as two halves, which may also be members of their own.
func TestWholeSpaceIsTwoHalves(t *testing.T) {
	eachKernel(t, func(t *testing.T, f family.Family, k ipset.Kernel) {
		d := newDriver(f, k, 0)
		name := ipset.Prefix(f) + "n"
		low, _ := f.Any().Addr().Prefix(1)
		d.Declare(ipset.Set{Name: name, Type: ipset.Nets})
		d.Add(name, ipset.Net(f.Any()), ipset.Net(low))
		update(t, d, start)
		expect := func(n int) {
			t.Helper()
			all, err := k.Save(f)
			if err != nil || len(all) != 1 || len(all[0].Members) != n {
				t.Errorf("%v %v, want %d members", all, err, n)
			}
		}
		expect(2)
		d.Delete(name, ipset.Net(f.Any()))
		update(t, d, start)
		expect(1)
		d.Delete(name, ipset.Net(low))
		update(t, d, start)
		expect(0)
	})
}

// A set of another type or size is exchanged, without a moment in which it is not there where
// that can be.
func TestSetsAreExchanged(t *testing.T) {
	eachKernel(t, func(t *testing.T, f family.Family, k ipset.Kernel) {
		before := lines(f, "create cali40a hash:ip family inet maxelem 7\nadd cali40a 10.65.0.9\n"+
			"create cali40b hash:net family inet maxelem 1048576\ncreate cali4t9 hash:ip family inet maxelem 7\n"+
			"create cali40gone hash:ip family inet maxelem 7\n")
		if err := k.Restore(before); err != nil {
			t.Fatal(err)
		}
		d := newDriver(f, k, 0)
		for _, name := range []string{"a", "b"} {
			d.Declare(ipset.Set{Name: ipset.Prefix(f) + name, Type: ipset.Addresses})
			d.Add(ipset.Prefix(f)+name, ipset.Member(lines(f, "10.65.0.1")))
		}
		update(t, d, start)
		want := "cali40a hash:ip 10.65.0.1\ncali40b hash:ip 10.65.0.1"
		if got := listed(t, k, f); got != string(lines(f, want)) {
			t.Errorf("there is\n%s\nwant\n%s", got, lines(f, want))
		}
		d.Resize(10)
		update(t, d, start)
		if all, _ := k.Save(f); len(all) != 2 || all[0].Set.Size != 10 || all[1].Set.Size != 10 {
			t.Errorf("after the change of size: %v", all)
		}
	})
}

// A set with too many members is in error, and no other is.
func TestFullSetIsInErrorAlone(t *testing.T) {
	eachKernel(t, func(t *testing.T, f family.Family, k ipset.Kernel) {
		d := newDriver(f, k, 3)
		for _, name := range []string{"a", "b", "c"} {
			d.Declare(ipset.Set{Name: ipset.Prefix(f) + name, Type: ipset.Addresses})
			d.Add(ipset.Prefix(f)+name, ipset.Member(lines(f, "10.65.0.1")))
		}
		for i := range 8 {
			d.Add(ipset.Prefix(f)+"b", ipset.Member(lines(f, fmt.Sprintf("10.65.0.%d", i+1))))
		}
		update(t, d, start)
		for name, ready := range map[string]bool{"a": true, "b": false, "c": true} {
			if d.Ready(ipset.Prefix(f)+name) != ready {
				t.Errorf("%s: ready is %v", name, !ready)
			}
		}
		if p := d.Problems(); len(p) != 1 || !strings.Contains(p[0].Err.Error(), "full") {
			t.Errorf("problems: %v", p)
		}
		for i := 3; i < 8; i++ {
			d.Delete(ipset.Prefix(f)+"b", ipset.Member(lines(f, fmt.Sprintf("10.65.0.%d", i+1))))
		}
		update(t, d, d.NextRetry())
		if !d.Ready(ipset.Prefix(f)+"b") || len(d.Problems()) != 0 {
			t.Errorf("still in error: %v", d.Problems())
		}
	})
}

// A set that somebody's rule looks into stays for the time being, and stops nothing.
func TestSetInUseStays(t *testing.T) {
	k := fake.New()
	inUse := true
	k.Used = func(set string) bool { return set == "cali40a" && inUse }
	d := newDriver(family.V4, k, 0)
	for _, name := range []string{"cali40a", "cali40b"} {
		d.Declare(ipset.Set{Name: name, Type: ipset.Addresses})
	}
	update(t, d, start)
	d.Remove("cali40a")
	d.Remove("cali40b")
	update(t, d, start)
	if !k.Has("cali40a") || k.Has("cali40b") {
		t.Errorf("there is\n%s", listed(t, k, family.V4))
	}
	inUse = false
	update(t, d, d.NextRetry())
	if k.Has("cali40a") {
		t.Error("it is still there")
	}
}

func TestMembers(t *testing.T) {
	six := netip.MustParseAddr("fd00::1")
	for want, got := range map[string]ipset.Member{
		"fd00::1": ipset.Address(six), "10.0.0.0/8": ipset.Net(netip.MustParsePrefix("10.0.0.1/8")),
		"10.0.0.1": ipset.Net(netip.MustParsePrefix("10.0.0.1/32")), "fd00::1,cali1": ipset.Source(six, "cali1"),
	} {
		if string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if m, ok := ipset.Port(six, model.SCTP, 9); !ok || m != "fd00::1,sctp:9" {
		t.Errorf("%s, %v", m, ok)
	}
	if _, ok := ipset.Port(six, model.ICMP, 9); ok {
		t.Error("ICMP has a port")
	}
}

// Whatever is said in whatever order, with failures in between, what stands in the end is what
// was said last of each set, as a slow model has it.
func TestDriverAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := fake.New()
		d := newDriver(family.V4, k, 100)
		want := map[string]map[ipset.Member]bool{}
		now := start
		names := rapid.SampledFrom([]string{"cali40a", "cali40b", "cali40c"})
		members := rapid.SampledFrom([]ipset.Member{"10.0.0.1", "10.0.0.2", "10.0.0.3"})
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			name, m := names.Draw(t, "set"), members.Draw(t, "member")
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				d.Declare(ipset.Set{Name: name, Type: ipset.Addresses})
				if want[name] == nil {
					want[name] = map[ipset.Member]bool{}
				}
			case 1:
				d.Remove(name)
				delete(want, name)
			case 2, 3:
				if d.Add(name, m); want[name] != nil {
					want[name][m] = true
				}
			case 4:
				if d.Delete(name, m); want[name] != nil {
					delete(want[name], m)
				}
			case 5:
				_ = k.Restore([]byte("create cali40b hash:ip family inet maxelem 100\nadd cali40b 10.0.0.9\n")) // an intruder
				d.Resync()
			case 6:
				k.Refuse = func(line string) string { return strings.Repeat("no", len(line)%2) }
				_ = d.Update(now) // whatever comes of it
				k.Refuse = nil
				now = now.Add(time.Hour)
			}
			if rapid.Bool().Draw(t, "update") {
				update(t, d, now)
			}
		}
		update(t, d, now.Add(time.Hour))
		all, _ := k.Save(family.V4)
		if len(all) != len(want) {
			t.Fatalf("there is %v, want %v", all, want)
		}
		for _, l := range all {
			if len(l.Members) != len(want[l.Set.Name]) {
				t.Fatalf("there is %v, want %v", all, want)
			}
			for _, m := range l.Members {
				if !want[l.Set.Name][m] {
					t.Fatalf("there is %v, want %v", all, want)
				}
			}
		}
	})
}
