package ipip_test

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/ipip"
	"github.com/margay-net/margay/internal/netlab"
)

// onKernel is a node's kernel, for a test that needs IPIP of it.
func onKernel(t *testing.T) *interfaces.Linux {
	t.Helper()
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "n1", Addresses: netlab.Prefixes("172.16.0.1/24")}}})
	var k *interfaces.Linux
	if err := lab.Node("n1").Do(func() (err error) { k, err = interfaces.OpenLinux(); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	if err := k.CreateLink(ipip.Link{Name: "tunl0", Kind: "ipip"}); errors.Is(err, syscall.EOPNOTSUPP) {
		t.Skip("this kernel has no module ipip: make test-vm KERNEL_PACKAGES=internal/ipip")
	}
	return k
}

// What the Driver relies on in a kernel; for the fake and for the real one.
func TestContract(t *testing.T) {
	t.Run("fake", func(t *testing.T) { contract(t, newKernel()) })
	t.Run("kernel", func(t *testing.T) { contract(t, onKernel(t)) })
}

func contract(t *testing.T, k ipip.Kernel) {
	find := func() ipip.Link {
		links, err := k.Links()
		i := slices.IndexFunc(links, func(l ipip.Link) bool { return l.Name == "tunl0" })
		if err != nil || i < 0 {
			t.Fatalf("%v, %v", links, err)
		}
		return links[i]
	}
	if err := k.CreateLink(ipip.Link{Name: "tunl0", Kind: "ipip"}); err != nil && !errors.Is(err, syscall.EEXIST) {
		t.Fatal(err)
	}
	if err := k.CreateLink(ipip.Link{Name: "tunl0", Kind: "ipip"}); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("again: %v", err)
	}
	have := find()
	if have.Kind != "ipip" || have.Up {
		t.Errorf("%+v", have)
	}
	want := have
	want.Up, want.MTU = true, 1400
	if err := k.ChangeLink(have, want); err != nil || find() != want {
		t.Errorf("%v: %+v, want %+v", err, find(), want)
	}
	a := []ipip.Address{{Link: have.Index, Prefix: netip.MustParsePrefix("10.244.1.9/32")}}
	if err := k.AddAddresses(a)[0]; err != nil {
		t.Error(err)
	}
	if err := k.AddAddresses(a)[0]; !errors.Is(err, syscall.EEXIST) {
		t.Errorf("again: %v", err)
	}
	if err := k.RemoveAddresses(a)[0]; err != nil {
		t.Error(err)
	}
	if err := k.RemoveAddresses(a)[0]; !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("again: %v", err)
	}
}

func TestOnAKernel(t *testing.T) {
	d := ipip.New(ipip.Options{Kernel: onKernel(t)})
	d.Own(own("10.244.1.9"))
	d.InSync()
	if _, err := d.Apply(time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := d.Actual(); !slices.Equal(got, []string{"tunl0 mtu 1480 up", "10.244.1.9/32 dev tunl0"}) || !d.Settled() {
		t.Errorf("%q, settled %v", got, d.Settled())
	}
}
