package wireguard

import (
	"errors"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
)

// Linux is the Kernel of the network namespace that OpenLinux was called in, and the Maker of the
// kernel's own devices there.
type Linux struct{ socket *rtnetlink.Socket }

// The kinds of device that can be a tunnel's, as the kernel calls them.
const (
	kindKernel = "wireguard"
	kindTun    = "tun"
)

// protocol marks our routes, as it does those in the main table.
const protocol = 80

// OpenLinux opens the kernel's interfaces, routes and rules.
func OpenLinux() (*Linux, error) {
	s, err := rtnetlink.Open()
	if err != nil {
		return nil, err
	}
	return &Linux{socket: s}, nil
}

// Close closes the socket.
func (l *Linux) Close() error { return l.socket.Close() }

// Port is that of the netlink socket: events that our own writes cause carry it.
func (l *Linux) Port() uint32 { return l.socket.Port() }

// Subscribe starts to collect events of links and addresses, of rules, and of the routes of a
// table, but for those that this Linux causes. It must be called in the same network namespace.
func (l *Linux) Subscribe(table uint32) (*rtnetlink.Listener, error) {
	return rtnetlink.Listen(rtnetlink.Topics{Addresses: family.Both, Rules: family.Both, Routes: family.Both, Table: table}, l.Port())
}

// Link implements Kernel.
func (l *Linux) Link(name string) (Link, bool, error) {
	found, there, err := l.find(name)
	return linkOf(found), there, err
}

func linkOf(l rtnetlink.Link) Link {
	return Link{Index: l.Index, Name: l.Name, Kind: l.Kind, MTU: l.MTU, Up: l.Up}
}

func (l *Linux) find(name string) (rtnetlink.Link, bool, error) {
	links, err := l.socket.Links()
	if err != nil {
		return rtnetlink.Link{}, false, err
	}
	for _, link := range links {
		if link.Name == name {
			return link, true, nil
		}
	}
	return rtnetlink.Link{}, false, nil
}

// SetLink implements Kernel. The device makes no link-local address of its own: it has no
// hardware address to make one from, and routers on a tunnel need none.
func (l *Linux) SetLink(name string, mtu int) error {
	have, there, err := l.find(name)
	if err != nil || !there {
		return errors.Join(err, ifNot(there, syscall.ENODEV))
	}
	want := have
	want.MTU, want.Up, want.NoLinkLocal = mtu, true, true
	var b rtnetlink.Batch
	b.ChangeLink(have, want)
	return errors.Join(l.socket.Execute(&b)...)
}

func ifNot(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// Make implements Maker.
func (l *Linux) Make(name string, mtu int) error {
	var b rtnetlink.Batch
	b.CreateLink(rtnetlink.Link{Name: name, Kind: kindKernel, MTU: mtu})
	err := errors.Join(l.socket.Execute(&b)...)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return ErrUnsupported
	}
	return err
}

// Takes implements Maker.
func (l *Linux) Takes(kind string) bool { return kind == kindKernel }

// Attach implements Maker: the kernel's devices need nobody.
func (l *Linux) Attach(Link) error { return nil }

// Remove implements Maker.
func (l *Linux) Remove(name string) error {
	link, there, err := l.find(name)
	if err != nil || !there || link.Kind != kindKernel && link.Kind != kindTun {
		return err
	}
	var b rtnetlink.Batch
	b.DeleteLink(link.Index)
	return errors.Join(l.socket.Execute(&b)...)
}

// Addresses implements Kernel.
func (l *Linux) Addresses(link int) (out []netip.Addr, err error) {
	for _, f := range family.All() {
		addresses, err := l.socket.Addresses(f)
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			if ip := a.Prefix.Addr(); a.Link == link && !ip.IsLinkLocalUnicast() {
				out = append(out, ip)
			}
		}
	}
	return out, nil
}

