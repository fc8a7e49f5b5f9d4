package wireguard_test

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/wireguard"
)

// device is what there is whatever the cluster is like, when the node has one address.
func device() []string {
	return []string{
		"{dev}: mtu 1420 up=true key own port {port} fwmark 0x100000 addresses [{a1}]",
		"{family} rule 99: not fwmark 0x100000 lookup {T}",
	}
}

// peer is what a node with a key gets; letter is its key's.
func peer(n, letter string) []string {
	return []string{
		"peer " + letter + ": endpoint {u" + n + "} allowed [{n" + n + "} {a" + n + "}/{full}]",
		"table {T}: {a" + n + "}/{full} dev {dev} metric 1024",
		"table {T}: {n" + n + "} dev {dev} metric 1024",
		"table {T}: blackhole {a" + n + "}/{full} metric 4096",
		"table {T}: blackhole {n" + n + "} metric 4096",
	}
}

func all(parts ...[]string) (out []string) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func TestANodeWithAKeyIsAPeerAndOneWithoutIsPassedBy(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.driver.PutNode(b.node(2, b.key("B")))
		b.driver.PutNode(b.node(3, wireguard.Key{}))
		b.mustApply()
		b.shows(b.write(all(device(), peer("2", "B"), []string{
			"table {T}: throw {a3}/{full} metric 1024",
			"table {T}: throw {n3} metric 1024",
		})...)...)
	})
}

func TestRequiredEncryptionDropsWhatGoesToANodeWithoutAKey(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.settings.Required = true
		b.driver.Configure(b.settings)
		b.driver.PutNode(b.node(2, wireguard.Key{}))
		b.driver.Route(block(b.family, 3), "c") // of which nothing is known yet
		b.mustApply()
		b.shows(b.write(all(device(), []string{
			"table {T}: blackhole {a2}/{full} metric 1024",
			"table {T}: blackhole {n2} metric 1024",
			"table {T}: blackhole {n3} metric 1024",
		})...)...)
	})
}

func TestOfTwoNodesWithOneKeyNeitherIsAPeer(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		k := b.key("B")
		b.driver.InSync()
		b.driver.PutNode(b.node(2, k))
		b.mustApply()
		for n := range 2 {
			sharing := b.node(n+2, k)
			sharing.Shared = true
			b.driver.PutNode(sharing)
		}
		b.mustApply()
		b.shows(b.write(all(device(), []string{
			"table {T}: blackhole {a2}/{full} metric 1024", "table {T}: blackhole {n2} metric 1024",
			"table {T}: blackhole {a3}/{full} metric 1024", "table {T}: blackhole {n3} metric 1024",
		})...)...)
		if got := b.driver.Errors()["b"]; got == nil || got.Error() != "shares its key with another node" {
			t.Errorf("told of b: %v", got)
		}
		b.driver.PutNode(b.node(2, k))
		b.driver.PutNode(b.node(3, b.key("C")))
		b.mustApply()
		b.shows(b.write(all(device(), peer("2", "B"), peer("3", "C"))...)...)
		if errs := b.driver.Errors(); len(errs) != 0 {
			t.Errorf("told of %v", errs)
		}
	})
}

func TestNodesThatCannotBePeersAreClosed(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		own := b.node(2, b.own.Public())
		lost := b.node(3, b.key("C"))
		lost.Endpoint = netip.Addr{}
		b.driver.PutNode(own)
		b.driver.PutNode(lost)
		b.mustApply()
		b.shows(b.write(all(device(), []string{
			"table {T}: blackhole {a2}/{full} metric 1024", "table {T}: blackhole {n2} metric 1024",
			"table {T}: blackhole {a3}/{full} metric 1024", "table {T}: blackhole {n3} metric 1024",
		})...)...)
		errs := b.driver.Errors()
		if errs["b"].Error() != "has this node's own key" || errs["c"].Error() != "has a key, but no address to send to" {
			t.Errorf("told of %v", errs)
		}
	})
}

