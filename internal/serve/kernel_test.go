package serve

import (
	"net"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/netlab"
)

// TestOnRealLoopbacks takes away either loopback address of a node, as hosts do by sysctl or
// by kernel command line. It checks what the fake host says of absent addresses.
func TestOnRealLoopbacks(t *testing.T) {
	for _, c := range []struct {
		name string
		less string // the loopback address that is removed
		want map[string]bool
	}{
		{"both", "", map[string]bool{"127.0.0.1": true, "::1": true}},
		{"IPv4 only", "::1/128", map[string]bool{"127.0.0.1": true, "::1": false}},
		{"IPv6 only", "127.0.0.1/8", map[string]bool{"127.0.0.1": false, "::1": true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			node := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node1"}}}).Node("node1")
			if c.less != "" {
				if err := node.Do(func() error { return removeAddress(c.less) }); err != nil {
					t.Fatal(err)
				}
			}
			logger := logrus.New()
			logger.Out = t.Output()
			s := New(Options{Handler: pong(), Log: logrus.NewEntry(logger)})
			defer s.Close()
			err := node.Do(func() error {
				return s.Configure(Address{Enabled: true, Host: "localhost", Port: 9099})
			})
			if err != nil {
				t.Error(err)
			}
			for address, want := range c.want {
				if got := answers(t, node, address); got != want {
					t.Errorf("%s answers: %v, want %v; listening on %v", address, got, want, s.Addresses())
				}
			}
		})
	}
}

func removeAddress(text string) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	address, err := netlink.ParseAddr(text)
	if err != nil {
		return err
	}
	return netlink.AddrDel(lo, address)
}

// answers asks from within the node.
func answers(t *testing.T, node *netlab.Node, address string) (ok bool) {
	err := node.Do(func() error {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, "9099"), time.Second)
		if err != nil {
			return nil // refused, or no such address
		}
		defer conn.Close()
		ok = ask(t, conn) == "pong /ping"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}