// ChangeAddresses implements Kernel.
func (l *Linux) ChangeAddresses(link int, give, take []netip.Addr) []error {
	var b rtnetlink.Batch
	for _, a := range give {
		b.CreateAddress(rtnetlink.Address{Link: link, Prefix: family.HostPrefix(a), NoDAD: true})
	}
	for _, a := range take {
		b.DeleteAddress(rtnetlink.Address{Link: link, Prefix: family.HostPrefix(a)})
	}
	return l.forgive(&b, len(give), syscall.EEXIST, syscall.EADDRNOTAVAIL)
}

// forgive executes a batch. That what is to be added is there, or what is to go is not, is no
// error: somebody else was faster.
func (l *Linux) forgive(b *rtnetlink.Batch, added int, there, gone syscall.Errno) []error {
	errs := l.socket.Execute(b)
	for i, err := range errs {
		if i < added && errors.Is(err, there) || i >= added && errors.Is(err, gone) {
			errs[i] = nil
		}
	}
	return errs
}

// Routes implements Kernel. What nobody of us could have written is not listed.
func (l *Linux) Routes(table uint32) (map[RouteKey]Route, error) {
	out := map[RouteKey]Route{}
	for _, f := range family.All() {
		routes, err := l.socket.TableRoutes(f, table)
		if err != nil {
			return nil, err
		}
		for _, r := range routes {
			if k, ours, ok := RouteOf(r); ok {
				out[k] = ours
			}
		}
	}
	return out, nil
}

// RouteOf reads a route of the table; false for one that is not of our making.
func RouteOf(r rtnetlink.Route) (RouteKey, Route, bool) {
	kinds := map[rtnetlink.RouteType]RouteKind{
		rtnetlink.Unicast: IntoDevice, rtnetlink.Throw: Throw, rtnetlink.Blackhole: Drop,
	}
	kind, known := kinds[r.Type]
	return RouteKey{r.Destination, r.Metric}, Route{Kind: kind, Link: r.Link}, known && !r.Odd && !r.Gateway.IsValid()
}

// ChangeRoutes implements Kernel.
func (l *Linux) ChangeRoutes(table uint32, put, remove []KeyedRoute) []error {
	var b rtnetlink.Batch
	for _, r := range put {
		b.ReplaceRoute(written(table, r))
	}
	for _, r := range remove {
		b.DeleteRoute(written(table, r))
	}
	return l.forgive(&b, len(put), 0, syscall.ESRCH)
}

func written(table uint32, r KeyedRoute) rtnetlink.Route {
	out := rtnetlink.Route{
		Destination: r.Key.To, Metric: r.Key.Metric, Table: table, Protocol: protocol, Link: r.Route.Link,
		Type: map[RouteKind]rtnetlink.RouteType{
			IntoDevice: rtnetlink.Unicast, Throw: rtnetlink.Throw, Drop: rtnetlink.Blackhole,
		}[r.Route.Kind],
	}
	if family.OfPrefix(r.Key.To) == family.V4 && r.Route.Kind == IntoDevice {
		out.Scope = unix.RT_SCOPE_LINK // a neighbour without a gateway; IPv6 knows no scopes
	}
	return out
}

// Rules implements Kernel.
func (l *Linux) Rules(priority uint32) (out []Rule, err error) {
	for _, f := range family.All() {
		rules, err := l.socket.Rules(f)
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			if r.Priority == priority && !r.Odd && !r.Marked && r.Mask != 0 && r.Mask == r.Mark {
				out = append(out, Rule{Family: f, Priority: r.Priority, Mark: r.Mark, Table: r.Table})
			}
		}
	}
	return out, nil
}

// ChangeRules implements Kernel.
func (l *Linux) ChangeRules(add, remove []Rule) []error {
	var b rtnetlink.Batch
	for _, r := range add {
		b.CreateRule(asked(r))
	}
	for _, r := range remove {
		b.DeleteRule(asked(r))
	}
	return l.forgive(&b, len(add), syscall.EEXIST, syscall.ENOENT)
}

func asked(r Rule) rtnetlink.Rule {
	return rtnetlink.Rule{Family: r.Family, Priority: r.Priority, Mark: r.Mark, Mask: r.Mark, Table: r.Table}
}