func TestOneChangeCostsOnePeer(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.driver.InSync()
		b.driver.PutNode(b.node(2, b.key("B")))
		b.driver.PutNode(b.node(3, b.key("C")))
		b.mustApply()
		b.asked()
		b.mustApply()
		if did := b.asked(); len(did) != 0 {
			t.Errorf("without a change: %v", did)
		}
		b.driver.Route(block(b.family, 4), "b") // one more block of node b
		b.mustApply()
		if did, want := strings.Join(b.asked(), "\n"), strings.Join(b.write(
			"wg set peers +1 -0",
			"route replace blackhole {n4} metric 4096",
			"route replace {n4} dev {dev} metric 1024",
		), "\n"); did != want {
			t.Errorf("did\n%s", did)
		}
		b.driver.Route(block(b.family, 4), "c") // it moves
		b.mustApply()
		if did := strings.Join(b.asked(), "\n"); did != "wg set peers +2 -0" {
			t.Errorf("did\n%s", did)
		}
		b.driver.RemoveNode("b")
		b.driver.Unroute(block(b.family, 2))
		b.mustApply()
		if did := b.asked(); did[len(did)-1] != "wg set peers +0 -1" {
			t.Errorf("the peer goes after its routes: %v", did)
		}
	})
}

func TestARestartChangesNothing(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		k := b.key("B")
		b.driver.InSync()
		b.driver.PutNode(b.node(2, k))
		b.mustApply()
		b.asked()
		before := b.listing()
		b.restart()
		b.mustApply() // nothing is known yet, and so nothing goes
		b.driver.PutNode(b.node(2, k))
		b.mustApply()
		b.driver.InSync()
		b.mustApply()
		if did := b.asked(); len(did) != 0 {
			t.Errorf("did %v", did)
		}
		b.shows(before...)
	})
}

func TestBeforeInSyncNothingGoes(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.driver.InSync()
		b.driver.PutNode(b.node(2, b.key("B")))
		b.mustApply()
		before := b.listing()
		b.restart()
		b.mustApply()
		b.shows(before...)
		b.driver.InSync()
		b.mustApply()
		b.shows(b.write(device()...)...)
	})
}

func TestOffLeavesNothing(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.driver.InSync()
		b.driver.PutNode(b.node(2, b.key("B")))
		b.mustApply()
		on := b.settings
		off := on
		off.Carries = 0
		b.driver.Configure(off)
		b.asked()
		b.mustApply()
		b.shows()
		if did := b.asked(); did[0] != b.write("rule del {family} 99")[0] {
			t.Errorf("while the routes go, packets must not go by them any more: %v", did)
		}
		b.driver.Configure(on)
		b.mustApply()
		b.shows(b.write(all(device(), peer("2", "B"))...)...)
	})
}

func TestSettingsThatMoveTheTunnel(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.driver.InSync()
		b.driver.PutNode(b.node(2, b.key("B")))
		b.mustApply()
		b.settings.Name, b.settings.Table, b.settings.Priority, b.settings.Port = "wg.other", 77, 50, 4500
		b.driver.Configure(b.settings)
		b.mustApply()
		b.shows(b.write(strings.Split(strings.ReplaceAll(strings.Join(all(device(), peer("2", "B")), "\n"), "rule 99", "rule 50"), "\n")...)...)
	})
}

func TestHealing(t *testing.T) {
	for what, damage := range map[string]func(b *bench){
		"device deleted":    func(b *bench) { b.delete(b.settings.Name) },
		"device down":       func(b *bench) { l := b.links[b.settings.Name]; l.Up = false; b.links[b.settings.Name] = l },
		"key changed":       func(b *bench) { b.devices[b.settings.Name].Key = wireguard.PrivateKey{} },
		"port changed":      func(b *bench) { b.devices[b.settings.Name].Port = 1 },
		"mark changed":      func(b *bench) { b.devices[b.settings.Name].Mark = 0 },
		"peers deleted":     func(b *bench) { clear(b.devices[b.settings.Name].Peers) },
		"routes flushed":    func(b *bench) { clear(b.tables[b.settings.Table]) },
		"rule deleted":      func(b *bench) { clear(b.rules) },
		"addresses flushed": func(b *bench) { clear(b.addresses) },
		"a stranger peer": func(b *bench) {
			b.devices[b.settings.Name].Peers[b.key("X")] = wireguard.Peer{Allowed: []netip.Prefix{block(b.family, 2)}}
		},
	} {
		t.Run(what, func(t *testing.T) {
			inEachFamily(t, func(t *testing.T, b *bench) {
				b.driver.InSync()
				b.driver.PutNode(b.node(2, b.key("B")))
				b.mustApply()
				before := b.listing()
				damage(b)
				b.driver.Resync()
				b.mustApply()
				b.shows(before...)
			})
		})
	}
}

