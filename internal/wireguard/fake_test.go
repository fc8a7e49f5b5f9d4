package wireguard_test

import (
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/margay-net/margay/internal/wireguard"
)

// fake is a kernel with tunnels, in memory. It lists itself as ip and wg would, and counts what is
// asked of it.
type fake struct {
	links     map[string]wireguard.Link
	devices   map[string]*wireguard.Device
	addresses map[int][]netip.Addr
	tables    map[uint32]map[wireguard.RouteKey]wireguard.Route
	rules     map[wireguard.Rule]bool
	next      int
	// missing: there is no way to have a device. taken is a UDP port of somebody else.
	missing bool
	taken   uint16
	refuse  map[wireguard.Key]error
	deaf    map[wireguard.Key]bool // peers that there is no session with
	greeted []wireguard.Key
	log     []string
}

func newFake() *fake {
	return &fake{
		links: map[string]wireguard.Link{}, devices: map[string]*wireguard.Device{}, addresses: map[int][]netip.Addr{},
		tables: map[uint32]map[wireguard.RouteKey]wireguard.Route{}, rules: map[wireguard.Rule]bool{},
		next: 10, refuse: map[wireguard.Key]error{},
	}
}

func (f *fake) note(format string, args ...any) { f.log = append(f.log, fmt.Sprintf(format, args...)) }

// asked is what has been asked for since it was asked last.
func (f *fake) asked() []string {
	out := f.log
	f.log = nil
	return out
}

func (f *fake) add(name, kind string, mtu int) {
	f.next++
	f.links[name] = wireguard.Link{Index: f.next, Name: name, Kind: kind, MTU: mtu}
	if kind == "wireguard" {
		f.devices[name] = &wireguard.Device{Peers: map[wireguard.Key]wireguard.Peer{}}
	}
}

// delete takes a link away with all that hangs on it, as the kernel does.
func (f *fake) delete(name string) {
	index := f.links[name].Index
	delete(f.links, name)
	delete(f.devices, name)
	delete(f.addresses, index)
	for _, table := range f.tables {
		maps.DeleteFunc(table, func(_ wireguard.RouteKey, r wireguard.Route) bool { return r.Link == index && index != 0 })
	}
}

func (f *fake) Link(name string) (wireguard.Link, bool, error) {
	l, ok := f.links[name]
	return l, ok, nil
}

func (f *fake) SetLink(name string, mtu int) error {
	l, ok := f.links[name]
	if !ok {
		return syscall.ENODEV
	}
	f.note("link set %s mtu %d up", name, mtu)
	l.MTU, l.Up = mtu, true
	f.links[name] = l
	return nil
}

func (f *fake) Takes(kind string) bool { return kind == "wireguard" }

func (f *fake) Make(name string, mtu int) error {
	if f.missing {
		return wireguard.ErrUnsupported
	}
	if _, there := f.links[name]; there {
		return syscall.EEXIST
	}
	f.note("link add %s type wireguard", name)
	f.add(name, "wireguard", mtu)
	return nil
}

func (f *fake) Attach(wireguard.Link) error { return nil }

func (f *fake) Remove(name string) error {
	if l, there := f.links[name]; there && (l.Kind == "wireguard" || l.Kind == "tun") {
		f.note("link del %s", name)
		f.delete(name)
	}
	return nil
}

func (f *fake) Addresses(link int) ([]netip.Addr, error) { return slices.Clone(f.addresses[link]), nil }

func (f *fake) ChangeAddresses(link int, give, take []netip.Addr) []error {
	for _, a := range give {
		f.note("addr add %v", a)
		f.addresses[link] = append(f.addresses[link], a)
	}
	for _, a := range take {
		f.note("addr del %v", a)
		f.addresses[link] = slices.DeleteFunc(f.addresses[link], func(b netip.Addr) bool { return a == b })
	}
	return make([]error, len(give)+len(take))
}

func (f *fake) Routes(table uint32) (map[wireguard.RouteKey]wireguard.Route, error) {
	return maps.Clone(f.tables[table]), nil
}

