package demo

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// standInEnv makes this test program stand in for the agent, in one of the ways below.
const standInEnv = "MARGAY_DEMO_STANDIN"

// How a stand-in behaves.
const (
	routes   = "routes"    // forwards everything, except what policy-api.yaml does not let in
	dies     = "dies"      // ends before it is ready
	fails    = "fails"     // becomes ready and ends soon after
	neverYet = "never-yet" // answers, but is not ready
	stubborn = "stubborn"  // routes, and does not end when told to
)

func TestMain(m *testing.M) {
	behaviour := os.Getenv(standInEnv)
	switch {
	case behaviour != "" && len(os.Args) > 1 && os.Args[1] == "run":
		fmt.Fprintln(os.Stderr, standIn(behaviour, os.Args))
		os.Exit(3)
	case behaviour != "" && len(os.Args) > 1 && os.Args[1] == "greet":
		fmt.Fprintln(os.Stderr, Greet(os.Args[3]))
		os.Exit(3)
	}
	os.Exit(netlab.Main(m))
}

// standIn is called with the arguments of `agent run --datastore files --manifests DIR --node NAME`.
func standIn(behaviour string, args []string) error {
	manifests, node := args[5], args[7]
	fmt.Println("stand-in on", node, "with", manifests)
	status := http.StatusOK
	switch behaviour {
	case dies:
		return errors.New("cannot go on")
	case neverYet:
		status = http.StatusServiceUnavailable
	case stubborn:
		signal.Ignore(unix.SIGTERM)
		fallthrough
	default:
		if err := route(manifests, node); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:9099")
	if err != nil {
		return err
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintln(w, "IPv6 routes: still waiting")
		}))
	}()
	if behaviour == fails && node == "node-2" {
		time.Sleep(100 * time.Millisecond)
		return errors.New("out of luck")
	}
	return followPolicy(filepath.Join(manifests, "policy-api.yaml"))
}

// route makes the node forward, with routes to all pods.
func route(manifests, name string) error {
	cluster, err := ReadCluster(manifests)
	if err != nil {
		return err
	}
	for _, setting := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		if err := os.WriteFile("/proc/sys/net/"+setting, []byte("1"), 0); err != nil {
			return err
		}
	}
	// What proxy ARP needs on a node without a default route: see netlab's RouteByHand.
	if err := addRoute(netlab.Gateway(family.V4), netip.Addr{}, "lo"); err != nil {
		return err
	}
	for _, n := range cluster {
		for _, p := range n.Pods {
			for _, a := range p.Addresses {
				if err := routeToPod(n, name, p, a); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func routeToPod(n netlab.NodeSpec, here string, p netlab.PodSpec, a netip.Addr) error {
	if n.Name != here {
		return addRoute(a, addressOf(n, family.Of(a)), netlab.Uplink)
	}
	namespace, name, _ := strings.Cut(p.Name, "/")
	device := netlab.InterfaceOf(namespace, name)
	for setting, value := range map[string]string{"conf/%s/proxy_arp": "1", "neigh/%s/proxy_delay": "0"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+fmt.Sprintf(setting, device), []byte(value), 0); err != nil {
			return err
		}
	}
	return addRoute(a, netip.Addr{}, device)
}

func addressOf(n netlab.NodeSpec, f family.Family) netip.Addr {
	for _, p := range n.Addresses {
		if family.OfPrefix(p) == f {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

func addRoute(to, via netip.Addr, device string) error {
	l, err := netlink.LinkByName(device)
	if err != nil {
		return fmt.Errorf("%s: %w", device, err)
	}
	r := &netlink.Route{LinkIndex: l.Attrs().Index, Dst: netipx.PrefixIPNet(family.HostPrefix(to))}
	if via.IsValid() {
		r.Gw = via.AsSlice()
	} else if family.Of(to) == family.V4 {
		r.Scope = netlink.SCOPE_LINK
	}
	return netlink.RouteAdd(r)
}

// followPolicy lets shop/db reach shop/api as long as the policy names it, by a routing rule that forbids
// it otherwise. It polls, as the agent must not.
func followPolicy(path string) error {
	forbidden := false
	for ; ; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if forbid := !strings.Contains(string(text), "[web, db]"); forbid != forbidden {
			if err := setForbidden(forbid); err != nil {
				return err
			}
			forbidden = forbid
		}
	}
}

func setForbidden(forbid bool) error {
	pairs := [][2]string{{"10.65.3.10", "10.65.2.10"}, {"fd00:10:65:3::10", "fd00:10:65:2::10"}}
	for _, pair := range pairs {
		r := netlink.NewRule()
		r.Src = netipx.PrefixIPNet(family.HostPrefix(netip.MustParseAddr(pair[0])))
		r.Dst = netipx.PrefixIPNet(family.HostPrefix(netip.MustParseAddr(pair[1])))
		r.Priority, r.Type = 100, unix.RTN_PROHIBIT
		r.Family = netlink.FAMILY_V6
		if family.Of(netip.MustParseAddr(pair[0])) == family.V4 {
			r.Family = netlink.FAMILY_V4
		}
		change := netlink.RuleDel
		if forbid {
			change = netlink.RuleAdd
		}
		if err := change(r); err != nil {
			return err
		}
	}
	return nil
}
