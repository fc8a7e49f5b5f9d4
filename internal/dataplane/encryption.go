package dataplane

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/mtu"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/wireguard"
)

// encryption is the WireGuard tunnels of both families. Nothing of a family is opened, and no key
// made, before it is switched on.
type encryption struct {
	settings *config.Settings
	tunnels  *tunnels // which know the links
	report   func(f family.Family, text string)
	// told is told of this node's public keys, to be published.
	told    func(family.Pair[model.WireguardKey])
	control *wireguard.Control
	open    family.Pair[*encrypted]
	watcher *watcher
	own     family.Pair[model.Own]
	peers   map[string]model.WireguardPeer
	remote  map[netip.Prefix]string // destinations at other nodes
	inSync  bool
	// failed is why a family could not be opened.
	failed family.Pair[error]
}

// encrypted is the tunnel of one family.
type encrypted struct {
	linux  *wireguard.Linux
	user   *wireguard.Userspace
	driver *wireguard.Driver
	key    wireguard.PrivateKey
	table  uint32
	// audit is when peers and key are to be read again: the kernel tells nobody of a change.
	audit time.Time
	// seen are the peers as of the last audit, silent those that did not answer by then.
	seen   map[string]wireguard.Peer
	silent []string
}

// auditEvery is how long a change to a device's key or peers may go unseen, as in Felix.
const auditEvery = 90 * time.Second

func newEncryption(t *tunnels, told func(family.Pair[model.WireguardKey]), report func(family.Family, string)) *encryption {
	if told == nil {
		told = func(family.Pair[model.WireguardKey]) {}
	}
	return &encryption{
		tunnels: t, told: told, report: report, watcher: newWatcher(),
		peers: map[string]model.WireguardPeer{}, remote: map[netip.Prefix]string{},
	}
}

func (e *encryption) close() error {
	if e == nil {
		return nil
	}
	e.watcher.close()
	var errs []error
	for _, f := range family.All() {
		if t := e.open.Get(f); t != nil {
			errs = append(errs, t.user.Close(), t.linux.Close())
		}
	}
	if e.control != nil {
		errs = append(errs, e.control.Close())
	}
	return errors.Join(errs...)
}

// configure puts settings into force. A family that is switched on for the first time is opened;
// one that cannot be is tried again by apply.
func (e *encryption) configure(s *config.Settings) {
	e.settings = s
	for _, f := range family.All() {
		e.configureFamily(f)
	}
	e.tell()
}

func (e *encryption) wanted(f family.Family) bool {
	return e.settings.Support.Get(f) && e.settings.Wireguard.Enabled.Get(f)
}

func (e *encryption) configureFamily(f family.Family) {
	defer func() { *e.tunnels.encrypted.At(f) = e.carriedMTU(f) }()
	t := e.open.Get(f)
	if t == nil && e.wanted(f) {
		var err error
		t, err = e.openFamily(f)
		if *e.failed.At(f) = err; err != nil {
			return
		}
		*e.open.At(f) = t
		e.tell()
		for _, p := range e.peers {
			t.driver.PutNode(e.node(f, p))
		}
		for to, node := range e.remote {
			t.route(f, to, node)
		}
		if e.inSync {
			t.driver.InSync()
		}
	}
	if t != nil {
		t.driver.Use(e.choice(t))
	}
}

// openFamily opens the kernel for one family's tunnel, and has its key ready.
func (e *encryption) openFamily(f family.Family) (*encrypted, error) {
	if e.control == nil {
		control, err := wireguard.OpenControl()
		if err != nil {
			return nil, fmt.Errorf("open WireGuard: %w", err)
		}
		e.control = control
	}
	key, err := e.privateKey(f)
	if err != nil {
		return nil, err
	}
	linux, err := wireguard.OpenLinux()
	if err != nil {
		return nil, err
	}
	t := &encrypted{linux: linux, key: key, table: tableOf(e.settings.Routes.Tables, f)}
	t.user = wireguard.NewUserspace(wireguard.UserspaceOptions{
		Links: linux, Report: func(text string) { e.report(f, text) },
	})
	events, err := linux.Subscribe(t.table)
	if err != nil {
		return nil, errors.Join(err, linux.Close())
	}
	e.watcher.add(f, events)
	t.driver = wireguard.New(wireguard.Options{
		Family: f, Tunnel: e.choice(t), Kernel: linux, Maker: e.choice(t), Key: key,
	})
	return t, nil
}

// privateKey is the node's own: the one that is kept, else that of the device that stands, else a
// new one. The last two are kept for the next time.
func (e *encryption) privateKey(f family.Family) (wireguard.PrivateKey, error) {
	var file wireguard.KeyFile
	if dir := e.settings.Wireguard.StateDirectory; dir != "" {
		file = wireguard.KeyFile(filepath.Join(dir, f.String()+".key"))
	}
	key, err := file.Load()
	if err != nil || !key.IsZero() {
		return key, err
	}
	device, err := e.control.Read(e.settings.Wireguard.Interface.Get(f))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return key, fmt.Errorf("WireGuard key: %w", err)
	}
	if key = device.Key; key.IsZero() {
		if key, err = wireguard.NewPrivateKey(); err != nil {
			return key, fmt.Errorf("WireGuard key: %w", err)
		}
	}
	return key, file.Store(key)
}

// tell tells of the node's public keys: of the families that are on, and no others.
func (e *encryption) tell() {
	var keys family.Pair[model.WireguardKey]
	for _, f := range family.All() {
		if t := e.open.Get(f); t != nil && e.wanted(f) {
			*keys.At(f) = t.key.Public()
		}
	}
	e.told(keys)
}

