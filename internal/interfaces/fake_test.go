package interfaces_test

import (
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
)

// sysctls is a kernel's settings in memory, with a log of the writes.
type sysctls struct {
	values map[string]string
	refuse map[string]error // writes of paths that begin so
	log    []string
	reads  int
	// before is called before each write, if it is not nil.
	before func(path string)
}

// newSysctls has what a kernel has for the named interfaces, with its defaults.
func newSysctls(names ...string) *sysctls {
	s := &sysctls{values: map[string]string{
		"net/ipv4/ip_forward":                    "0",
		"net/ipv6/conf/all/forwarding":           "0",
		"net/ipv6/conf/default/force_forwarding": "0",
		"net/ipv6/conf/default/accept_ra":        "1",
	}, refuse: map[string]error{}}
	for _, n := range names {
		s.add(n)
	}
	return s
}

func (s *sysctls) add(name string) {
	maps.Copy(s.values, map[string]string{
		"net/ipv4/conf/" + name + "/proxy_arp":        "0",
		"net/ipv4/conf/" + name + "/forwarding":       "0",
		"net/ipv4/conf/" + name + "/route_localnet":   "0",
		"net/ipv4/conf/" + name + "/rp_filter":        "2",
		"net/ipv4/neigh/" + name + "/proxy_delay":     "80",
		"net/ipv6/conf/" + name + "/disable_ipv6":     "0",
		"net/ipv6/conf/" + name + "/forwarding":       "0",
		"net/ipv6/conf/" + name + "/accept_ra":        "1",
		"net/ipv6/conf/" + name + "/accept_dad":       "1",
		"net/ipv6/conf/" + name + "/force_forwarding": "0",
	})
}

// rename is what the kernel does to the settings of an interface that gets another name.
func (s *sysctls) rename(from, to string) {
	for path, v := range maps.Clone(s.values) {
		if moved := strings.ReplaceAll(path, "/"+from+"/", "/"+to+"/"); moved != path {
			delete(s.values, path)
			s.values[moved] = v
		}
	}
}

// older takes away what only newer kernels have.
func (s *sysctls) older() {
	maps.DeleteFunc(s.values, func(path, _ string) bool { return strings.HasSuffix(path, "/force_forwarding") })
}

func (s *sysctls) Read(path string) (string, error) {
	s.reads++
	v, ok := s.values[path]
	if !ok {
		return "", &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
	}
	return v, nil
}

func (s *sysctls) Write(path, value string) error {
	if s.before != nil {
		s.before(path)
	}
	for start, err := range s.refuse {
		if strings.HasPrefix(path, start) {
			return &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
	if _, ok := s.values[path]; !ok {
		return &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
	}
	s.values[path] = value
	s.log = append(s.log, path+" = "+value)
	return nil
}

// written is the log since the last call.
func (s *sysctls) written() []string {
	out := s.log
	s.log = nil
	return out
}

// kernel is links and addresses in memory. Events are handed over by the tests.
type kernel struct {
	links     []interfaces.Link
	addresses []interfaces.Address
	added     int
	fail      error
}

func (k *kernel) Links() ([]interfaces.Link, error) { return slices.Clone(k.links), k.fail }

func (k *kernel) Addresses(f family.Family) ([]interfaces.Address, error) {
	var out []interfaces.Address
	for _, a := range k.addresses {
		if family.OfPrefix(a.Prefix) == f {
			out = append(out, a)
		}
	}
	return out, k.fail
}

func (k *kernel) AddAddresses(addrs []interfaces.Address) []error {
	out := make([]error, len(addrs))
	for i, a := range addrs {
		k.added++
		if k.find(a.Link, a.Prefix) >= 0 {
			out[i] = syscall.EEXIST
			continue
		}
		k.addresses = append(k.addresses, a)
	}
	return out
}

func (k *kernel) RemoveAddresses(addrs []interfaces.Address) []error {
	out := make([]error, len(addrs))
	for i, a := range addrs {
		at := k.find(a.Link, a.Prefix)
		if at < 0 {
			out[i] = syscall.EADDRNOTAVAIL
			continue
		}
		k.addresses = slices.Delete(k.addresses, at, at+1)
	}
	return out
}

func (k *kernel) find(link int, p netip.Prefix) int {
	return slices.IndexFunc(k.addresses, func(a interfaces.Address) bool { return a.Link == link && a.Prefix == p })
}

func (k *kernel) Subscribe(family.Family) (interfaces.Subscription, error) { return nil, k.fail }
