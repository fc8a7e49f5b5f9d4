package dataplane

import (
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/mtu"
)

// mtuFile is the component that reports whether the CNI plugin is told the pods' MTU.
var mtuFile = health.Component{Name: "mtu-file"}

// measure works out the pods' MTU and has the file say it. Before everything has been read it
// is not known which tunnels there will be.
func (t *tunnels) measure() {
	var paths family.Pair[mtu.Paths]
	for _, f := range family.All() {
		if t.settings.Support.Get(f) {
			*paths.At(f) = t.paths(f)
		}
	}
	t.pods, t.warnings = mtu.Pods(paths)
	if t.pods == 0 {
		return
	}
	_, t.fileErr = t.file.Write(t.pods)
}

// paths are the ways of the pods of a family.
func (t *tunnels) paths(f family.Family) mtu.Paths {
	var p mtu.Paths
	own := t.own.Get(f).Address
	if l, there := t.vxlan.Get(f).Carrier(own.Addr()); there && !l.Loopback {
		p.Link = l.MTU
	} else if own.IsValid() {
		p.Link = t.fallback(f)
	}
	for _, underlay := range family.All() {
		if d := t.vxlan.Get(underlay); d.Carries().Has(f) {
			p.Tunnels = append(p.Tunnels, d.MTU())
		}
	}
	if f == family.V4 {
		p.Tunnels = append(p.Tunnels, t.ipip.MTU())
	}
	p.Tunnels = append(p.Tunnels, t.encrypted.Get(f))
	return p
}

// reportMTU says how the file fares: to readiness if that is asked for (RequireMTUFile), and
// as a condition in any case.
func (d *Dataplane) reportMTU(now time.Time) {
	t := d.tunnels
	d.condition(now, "PodMTU", 0, t.warnings)
	var failed []string
	if t.fileErr != nil {
		failed = []string{t.fileErr.Error()}
	}
	d.condition(now, "MTUFileWritten", 0, failed)
	d.troubles.note(0, "mtu", t.fileErr)
	if !d.settings.MTU.RequireFile {
		d.health.Remove(mtuFile)
		return
	}
	d.health.Add(now, mtuFile, health.Promise{Readiness: true})
	switch {
	case t.fileErr != nil:
		d.health.NotReady(now, mtuFile, t.fileErr.Error())
	case t.pods == 0:
		d.health.NotReady(now, mtuFile, "the pods' MTU is not known yet")
	default:
		d.health.Ready(now, mtuFile)
	}
}
