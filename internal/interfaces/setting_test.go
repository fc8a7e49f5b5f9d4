package interfaces_test

import (
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
)

// Somebody switches off what pods need: the kernel tells of it, and it is put right on
// that word, without the link going down and up.
func TestSettingsThatTheKernelTellsOfArePutRight(t *testing.T) {
	l := lab(t)
	n := newAgent(t, l.Node("n1"), family.Both, interfaces.ProcSys)
	n.apply()
	for _, c := range []struct {
		family family.Family
		path   string
	}{
		{family.V4, "net/ipv4/ip_forward"},
		{family.V4, "net/ipv4/conf/calia/forwarding"},
		{family.V4, "net/ipv4/conf/calia/proxy_arp"},
		{family.V6, "net/ipv6/conf/all/forwarding"},
	} {
		want := n.sysctl(c.path)
		if want == "0" {
			continue // not how this kernel is made to forward
		}
		if err := n.node.SetSysctl(c.path, "0"); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		time.AfterFunc(5*time.Second, func() {
			select {
			case <-done:
			default:
				_ = n.events[c.family].Close() // ends the wait
			}
		})
		n.until(c.family, func() bool { return n.sysctl(c.path) == want })
		close(done)
	}
}