func (f *fake) ChangeRoutes(table uint32, put, remove []wireguard.KeyedRoute) []error {
	var out []error
	if f.tables[table] == nil {
		f.tables[table] = map[wireguard.RouteKey]wireguard.Route{}
	}
	for _, r := range put {
		f.note("route replace %s", f.route(r.Key, r.Route))
		if r.Route.Link != 0 && !f.isUp(r.Route.Link) {
			out = append(out, syscall.ENETDOWN)
			continue
		}
		f.tables[table][r.Key] = r.Route
		out = append(out, nil)
	}
	for _, r := range remove {
		f.note("route del %s", f.route(r.Key, r.Route))
		delete(f.tables[table], r.Key)
		out = append(out, nil)
	}
	return out
}

func (f *fake) isUp(index int) bool {
	for _, l := range f.links {
		if l.Index == index {
			return l.Up
		}
	}
	return false
}

func (f *fake) Rules(priority uint32) (out []wireguard.Rule, err error) {
	for r := range f.rules {
		if r.Priority == priority {
			out = append(out, r)
		}
	}
	return out, nil
}

func (f *fake) ChangeRules(add, remove []wireguard.Rule) []error {
	for _, r := range add {
		f.note("rule add %v %d", r.Family, r.Priority)
		f.rules[r] = true
	}
	for _, r := range remove {
		f.note("rule del %v %d", r.Family, r.Priority)
		delete(f.rules, r)
	}
	return make([]error, len(add)+len(remove))
}

func (f *fake) Read(name string) (wireguard.Device, error) {
	d, ok := f.devices[name]
	if !ok {
		return wireguard.Device{}, fs.ErrNotExist
	}
	out := *d
	out.Peers = maps.Clone(d.Peers)
	return out, nil
}

// Change moves allowed IPs to the peer that is told last, as the protocol's table does.
func (f *fake) Change(name string, c wireguard.Change) error {
	d, ok := f.devices[name]
	if !ok {
		return fs.ErrNotExist
	}
	for k := range c.Peers {
		if err := f.refuse[k]; err != nil {
			return err
		}
	}
	if c.Port != nil && *c.Port == f.taken {
		return syscall.EADDRINUSE
	}
	f.note("wg set %s", strings.Join(describe(c), " "))
	if c.Key != nil {
		d.Key = *c.Key
	}
	if c.Port != nil {
		d.Port = *c.Port
	}
	if c.Mark != nil {
		d.Mark = *c.Mark
	}
	for _, k := range c.Gone {
		delete(d.Peers, k)
	}
	for k, p := range c.Peers {
		for other, q := range d.Peers {
			q.Allowed = slices.DeleteFunc(slices.Clone(q.Allowed), func(a netip.Prefix) bool { return slices.Contains(p.Allowed, a) })
			d.Peers[other] = q
		}
		if f.deaf == nil || !f.deaf[k] {
			p.Handshake = time.Unix(1, 0)
		}
		d.Peers[k] = p
	}
	f.greeted = append(f.greeted, c.Greet...)
	return nil
}

func describe(c wireguard.Change) (out []string) {
	if c.Key != nil {
		out = append(out, "private-key")
	}
	if c.Port != nil {
		out = append(out, fmt.Sprintf("listen-port %d", *c.Port))
	}
	if c.Mark != nil {
		out = append(out, fmt.Sprintf("fwmark %#x", *c.Mark))
	}
	return append(out, fmt.Sprintf("peers +%d -%d", len(c.Peers), len(c.Gone)))
}

func (f *fake) route(k wireguard.RouteKey, r wireguard.Route) string {
	switch r.Kind {
	case wireguard.Throw:
		return fmt.Sprintf("throw %v metric %d", k.To, k.Metric)
	case wireguard.Drop:
		return fmt.Sprintf("blackhole %v metric %d", k.To, k.Metric)
	}
	for _, l := range f.links {
		if l.Index == r.Link {
			return fmt.Sprintf("%v dev %s metric %d", k.To, l.Name, k.Metric)
		}
	}
	return fmt.Sprintf("%v dev if%d metric %d", k.To, r.Link, k.Metric)
}