func TestADeviceOfAnotherKindIsLeftAlone(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.add(b.settings.Name, "bridge", 1500)
		b.driver.PutNode(b.node(2, b.key("B")))
		err := b.apply()
		if err == nil || !strings.Contains(err.Error(), "is taken by a device of another kind (bridge)") {
			t.Errorf("told of %v", err)
		}
		b.shows(b.write("{family} rule 99: not fwmark 0x100000 lookup {T}",
			"table {T}: blackhole {a2}/{full} metric 4096", "table {T}: blackhole {n2} metric 4096")...)
		b.delete(b.settings.Name)
		b.mustApply()
		b.shows(b.write(all(device(), peer("2", "B"))...)...)
	})
}

func TestWithoutAWayToHaveADevicePeersAreClosed(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.missing = true
		b.driver.PutNode(b.node(2, b.key("B")))
		b.driver.PutNode(b.node(3, wireguard.Key{}))
		if err := b.apply(); !errors.Is(err, wireguard.ErrUnsupported) {
			t.Errorf("told of %v", err)
		}
		b.shows(b.write("{family} rule 99: not fwmark 0x100000 lookup {T}",
			"table {T}: blackhole {a2}/{full} metric 4096", "table {T}: blackhole {n2} metric 4096",
			"table {T}: throw {a3}/{full} metric 1024", "table {T}: throw {n3} metric 1024")...)
	})
}

func TestAPortInUseIsNamedAndKeepsNothingElse(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.taken = b.settings.Port
		b.driver.PutNode(b.node(2, b.key("B")))
		err := b.apply()
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), b.write("{family} WireGuard device {dev}: port {port}")[0]) {
			t.Errorf("told of %v", err)
		}
		b.taken = 0
		b.mustApply()
		b.shows(b.write(all(device(), peer("2", "B"))...)...)
	})
}

func TestABadPeerSpoilsNoOther(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		bad := b.key("B")
		b.refuse[bad] = syscall.EINVAL
		b.driver.PutNode(b.node(2, bad))
		b.driver.PutNode(b.node(3, b.key("C")))
		if err := b.apply(); !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), bad.String()) {
			t.Errorf("told of %v", err)
		}
		if listing := strings.Join(b.listing(), "\n"); !strings.Contains(listing, "peer C") {
			t.Errorf("the kernel has\n%s", listing)
		}
	})
}

func TestOneTunnelForBothFamilies(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		other := b.family.Other()
		b.settings.Carries = family.Both
		b.settings.Addresses = append(b.settings.Addresses, at(other, 1))
		b.driver.Configure(b.settings)
		n := b.node(2, b.key("B"))
		b.driver.Route(block(other, 2), "b")
		b.driver.PutNode(n)
		b.mustApply()
		have := strings.Join(b.listing(), "\n")
		for _, want := range []string{
			"IPv4 rule 99", "IPv6 rule 99", block(other, 2).String() + " dev " + b.settings.Name, at(other, 1).String(),
		} {
			if !strings.Contains(have, want) {
				t.Errorf("no %s in\n%s", want, have)
			}
		}
		b.driver.InSync()
		b.settings = settingsOf(b.family)
		b.driver.Configure(b.settings)
		b.mustApply()
		b.shows(b.write(all(device(), peer("2", "B"))...)...)
	})
}

func TestANewKeyOfOurOwn(t *testing.T) {
	inEachFamily(t, func(t *testing.T, b *bench) {
		b.driver.PutNode(b.node(2, b.key("B")))
		b.mustApply()
		b.own = newKey(t)
		delete(b.letters, b.own.Public())
		b.letters[b.own.Public()] = "own"
		b.driver.SetKey(b.own)
		b.mustApply()
		b.shows(b.write(all(device(), peer("2", "B"))...)...)
	})
}

// The rules of both families' tunnels have one priority. Neither takes the other's for one of its
// own that is left over: the packets of a family without its rule leave in the clear.
func TestTheTunnelsOfBothFamiliesLeaveEachOtherAlone(t *testing.T) {
	a, b := newBench(t, family.V4), newBench(t, family.V6)
	b.fake = a.fake
	b.restart()
	for _, x := range []*bench{a, b, a, b} {
		x.driver.InSync()
		x.driver.Resync()
		x.mustApply()
	}
	if len(a.rules) != 2 {
		t.Errorf("rules: %v", a.rules)
	}
	b.settings.Carries = 0
	b.driver.Configure(b.settings)
	b.mustApply()
	if want := (wireguard.Rule{Family: family.V4, Priority: 99, Mark: 0x100000, Table: uint32(family.V4)}); len(a.rules) != 1 || !a.rules[want] {
		t.Errorf("without IPv6: %v", a.rules)
	}
}