// choice is where the family's device may be.
func (e *encryption) choice(t *encrypted) wireguard.Choice {
	backend := e.settings.Wireguard.Backend
	return wireguard.Choice{
		Kernel: t.linux, Control: e.control, Userspace: t.user,
		NoKernel: backend == config.WireguardUserspace, NoUserspace: backend == config.WireguardKernel,
	}
}

// driverSettings are the settings as one family's tunnel looks at them.
func (e *encryption) driverSettings(f family.Family) wireguard.Settings {
	s, own := e.settings.Wireguard, e.own.Get(f)
	out := wireguard.Settings{
		Name: s.Interface.Get(f), Port: s.Port.Get(f), MTU: e.mtu(f),
		Mark: wireguardMark(e.settings), KeepAlive: s.KeepAlive,
		Table: e.open.Get(f).table, Priority: uint32(s.RulePriority), Required: s.Required,
	}
	if e.wanted(f) {
		out.Carries = family.NewSet(f)
	}
	if own.Wireguard.Address.IsValid() {
		out.Addresses = []netip.Addr{own.Wireguard.Address}
	}
	return out
}

// wireguardMark is the bit that the devices' own packets carry, of those that the backend in force
// may use. Where the mask is too small for one, the highest of them all has to do.
func wireguardMark(s *config.Settings) uint32 {
	mask := s.NFTables.MarkMask
	if s.NFTables.Mode == config.NFTablesDisabled {
		mask = s.Iptables.MarkMask
	}
	if marks, err := rules.AllocateMarks(mask); err == nil && marks.Wireguard != 0 {
		return marks.Wireguard
	}
	return 1 << 31
}

// tableOf is the routing table of a family's device: the first of the ranges for IPv4's, the second
// for IPv6's.
func tableOf(ranges []config.TableRange, f family.Family) uint32 {
	nth := family.PairOf[uint32](0, 1)
	n := nth.Get(f)
	for _, r := range ranges {
		size := r.Last - r.First + 1
		if n < size {
			return r.First + n
		}
		n -= size
	}
	return nth.Get(f) + 1
}

// mtu is the device's: the one that is set, or what the link that carries the node's address of the
// family leaves.
func (e *encryption) mtu(f family.Family) int {
	if set := e.settings.Wireguard.MTU.Get(f); set != 0 {
		return set
	}
	if left := e.left(f); f == family.V4 || left > mtu.MinimumIPv6 {
		return left
	}
	return mtu.MinimumIPv6
}

// left is what the link that carries the node's address of the family leaves of its MTU.
func (e *encryption) left(f family.Family) int {
	l, there := e.tunnels.vxlan.Get(f).Carrier(e.own.Get(f).Address.Addr())
	if !there || l.Loopback {
		l.MTU = mtu.Host(e.tunnels.vxlan.Get(f).MTUs(), e.settings.MTU.Interfaces.MatchString)
	}
	overhead := family.PairOf(60, 80) // IP and UDP headers, WireGuard's own 32
	return l.MTU - overhead.Get(f)
}

// tight says that the link below leaves the IPv6 tunnel less than IPv6 needs; empty if not.
func (e *encryption) tight(f family.Family) string {
	if left := e.left(f); f == family.V6 && e.wanted(f) && left < mtu.MinimumIPv6 {
		return fmt.Sprintf("the link below leaves %d bytes for a packet, and IPv6 needs %d: what is larger travels in fragments", left, mtu.MinimumIPv6)
	}
	return ""
}

// carriedMTU is what pods' packets of a family must fit into: the device's MTU, or 0 if it is off.
func (e *encryption) carriedMTU(f family.Family) int {
	if !e.wanted(f) {
		return 0
	}
	return e.mtu(f)
}

// update takes in what the graph has to say.
func (e *encryption) update(b *calc.Batch) {
	for _, name := range b.PeersGone {
		delete(e.peers, name)
		e.each(func(_ family.Family, t *encrypted) { t.driver.RemoveNode(name) })
	}
	for _, p := range b.Peers {
		e.peers[p.Node] = p
		e.each(func(f family.Family, t *encrypted) { t.driver.PutNode(e.node(f, p)) })
	}
	for _, to := range b.RoutesGone {
		e.place(to, "")
	}
	for _, r := range b.Routes {
		if r.Kind == model.RouteRemote {
			e.place(r.Destination, r.Node)
		} else {
			e.place(r.Destination, "")
		}
	}
	for _, o := range b.Own {
		*e.own.At(o.Family) = o
	}
}

func (e *encryption) each(do func(family.Family, *encrypted)) {
	for _, f := range family.All() {
		if t := e.open.Get(f); t != nil {
			do(f, t)
		}
	}
}

// place says at which other node a destination is; empty for none.
func (e *encryption) place(to netip.Prefix, node string) {
	if node == "" {
		delete(e.remote, to)
	} else {
		e.remote[to] = node
	}
	e.each(func(f family.Family, t *encrypted) { t.route(f, to, node) })
}

func (t *encrypted) route(f family.Family, to netip.Prefix, node string) {
	switch {
	case family.OfPrefix(to) != f:
	case node == "":
		t.driver.Unroute(to)
	default:
		t.driver.Route(to, node)
	}
}

// node is another node as one family's tunnel sees it.
func (e *encryption) node(f family.Family, p model.WireguardPeer) wireguard.Node {
	end := p.Ends.Get(f)
	n := wireguard.Node{Name: p.Node, Key: end.Key, Shared: end.Shared, Endpoint: p.Addresses.Get(f)}
	if end.Address.IsValid() {
		n.Addresses = append(n.Addresses, family.HostPrefix(end.Address))
	}
	return n
}
