package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// resolveTimeout bounds how long configuring an address waits for a name server.
const resolveTimeout = 5 * time.Second

// Address says where a server listens. The zero value is: nowhere.
type Address struct {
	Enabled bool
	// Host is "localhost" for both loopback addresses; empty for all addresses of both
	// families; or an address (an IPv6 one with or without brackets); or a name, which is
	// resolved when the address is configured and stands for all that it resolves to.
	Host string
	// Port is a TCP port; 0 lets the kernel choose one, for tests.
	Port int
	// TLS is by what the server is known; its zero value is plain HTTP.
	TLS TLS
}

// String is the address as in a URL, or "off".
func (a Address) String() string {
	if !a.Enabled {
		return "off"
	}
	return net.JoinHostPort(a.host(), strconv.Itoa(a.Port))
}

func (a Address) host() string {
	return strings.TrimSuffix(strings.TrimPrefix(a.Host, "["), "]")
}

// binds lists what to listen on, in order: host and port in the form of net.Listen. The
// error says that the port is none or that the name does not resolve.
func (a Address) binds(resolve resolver) ([]string, error) {
	if !a.Enabled {
		return nil, nil
	}
	if a.Port < 0 || a.Port > 65535 {
		return nil, fmt.Errorf("port %d: expected 0 to 65535", a.Port)
	}
	port := strconv.Itoa(a.Port)
	host := a.host()
	if host == "" {
		// Go binds one socket for both families, or for the one that the kernel has.
		return []string{":" + port}, nil
	}
	if host == "localhost" {
		return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}, nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []string{net.JoinHostPort(ip.String(), port)}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	ips, err := resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, ip := range ips {
		out = append(out, net.JoinHostPort(ip, port))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// resolver is net.Resolver.LookupHost.
type resolver func(ctx context.Context, host string) ([]string, error)

// absent says whether listening failed because the host has no such address, or does not
// have the family at all: bind(2) gives EADDRNOTAVAIL for an address on no interface,
// socket(2) EAFNOSUPPORT on a kernel without IPv6.
func absent(err error) bool {
	return errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EAFNOSUPPORT) ||
		errors.Is(err, unix.EPROTONOSUPPORT)
}
