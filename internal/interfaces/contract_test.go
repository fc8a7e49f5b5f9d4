package interfaces_test

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/netlab"
)

// What the Driver relies on in a kernel; for the fake and for the real one.
func TestContract(t *testing.T) {
	t.Run("fake", func(t *testing.T) {
		contract(t, &kernel{links: []interfaces.Link{{Index: 1, Name: "lo", Up: true}, {Index: 2, Name: netlab.Uplink, Up: true}}})
	})
	t.Run("kernel", func(t *testing.T) {
		var k *interfaces.Linux
		if err := lab(t).Node("n1").Do(func() (err error) { k, err = interfaces.OpenLinux(); return err }); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = k.Close() }()
		contract(t, k)
	})
}

func contract(t *testing.T, k interfaces.Kernel) {
	links, err := k.Links()
	at := slices.IndexFunc(links, func(l interfaces.Link) bool { return l.Name == netlab.Uplink })
	if err != nil || at < 0 || !links[at].Up {
		t.Fatalf("%v, %v", links, err)
	}
	var want []interfaces.Address
	for _, p := range interfaces.Gateways(family.V6) {
		want = append(want, interfaces.Address{Link: links[at].Index, Prefix: p, LinkScope: true, NoDAD: true})
	}
	has := func() (n int) {
		all, err := k.Addresses(family.V6)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range want {
			if slices.Contains(all, a) {
				n++
			}
		}
		return n
	}
	if err := errors.Join(k.AddAddresses(want)...); err != nil || has() != 2 {
		t.Errorf("add: %v, %d there", err, has())
	}
	for _, err := range k.AddAddresses(want) {
		if !errors.Is(err, syscall.EEXIST) {
			t.Errorf("add again: %v", err)
		}
	}
	if err := errors.Join(k.RemoveAddresses(want[:1])...); err != nil || has() != 1 {
		t.Errorf("remove: %v, %d there", err, has())
	}
	if err := k.RemoveAddresses(want[:1])[0]; !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("remove again: %v", err)
	}
}
