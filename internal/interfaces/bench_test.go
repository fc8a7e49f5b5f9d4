package interfaces_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/netlab"
)

// BenchmarkAudit is what an audit costs that finds nothing, of a node with 100 pods.
func BenchmarkAudit(b *testing.B) {
	const every = 90 * time.Second
	for _, f := range family.All() {
		b.Run(f.String(), func(b *testing.B) {
			l := netlab.Test(b, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "n1"}}})
			now := time.Now()
			var d *interfaces.Driver
			must := func(do func() error) {
				b.Helper()
				if err := l.Node("n1").Do(do); err != nil {
					b.Fatal(err)
				}
			}
			must(func() error { return addVeths(100) })
			must(func() error {
				k, err := interfaces.OpenLinux()
				if err != nil {
					return err
				}
				b.Cleanup(func() { _ = k.Close() })
				d = interfaces.New(interfaces.Options{Family: f, Kernel: k, Sysctls: interfaces.ProcSys, Settings: interfaces.Settings{Audit: every}})
				_, err = d.Apply(now)
				return err
			})
			must(func() error {
				for b.Loop() {
					now = now.Add(every)
					if _, err := d.Apply(now); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

func addVeths(n int) error {
	for i := range n {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = fmt.Sprintf("cali%d", i)
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: fmt.Sprintf("peer%d", i)}); err != nil {
			return err
		}
	}
	return nil
}
