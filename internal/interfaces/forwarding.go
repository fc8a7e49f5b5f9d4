package interfaces

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// How a node is made to forward.
//
// IPv4 has one switch. IPv6 has one too, net.ipv6.conf.all.forwarding, but a node that
// becomes a router by it no longer listens to router advertisements, and forgets the
// default route that it had from one, unless accept_ra is 2 on the interface beforehand.
// From Linux 6.17 on, force_forwarding makes an interface forward what it receives
// without any of that; it is used where it is there. Writing it to "all" reaches the
// interfaces of the moment only, and leaves "all" saying 1 whatever becomes of them, so
// it is set on each, and on "default" for those to come.
//
// A node that forwards already is left as it is.

const (
	allForwarding   = "net/ipv6/conf/all/forwarding"
	forceDefault    = "net/ipv6/conf/default/force_forwarding"
	forceOn         = "net/ipv6/conf/%s/force_forwarding"
	acceptRA        = "net/ipv6/conf/%s/accept_ra"
	acceptRADefault = "net/ipv6/conf/default/accept_ra"
)

// forwarding is what is to be set for a node to forward: host-wide, in this order, and on
// every interface.
type forwarding struct {
	host []value
	each []value
}

// isOfLink says whether a host-wide step concerns one interface only.
func (v value) isOfLink() bool {
	return strings.HasSuffix(v.path, "/accept_ra") && v.path != acceptRADefault
}

// planForwarding looks at what the kernel has and what is set. links are the names of the
// interfaces.
func planForwarding(f family.Family, s Sysctls, links []string) (forwarding, error) {
	byFamily := family.PairOf(planSwitch, planIPv6)
	return byFamily.Get(f)(s, links)
}

func planSwitch(Sysctls, []string) (forwarding, error) {
	return forwarding{host: []value{{"net/ipv4/ip_forward", "1"}}}, nil
}

func planIPv6(s Sysctls, links []string) (forwarding, error) {
	on, err := s.Read(allForwarding)
	if err != nil {
		return forwarding{}, fmt.Errorf("forwarding: %w", err)
	}
	if on == "1" {
		return forwarding{}, nil
	}
	switch _, err := s.Read(forceDefault); {
	case err == nil:
		return forwarding{host: []value{{forceDefault, "1"}}, each: []value{{forceOn, "1"}}}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return forwarding{}, fmt.Errorf("forwarding: %w", err)
	}
	return planListening(s, links)
}

// planListening turns the one switch, after every interface that listens to router
// advertisements has been told to go on doing so.
func planListening(s Sysctls, links []string) (forwarding, error) {
	var out forwarding
	paths := []string{acceptRADefault}
	for _, l := range links {
		paths = append(paths, value{path: acceptRA}.of(l).path)
	}
	for _, path := range paths {
		v, err := s.Read(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the interface has gone, or has no IPv6
		}
		if err != nil {
			return forwarding{}, fmt.Errorf("forwarding: %w", err)
		}
		if v == "1" {
			out.host = append(out.host, value{path, "2"})
		}
	}
	out.host = append(out.host, value{allForwarding, "1"})
	return out, nil
}
