package dataplane

import (
	"errors"
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/ipip"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/mtu"
	"github.com/margay-net/margay/internal/vxlan"
)

// tunnels are the devices that carry pods' packets to other nodes: one for VXLAN over each
// family, and one for IPIP. Both VXLAN devices may be there at once; which families a device
// carries is the graph's decision.
type tunnels struct {
	settings *config.Settings
	linux    family.Pair[*vxlan.Linux]
	vxlan    family.Pair[*vxlan.Driver]
	links    *interfaces.Linux // of ipip
	ipip     *ipip.Driver
	file     *mtu.File
	watcher  *watcher

	// own is what the graph says that this node is, by family.
	own family.Pair[model.Own]
	// pods is the pods' MTU; 0 if it is not known. warnings are what there is to say of it,
	// fileErr why the file does not say it.
	pods     int
	warnings []string
	fileErr  error
	// encrypted are the MTUs of the WireGuard devices, by the family they carry; 0 for none.
	encrypted family.Pair[int]
	repairs   family.Pair[uint64]
}

// openTunnels opens the kernel for the drivers, and subscribes to its events.
func openTunnels(s *config.Settings) (*tunnels, error) {
	t := &tunnels{watcher: newWatcher(), file: mtu.NewFile(s.MTU.File)}
	links, err := interfaces.OpenLinux()
	if err != nil {
		return nil, err
	}
	t.links, t.ipip = links, ipip.New(ipip.Options{Kernel: links})
	for _, f := range family.All() {
		if err := t.openVXLAN(f); err != nil {
			return nil, errors.Join(err, t.close())
		}
	}
	t.configure(s)
	return t, nil
}

func (t *tunnels) openVXLAN(f family.Family) error {
	linux, err := vxlan.OpenLinux()
	if err != nil {
		return err
	}
	*t.linux.At(f) = linux
	*t.vxlan.At(f) = vxlan.New(vxlan.Options{Family: f, Kernel: linux, Sysctls: interfaces.ProcSys})
	events, err := linux.Subscribe()
	if err != nil {
		return err
	}
	t.watcher.add(f, events)
	return nil
}

func (t *tunnels) close() error {
	if t == nil {
		return nil
	}
	t.watcher.close()
	errs := []error{t.links.Close()}
	for _, f := range family.All() {
		if l := t.linux.Get(f); l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// configure puts settings into force.
func (t *tunnels) configure(s *config.Settings) {
	t.settings = s
	if t.file.Path() != s.MTU.File {
		t.file = mtu.NewFile(s.MTU.File)
	}
	t.configureDrivers()
	for _, f := range family.All() {
		t.place(f)
	}
}

func (t *tunnels) configureDrivers() {
	s := t.settings
	for _, f := range family.All() {
		t.vxlan.Get(f).Configure(vxlan.Settings{
			Off:  !s.Support.Get(f),
			VNI:  uint32(s.VXLAN.VNI),
			Port: s.VXLAN.Port, MTU: s.VXLAN.MTU.Get(f), FallbackMTU: t.fallback(f),
			BrokenOffload: s.VXLAN.BrokenOffload, Audit: s.Interfaces.Refresh,
		})
	}
	t.ipip.Configure(ipip.Settings{
		Off: !s.Support.Get(family.V4),
		MTU: s.IPIP.MTU, FallbackMTU: t.fallback(family.V4),
	})
}

// fallback is the MTU of the host for a node whose address of the family is on no link that
// leaves it; 0 where it is not needed.
func (t *tunnels) fallback(f family.Family) int {
	l, there := t.vxlan.Get(f).Carrier(t.own.Get(f).Address.Addr())
	if there && !l.Loopback {
		return 0
	}
	return mtu.Host(t.vxlan.Get(f).MTUs(), t.settings.MTU.Interfaces.MatchString)
}

// update takes in what the graph has to say. Like routes, tunnels are made before everything
// has been read: they open nothing.
func (t *tunnels) update(b *calc.Batch) {
	for _, k := range b.VTEPsGone {
		t.vxlan.Get(k.Underlay).Unwant(k.Node)
	}
	for _, v := range b.VTEPs {
		t.vxlan.Get(v.Family()).Want(v)
	}
	for _, o := range b.Own {
		*t.own.At(o.Family) = o
		t.place(o.Family)
	}
}

// place tells the drivers over a family where their tunnels begin.
func (t *tunnels) place(f family.Family) {
	own := forced(t.settings, t.own.Get(f))
	end := model.VTEP{}
	if own.VXLAN && own.VTEP.Node != "" {
		end = own.VTEP
	}
	t.vxlan.Get(f).Own(t.supported(end))
	if f != family.V4 { // IPIP carries IPv4 over IPv4
		return
	}
	if own.IPIP {
		t.ipip.Own(ipip.Own{Node: own.Address.Addr(), Tunnel: own.IPIPAddress})
	} else {
		t.ipip.Own(ipip.Own{})
	}
}

// forced is what this node is with the settings that decide instead of the pools. They are
// Felix's, and of IPv4 only (VXLANEnabled, IpInIpEnabled).
func forced(s *config.Settings, own model.Own) model.Own {
	if own.Family != family.V4 {
		return own
	}
	decide := func(asked bool, t config.Toggle) bool { return t == config.On || asked && t != config.Off }
	own.VXLAN = decide(own.VXLAN, s.VXLAN.Enabled)
	own.IPIP = decide(own.IPIP, s.IPIP.Enabled)
	return own
}

// supported is an end without the tunnel addresses of a family that is off.
func (t *tunnels) supported(v model.VTEP) model.VTEP {
	for _, f := range family.All() {
		if !t.settings.Support.Get(f) {
			*v.Addresses.At(f) = model.VTEP{}.Addresses.Get(f)
		}
	}
	return v
}

func (t *tunnels) inSync() {
	t.ipip.InSync()
	for _, f := range family.All() {
		t.vxlan.Get(f).InSync()
	}
}

// handle takes in the kernel's word. Each driver's subscription tells it; that over IPv4
// tells the one of IPIP as well.
func (t *tunnels) handle(e familyEvents) {
	t.vxlan.Get(e.family).Handle(e.events)
	if e.family == family.V4 {
		t.ipip.Handle(e.events)
	}
}

// apply lets the drivers write what differs. It returns when to try again, by family.
func (t *tunnels) apply(now time.Time) (due time.Time, errs family.Pair[error]) {
	soonest := func(at time.Time) {
		if !at.IsZero() && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	t.configureDrivers() // the fallback depends on the links
	for _, f := range family.All() {
		next, err := t.vxlan.Get(f).Apply(now)
		*errs.At(f) = err
		soonest(next)
	}
	next, err := t.ipip.Apply(now)
	*errs.At(family.V4) = errors.Join(errs.Get(family.V4), err)
	soonest(next)
	return due, errs
}
